#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import ArgumentParser
import FoundationEssentials
import GranaryModel
import Logging
import NIOCore

/// Where settings come from on the command line; shared by `serve` and `config`.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "A YAML file with settings.")
    var config: String?

    @Option(help: "The folder that holds everything (default: ./granary-data).")
    var data: String?

    @Option(help: "The address to listen on (default: 127.0.0.1).")
    var host: String?

    @Option(help: "The port to listen on (default: 8080).")
    var port: Int?

    @Option(help: "PEM file with the certificate and its chain.")
    var tlsCertificate: String?

    @Option(help: "PEM file with the private key.")
    var tlsKey: String?

    @Option(help: "How clients reach the server, such as https://registry.example.org.")
    var publicURL: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?

    @Option(help: "text or json.")
    var logFormat: String?

    func load() async throws -> ServerConfiguration {
        let texts: [(Setting, String?)] = [
            (.data, data), (.host, host), (.certificate, tlsCertificate), (.privateKey, tlsKey),
            (.publicURL, publicURL), (.logLevel, logLevel), (.logFormat, logFormat)
        ]
        var flags: [String: Setting.Value] = [:]
        for (setting, text) in texts { flags[setting.key] = text.map(Setting.Value.text) }
        flags[Setting.port.key] = port.map(Setting.Value.number)
        return try await ServerConfiguration(
            flags: flags, file: config, environment: ProcessInfo.processInfo.environment)
    }
}

/// `granary serve`
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start the server.",
        discussion: """
            Without configuration it keeps everything in ./granary-data and listens on http://127.0.0.1:8080.
            On the first start it makes a user 'admin' with a random password and the repositories 'docker' and 'files'.

            Examples:
              granary serve
              granary serve --data /var/lib/granary --host 0.0.0.0 --port 443 \\
                --tls-certificate cert.pem --tls-key key.pem
              GRANARY_LOG_FORMAT=json granary serve
            """)

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        do {
            let configuration = try await options.load()
            let (level, lines) = try Self.log(configuration)
            try await Server(configuration: configuration, lines: lines, level: level).run { Self.tell($0) }
        } catch let error as ServerConfiguration.Failure {
            throw Failure(error.description, .usage).exit
        } catch let error as DataDirectory.Failure {
            throw Failure(error.description, .failed).exit
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw Failure("the address is in use; another --port, or --port 0, will do", .failed).exit
        } catch let error as IOError where error.errnoCode == EACCES {
            throw Failure("a port below 1024 takes privileges; another --port will do", .failed).exit
        } catch let error as ExitCode {
            throw error
        } catch {
            throw Failure("the server stopped: \(oneLine(error))", .failed).exit
        }
    }

    /// The level from which lines are written, and their writer.
    private static func log(_ configuration: ServerConfiguration) throws -> (Logger.Level, LineWriter) {
        let name = try configuration.text(.logLevel)
        guard let level = Logger.Level(rawValue: name) else {
            throw ServerConfiguration.Failure(description: "log.level '\(name)' is no level; try info")
        }
        guard let format = LineFormat(rawValue: try configuration.text(.logFormat)) else {
            throw ServerConfiguration.Failure(description: "log.format is text or json")
        }
        let now: Now = { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
        return (level, LineWriter(format: format, now: now))
    }

    private static func tell(_ announcement: Announcement) {
        Terminal.say("Granary \(BuildInfo.version) listens on \(announcement.address)")
        Terminal.say("Data: \(announcement.data.path)")
        let file = announcement.data.initialPassword
        guard let stored = FileManager.default.contents(atPath: file) else { return }
        if announcement.isFirstStart {
            let password = String(decoding: stored, as: UTF8.self).filter { !$0.isNewline }
            Terminal.say("Log in as 'admin' with the password: \(password)")
            Terminal.say("It is shown this once and kept in \(file); delete that file when you have it.")
        } else {
            Terminal.say("Log in as 'admin'; the first password is in \(file)")
        }
    }
}
