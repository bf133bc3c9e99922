import FormatGeneric
import FormatOCI
import GranaryCore
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Guessing passwords")
struct LoginPaceTests {
    private static let password = TestServer.administrator.password

    /// Serves images and files to clients that say where they come from.
    private func withGuesser(
        clock: ManualClock? = nil, _ body: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let repositories = [
            try NewRepository.oci("docker", isDefault: true),
            NewRepository(
                name: try "files".parsed(), format: try "generic".parsed(), kind: .local, settings: RepositorySettings()
            )
        ]
        try await TestServer.run(
            formats: [OCI(), Generic()], repositories: repositories, in: folder, clock: clock, trustsForwarded: true,
            body)
    }

    private static let paths = ["/v2/", "/v2/_token", "/generic/files/", "/api/v1/whoami"]

    @Test(
        "Who guesses is told to wait, in every protocol; the owner elsewhere is not, and time ends it", arguments: paths
    )
    func guessing(_ path: String) async throws {
        let clock = ManualClock()
        try await withGuesser(clock: clock) { server in
            @Sendable func attempt(_ password: String, from address: String) async throws -> TestAnswer {
                try await server.send(
                    "GET", path, ["X-Forwarded-For": "192.0.2.77, \(address)"],
                    authorization: TestServer.basic("admin", password))
            }
            for number in 0..<5 {
                #expect(try await attempt("wrong \(number)", from: "192.0.2.1").status == 401)
            }
            for password in ["wrong again", Self.password] {
                let answer = try await attempt(password, from: "192.0.2.1")
                #expect(answer.status == 429 && answer["Retry-After"] == "1", "\(password)")
                #expect(path.hasPrefix("/v2/") == (answer.refusal == "429 TOOMANYREQUESTS"))
                #expect(path.hasPrefix("/v2/") == (answer["Content-Type"] != "application/problem+json"))
            }
            clock.advance(by: .seconds(1))
            #expect(try await attempt("wrong again", from: "192.0.2.1").status == 401)
            #expect(try await attempt("wrong again", from: "192.0.2.1")["Retry-After"] == "2")
            #expect(try await attempt(Self.password, from: "192.0.2.2").status == 200)
            // What was right a moment ago is right from everywhere.
            #expect(try await attempt(Self.password, from: "192.0.2.1").status == 200)
            clock.advance(by: .seconds(301))
            #expect(try await attempt(Self.password, from: "192.0.2.1").status == 200)
            let metrics = try await server.send("GET", "/metrics", authorization: nil).text
            #expect(metrics.contains("granary_logins_failed_total 6\n"))
            #expect(metrics.contains("granary_logins_refused_total{reason=\"throttled\"} 3\n"))
        }
    }

    @Test("A password in a form is guessed no faster")
    func forms() async throws {
        try await withGuesser { server in
            var statuses: [Int] = []
            for number in 0..<7 {
                let form = "grant_type=password&service=x&username=admin&password=wrong\(number)"
                statuses.append(
                    try await server.send(
                        "POST", "/v2/_token", ["Content-Type": "application/x-www-form-urlencoded"], body: form.bytes,
                        authorization: nil
                    ).status)
            }
            #expect(statuses == [401, 401, 401, 401, 401, 429, 429])
        }
    }

    @Test("Accounts that do not exist are guessed at the same pace")
    func nobody() async throws {
        try await withGuesser(clock: ManualClock()) { server in
            for user in ["admin", "nobody", "no such name, ever"] {
                var answers: [String] = []
                for number in 0..<7 {
                    let answer = try await server.send(
                        "GET", "/api/v1/whoami", authorization: TestServer.basic(user, "wrong \(number)"))
                    answers.append("\(answer.status) \(answer["Retry-After"] ?? "")")
                }
                #expect(answers == [String](repeating: "401 ", count: 5) + ["429 1", "429 1"], "\(user)")
            }
        }
    }

    @Test("Many guesses at once get no further")
    func atOnce() async throws {
        try await withGuesser(clock: ManualClock()) { server in
            let statuses = try await concurrently(40) { number in
                try await server.send(
                    "GET", "/api/v1/whoami", authorization: TestServer.basic("admin", "wrong \(number)")
                ).status
            }
            #expect(statuses.count { $0 == 401 } == 5 && statuses.count { $0 == 429 } == 35, "\(statuses)")
        }
    }

    @Test("Many requests at once with the right password are all served, however many slips there were")
    func burst() async throws {
        try await withGuesser(clock: ManualClock()) { server in
            for number in 0..<4 {
                _ = try await server.send(
                    "GET", "/api/v1/whoami", authorization: TestServer.basic("admin", "wrong \(number)"))
            }
            let statuses = try await concurrently(100) { _ in try await server.send("GET", "/api/v1/whoami").status }
            #expect(statuses == [Int](repeating: 200, count: 100))
        }
    }

    @Test("Wrong tokens are refused as ever, and what was once right is no guess")
    func tokens() async throws {
        try await withGuesser(clock: ManualClock()) { server in
            let made = try await server.management.createToken("t", for: "admin", expiresAt: nil, by: server.admin)
            try await server.management.revokeToken(made.token.id, by: server.admin)
            for _ in 0..<120 {
                #expect(
                    try await server.send("GET", "/api/v1/whoami", authorization: "Bearer \(made.secret)").status == 401
                )
            }
            #expect(try await server.send("GET", "/api/v1/whoami").status == 200)
            let wrong = made.secret.dropLast() + (made.secret.hasSuffix("0") ? "1" : "0")
            for authorization in ["Bearer \(wrong)", "Bearer a.b.c", TestServer.basic("admin", String(wrong))] {
                for _ in 0..<35 {
                    #expect(try await server.send("GET", "/api/v1/whoami", authorization: authorization).status == 401)
                }
            }
            let other = try await server.management.createToken("u", for: "admin", expiresAt: nil, by: server.admin)
            #expect(try await server.send("GET", "/api/v1/whoami").status == 429)
            #expect(
                try await server.send("GET", "/api/v1/whoami", authorization: "Bearer \(other.secret)").status == 200)
        }
    }
}
