import Foundation
import GranaryTestKit
import Testing

@Suite("The numbers of a server")
struct MetricsTests {
    private static let paper = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/operations/metrics.md")

    /// What `/metrics` answers, line by line.
    private func numbers(of server: RunningServer) async throws -> [String] {
        let answer = try await TestServer.send("GET", url: "\(server.address)/metrics", authorization: nil)
        return answer.text.split(separator: "\n").map(String.init)
    }

    private func expect(_ expected: [String], in lines: [String]) {
        for line in expected { #expect(lines.contains(line), "\(line)") }
    }

    @Test("The paper lists each that a server with everything in use tells, with its kind, and nothing else")
    func paper() async throws {
        try await inUse { _, server in
            let lines = try await numbers(of: server)
            let told = lines.compactMap { $0.firstMatch(of: /^# TYPE (\S+) (\S+)$/).map { "\($0.1) \($0.2)" } }
            let explained = lines.compactMap { $0.firstMatch(of: /^# HELP (\S+) \S.*\.$/).map { String($0.1) } }
            let text = try String(contentsOf: Self.paper, encoding: .utf8)
            let listed = text.split(separator: "\n").compactMap {
                $0.firstMatch(of: /^\| `(granary_[a-z_]+)` \| ([a-z]+) \|/).map { "\($0.1) \($0.2)" }
            }
            #expect(told.sorted() == listed.sorted())
            #expect(told.map { $0.split(separator: " ").first.map(String.init) } == explained)
            // What the paper says of labels and their values.
            for line in lines where !line.hasPrefix("#") {
                for label in line.matches(of: /([a-z_]+)="/) where label.1 != "le" {
                    #expect(text.contains("`\(label.1)`"), "\(line)")
                }
            }
        }
    }

    @Test("They tell of sweeps, checks, backups and jobs")
    func values() async throws {
        try await inUse { workplace, server in
            let lines = try await numbers(of: server)
            expect(
                [
                    "granary_sweep_removed_blobs_total 1", "granary_sweep_removed_bytes_total 4",
                    #"granary_verified_blobs_total{by="check"} 2"#, #"granary_verified_bytes_total{by="check"} 5"#,
                    #"granary_damaged_blobs_total{by="check"} 0"#, #"granary_damaged_blobs_total{by="scrub"} 0"#,
                    #"granary_jobs_started_total{kind="sweep"} 2"#, #"granary_jobs_started_total{kind="backup"} 1"#,
                    #"granary_jobs_finished_total{kind="check",outcome="done"} 1"#,
                    #"granary_jobs_finished_total{kind="check",outcome="failed"} 0"#,
                    #"granary_jobs_running{kind="sweep"} 0"#
                ], in: lines)
            let now = Date().timeIntervalSince1970
            for name in ["sweep_last_run", "backup_last_success"] {
                let value = lines.compactMap { line in
                    line.hasPrefix("granary_\(name)_timestamp_seconds ") ? Double(line.split(separator: " ")[1]) : nil
                }
                #expect(value.count == 1 && abs(now - (value.first ?? 0)) < 120, "\(name)")
            }
            _ = try await server.stop()
            // A server knows of the backups that were made before its start, or by others.
            let again = try await workplace.serve()
            defer { again.program.terminate() }
            let known = "granary_backup_last_success_timestamp_seconds "
            var after = try await numbers(of: again)
            for _ in 0..<500 where !after.contains(where: { $0.hasPrefix(known) }) {
                try await Task.sleep(for: .milliseconds(10))
                after = try await numbers(of: again)
            }
            #expect(after.contains { $0.hasPrefix(known + "1") })
            #expect(!after.contains { $0.hasPrefix("granary_sweep_last_run") })
            #expect(after.contains("granary_sweep_removed_blobs_total 0"))
        }
    }

    /// Something of an upstream that answers once and then fails.
    private func pullThrough(_ server: RunningServer) async throws {
        let login = TestServer.basic("admin", "a password for tests")
        try await FakeUpstream.run({ _ in .respond(200, [:], [1]) }) { upstream in
            let settings = #"{"upstream":{"url":"\#(upstream.url)","allowsPrivateAddresses":true,"freshSeconds":0}}"#
            let body = #"{"name":"far","format":"generic","kind":"remote","settings":\#(settings)}"#
            let made = try await TestServer.send(
                "POST", url: "\(server.address)/api/v1/repositories", ["Content-Type": "application/json"],
                body: Array(body.utf8), authorization: login)
            try #require(made.status == 201, "\(made.text)")
            for status in [200, 500] {
                upstream.answer { _ in .respond(status, [:], [1]) }
                let answer = try await TestServer.send(
                    "GET", url: "\(server.address)/generic/far/a", authorization: login)
                #expect(answer.status == 200 && (status == 200) == (answer["Age"] == nil))
            }
        }
    }

    /// A packument whose one version has another digest each time.
    private func conflict(_ server: RunningServer, _ login: String) async throws {
        try await FakeUpstream.run({ _ in .respond(404) }) { upstream in
            let settings = #"{"upstream":{"url":"\#(upstream.url)","allowsPrivateAddresses":true,"freshSeconds":0}}"#
            let made = try await TestServer.send(
                "POST", url: "\(server.address)/api/v1/repositories", ["Content-Type": "application/json"],
                body: Array(#"{"name":"node","format":"npm","kind":"remote","settings":\#(settings)}"#.utf8),
                authorization: login)
            try #require(made.status == 201, "\(made.text)")
            for digest in ["one", "two"] {
                let dist = #"{"tarball":"\#(upstream.url)left-1.0.0.tgz","integrity":"sha512-\#(digest)"}"#
                let text = #"{"name":"left","versions":{"1.0.0":{"name":"left","version":"1.0.0","dist":\#(dist)}}}"#
                upstream.answer { _ in .respond(200, [:], Array(text.utf8)) }
                let answer = try await TestServer.send(
                    "GET", url: "\(server.address)/npm/node/left", authorization: login)
                #expect(answer.status == 200)
            }
        }
    }

    /// A server that has served, swept, checked and made a backup.
    private func inUse(_ body: (Workplace, RunningServer) async throws -> Void) async throws {
        try await Workplace.fresh { fresh in
            let workplace = fresh.with([
                "GRANARY_ADMIN_PASSWORD": "a password for tests", "GRANARY_BACKUP_PATH": "\(fresh.path)/backup",
                "GRANARY_SCRUB_RATE": "0"
            ])
            let server = try await workplace.serve()
            defer { server.program.terminate() }
            let login = try await workplace.run(
                "login", server.address, "--user", "admin", "--password-stdin", input: "a password for tests\n")
            try #require(login.status == 0, "\(login.stderr)")
            for (method, path, content) in [("PUT", "kept", "kept"), ("PUT", "gone", "gone"), ("DELETE", "gone", "")] {
                _ = try await TestServer.send(
                    method, url: "\(server.address)/generic/files/a/\(path)", body: Array(content.utf8),
                    authorization: TestServer.basic("admin", "a password for tests"))
            }
            try await pullThrough(server)
            for command in [["gc", "--dry-run"], ["gc", "--grace", "0s"], ["check"], ["backup"]] {
                let ran = try await workplace.run(command)
                try #require(ran.status == 0, "\(ran)")
            }
            try await conflict(server, TestServer.basic("admin", "a password for tests"))
            try await body(workplace, server)
        }
    }
}
