import ArgumentParser
import GranaryHTTP

/// `granary config`
struct ShowConfiguration: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show the settings in force and where each came from.",
        discussion: """
            Command line wins over environment (GRANARY_…), environment over the file, the file over defaults.

            Examples:
              granary config
              granary config --config /etc/granary.yaml --json
            """)

    @OptionGroup var options: ConfigurationOptions
    @Flag(help: "Print JSON, for scripts.") var json = false

    func run() async throws {
        try await perform {
            do {
                let resolved = try await options.load().resolved()
                if json { return try Terminal.json(resolved) }
                Terminal.table(
                    ["SETTING", "VALUE", "FROM"], resolved.map { [$0.key, $0.value, $0.source] })
            } catch let error as ServerConfiguration.Failure {
                throw Failure(error.description, .usage)
            }
        }
    }
}

/// `granary version`
struct ShowVersion: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Show the version of this program, and of a server it is logged in to.",
        discussion: """
            Examples:
              granary version
              granary version --server http://127.0.0.1:8080 --json
            """)

    @OptionGroup var options: ClientOptions

    private struct Versions: Encodable {
        let client: String
        let server: String?
    }

    func run() async throws {
        try await perform {
            var server: String?
            if let client = try? options.client() {
                let answer: Wire.Version? =
                    options.server == nil ? try? await client.get("/version") : try await client.get("/version")
                server = answer?.version
            }
            if options.json { return try Terminal.json(Versions(client: BuildInfo.version, server: server)) }
            Terminal.say("granary \(BuildInfo.version)")
            if let server { Terminal.say("server  \(server)") }
        }
    }
}
