import Foundation
import GranaryTestKit
import Testing

/// A Granary server of the binary that was built with the tests, on a free port of the loopback interface.
struct Server: Sendable {
    let port: Int
    /// Of the user `admin`, or an access token in its place.
    var password: String
    fileprivate let program: RunningProgram

    /// As image names begin.
    var host: String { "127.0.0.1:\(port)" }
    var url: String { "http://\(host)" }
    /// Where the generic repository `files` is.
    var files: String { "\(url)/generic/files" }
    /// For curl's `-u`.
    var credentials: String { "admin:\(password)" }

    var isRunning: Bool { program.isRunning }

    var residentBytes: Int { program.residentBytes }

    /// Ends it as a power failure would, without a word.
    func kill() { program.signal(9) }
}

/// Runs `body` with a server that has just been set up, and a sandbox whose clients are logged in to it.
/// `settings` are those of its environment.
func withServer(
    _ settings: [String: String] = [:], _ body: (Server, Sandbox) async throws -> Void
) async throws {
    var sandbox = try Sandbox()
    sandbox.environment.merge(settings) { _, new in new }
    defer { sandbox.remove() }
    let server = try await startServer(in: sandbox)
    do {
        try sandbox.configure(for: server)
        try sandbox.logIn(to: server)
        try await body(server, sandbox)
    } catch {
        await stop(server)
        throw error
    }
    await stop(server)
}

func startServer(in sandbox: Sandbox) async throws -> Server {
    let data = sandbox.folder.appending(path: "data")
    let program = try sandbox.start(
        Sandbox.granary, ["serve", "--data", data.path, "--host", "127.0.0.1", "--port", "0"])
    do {
        let port = try await listeningPort(of: program)
        try await waitUntilReady(program, port: port, sandbox)
        let password = try String(contentsOf: data.appending(path: "initial-admin-password"), encoding: .utf8)
        let trimmed = password.trimmingCharacters(in: .whitespacesAndNewlines)
        return Server(port: port, password: trimmed, program: program)
    } catch {
        program.terminate()
        throw error
    }
}

/// The port that a server has found free for itself: one that was free before might be another's by now.
private func listeningPort(of program: RunningProgram) async throws -> Int {
    for _ in 0..<1200 where program.isRunning {
        if let port = program.stdout.firstMatch(of: /listens on http:\/\/127\.0\.0\.1:(\d+)/).flatMap({ Int($0.1) }) {
            return port
        }
        try await Task.sleep(for: .milliseconds(50))
    }
    throw ServerFailure(description: "the server does not listen:\n\(program.log)")
}

private func waitUntilReady(_ program: RunningProgram, port: Int, _ sandbox: Sandbox) async throws {
    for _ in 0..<300 where program.isRunning {
        let answer = try await sandbox.attempt("curl", "-sf", "http://127.0.0.1:\(port)/readyz")
        if answer.hasSucceeded { return }
        try await Task.sleep(for: .milliseconds(100))
    }
    throw ServerFailure(description: "the server was not ready within 30 s:\n\(program.log)")
}

/// A server that does not stop when it is told to is a failure of its own.
func stop(_ server: Server) async {
    server.program.terminate()
    do {
        _ = try await server.program.end(within: .seconds(10))
    } catch {
        Issue.record(error, "the server did not stop when it was told to")
    }
}

struct ServerFailure: Error, CustomStringConvertible {
    let description: String
}
