import Foundation
import GranaryTestKit
import Testing

/// What came of a crowd: see `Fixtures/crowd.py`.
private struct CrowdReport: Decodable {
    /// How many were answered, by status.
    let statuses: [String: Int]
    let closed: Int
    let retries: Int
}

extension Sandbox {
    private static let crowd = repository.appending(path: "Tests/Clients/Fixtures/crowd.py").path

    /// Has a crowd begin, runs `body` meanwhile, and answers what came of it.
    fileprivate func crowd(
        _ kind: String, _ count: Int, seconds: Int, of server: Server, path: String = "/healthz",
        _ body: () async throws -> Void
    ) async throws -> CrowdReport {
        let program = try start(
            "/usr/bin/python3",
            [Self.crowd, kind, String(count), String(seconds), String(server.port), path, server.credentials])
        for _ in 0..<600 where program.isRunning && !program.stdout.contains("ready") {
            try await Task.sleep(for: .milliseconds(100))
        }
        try #require(program.stdout.contains("ready"), "\(program.log)")
        try await body()
        let output = try await program.end(within: .seconds(120)).orThrow()
        let lines = output.stdout.split(separator: "\n")
        return try JSONDecoder().decode(CrowdReport.self, from: Data((lines.last ?? "").utf8))
    }

    /// Stores a file and gets it, as one of many clients who mean well.
    fileprivate func use(_ server: Server, _ name: String) async throws {
        let file = try self.file("of \(name)", bytes: 50_000)
        for _ in 0..<3 {
            try await run("curl", "-sf", "-m", "60", "-u", server.credentials, "-T", file, "\(server.files)/\(name)")
            try await run(
                "curl", "-sf", "-m", "60", "-u", server.credentials, "-o", path("back"), "\(server.files)/\(name)")
            #expect(try Data(contentsOf: URL(filePath: file)) == Data(contentsOf: work.appending(path: "back")))
        }
    }

    private func file(_ name: String, bytes: Int) throws -> String {
        try write(String(repeating: "\(name)\n", count: bytes / (name.utf8.count + 1)), to: name)
        return path(name)
    }
}

@Suite("Crowds of clients", .serialized)
struct CrowdTests {
    /// What the server may hold beyond what it held before the crowd came. A connection takes some 20 KiB.
    private static let growth = 400 << 20

    /// Ten thousand are tried with a release build, by hand: NIO's register of connections, built without optimisation,
    /// copies itself whenever one of them ends.
    private static let idlers = 3000

    @Test("Thousands of connections that are idle are kept, and nobody else notices")
    func idle() async throws {
        try await withServer { server, sandbox in
            try await sandbox.use(server, "before")
            let before = server.residentBytes
            let report = try await sandbox.crowd("idle", Self.idlers, seconds: 12, of: server) {
                try await sandbox.use(server, "meanwhile")
                #expect(server.residentBytes - before < Self.growth)
                #expect(try await open(server, sandbox) > Self.idlers)
            }
            #expect(report.statuses == ["200": Self.idlers / 2])
            #expect(report.closed == 0)
            for _ in 0..<300 where try await open(server, sandbox) > 10 {
                try await Task.sleep(for: .milliseconds(200))
            }
            #expect(try await open(server, sandbox) <= 10)
        }
    }

    @Test(
        "Heads and bodies that trickle, answers that are not read: the server stays usable and small",
        arguments: [
            ("heads", 2000), ("senders", 300), ("readers", 600)
        ])
    func slow(_ kind: String, _ count: Int) async throws {
        try await withServer { server, sandbox in
            let large = sandbox.path("large")
            try Data(count: 16 << 20).write(to: URL(filePath: large))
            try await sandbox.run("curl", "-sf", "-u", server.credentials, "-T", large, "\(server.files)/large")
            let before = server.residentBytes
            _ = try await sandbox.crowd(kind, count, seconds: 6, of: server, path: "/generic/files/large") {
                try await sandbox.use(server, "meanwhile")
                #expect(server.residentBytes - before < Self.growth)
            }
        }
    }

    @Test("A flood is told to come back later, and who means well gets through")
    func flood() async throws {
        try await withServer(["GRANARY_LIMITS_REQUESTS": "4"]) { server, sandbox in
            try await sandbox.use(server, "meanwhile")
            let before = server.residentBytes
            let report = try await sandbox.crowd("flood", 400, seconds: 6, of: server, path: "/generic/files/x") {
                try await sandbox.use(server, "meanwhile")
                #expect(server.residentBytes - before < Self.growth)
            }
            let refused = report.statuses["429", default: 0] + report.statuses["503", default: 0]
            #expect(refused > 0 && report.retries == refused)
            #expect(report.statuses["404", default: 0] > 0)
        }
    }

    /// How many connections the server has.
    private func open(_ server: Server, _ sandbox: Sandbox) async throws -> Int {
        let text = try await sandbox.run("curl", "-sf", "\(server.url)/metrics").stdout
        let line = text.split(separator: "\n").first { $0.hasPrefix("granary_http_connections ") }
        return (line?.split(separator: " ").last).flatMap { Int($0) } ?? 0
    }
}
