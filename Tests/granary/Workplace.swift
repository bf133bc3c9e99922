import Foundation
import GranaryTestKit
import Testing

/// A home of its own for the command line: nothing of whoever runs the tests is read or written.
struct Workplace: Sendable {
    /// The binary the tests run: of `GRANARY_BINARY`, else the one that was built with them.
    private static let binary =
        ProcessInfo.processInfo.environment["GRANARY_BINARY"]
        ?? URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: ".build/debug/granary").path

    let folder: TemporaryDirectory
    private var extra: [String: String] = [:]

    init(_ folder: TemporaryDirectory) { self.folder = folder }

    var path: String { folder.path }
    var data: String { "\(path)/data" }
    var loginFile: String { "\(path)/config/granary/login.json" }

    /// With more in its environment.
    func with(_ environment: [String: String]) -> Workplace {
        var other = self
        other.extra = environment
        return other
    }

    private var program: Program {
        let environment = ["HOME": path, "XDG_CONFIG_HOME": "\(path)/config", "PATH": "/usr/bin:/bin"]
        return Program(Self.binary, environment: environment.merging(extra) { $1 }, folder: path)
    }

    /// Runs a command to its end.
    func run(_ arguments: String..., input: String = "") async throws -> Program.Output {
        try await run(arguments, input: input)
    }

    func run(_ arguments: [String], input: String = "") async throws -> Program.Output {
        try await program.run(arguments, input: input)
    }

    /// Starts a server on a free port and waits until it listens.
    func serve(_ arguments: String...) async throws -> RunningServer {
        let running = try program.start(["serve", "--data", data, "--port", "0"] + arguments)
        // On two processors, tests that only compute may keep this one from looking for as long as a minute.
        let limit = Duration.seconds(180)
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if let address = running.stdout.firstMatch(of: /listens on (https?:\/\/\S+)/)?.1 {
                return RunningServer(program: running, address: String(address))
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        running.terminate()
        throw Program.TookTooLong(command: "granary serve", limit: limit, log: running.log)
    }

    /// Starts a server with a known password, logs in as its administrator, and stops it after `body`.
    static func loggedIn(_ body: (Workplace, RunningServer) async throws -> Void) async throws {
        try await fresh { workplace in
            let workplace = workplace.with(["GRANARY_ADMIN_PASSWORD": "a password for tests"])
            let server = try await workplace.serve()
            defer { server.program.terminate() }
            let login = try await workplace.run(
                "login", server.address, "--user", "admin", "--password-stdin", input: "a password for tests\n")
            try #require(login.status == 0, "\(login.stderr)")
            try await body(workplace, server)
        }
    }

    static func fresh(_ body: (Workplace) async throws -> Void) async throws {
        try await Turnstile.servers.pass {
            let folder = try TemporaryDirectory()
            defer { folder.remove() }
            try await body(Workplace(folder))
        }
    }

    /// The permissions of a file, in octal.
    func permissions(_ path: String) -> String? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.posixPermissions] as? NSNumber).map { String($0.intValue, radix: 8) }
    }
}

struct RunningServer: Sendable {
    let program: RunningProgram
    let address: String

    /// Stops it as an operator does.
    func stop() async throws -> Program.Output {
        program.terminate()
        return try await program.end()
    }
}

extension Program.Output {
    /// Whether it failed with this status and told why in one sentence and nothing else.
    func isComplaint(_ status: Int32, _ part: String) -> Bool {
        let lines = stderr.split(separator: "\n")
        return self.status == status && stdout.isEmpty && lines.count == 1 && stderr.hasPrefix("granary: ")
            && stderr.lowercased().contains(part.lowercased()) && lines[0].count < 300
    }
}
