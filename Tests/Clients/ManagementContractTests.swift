import Foundation
import GranaryTestKit
import Testing

extension ClientTests {
    @Suite("Schemathesis")
    struct ManagementContract {
        private static let fixtures = Sandbox.repository.appending(path: "Tests/Clients/Fixtures").path

        /// Requests are made from the served document, such that fit it and such that do not; every answer is compared with it.
        @Test("Finds nothing in the management interface that its document does not say")
        func contract() async throws {
            // Requests come from an address each, because the tool also shows wrong passwords.
            try await withServer(["GRANARY_PROXY_TRUST": "true"]) { server, sandbox in
                let token = try await sandbox.makeToken(on: server)
                var tester = sandbox
                tester.limit = .seconds(300)
                tester.environment["SCHEMATHESIS_HOOKS"] = "schemathesis_hooks"
                tester.environment["PYTHONPATH"] = Self.fixtures
                tester.environment["PYTHONDONTWRITEBYTECODE"] = "1"
                tester.environment["GRANARY_TEST_TOKEN_ID"] = token.id
                let ran = try await tester.attempt(
                    "venv/bin/schemathesis", "--config-file", "\(Self.fixtures)/schemathesis.toml", "run",
                    "\(server.url)/api/v1/openapi.json", "--header", "Authorization: Bearer \(token.secret)",
                    "--checks", "all", "--max-time", "120", "--no-color")
                #expect(ran.hasSucceeded, "\(ran)")
                // It must have got somewhere: the document has some 25 operations, each tried in dozens of ways.
                let passed = try #require(ran.stdout.firstMatch(of: /generated, (\d+) passed/), "\(ran)")
                #expect(try #require(Int(passed.1)) > 300, "\(ran)")
            }
        }
    }
}

extension Sandbox {
    /// An access token of the administrator. It is good for as long as nobody revokes it, whatever becomes of the password.
    fileprivate func makeToken(on server: Server) async throws -> MadeToken {
        let answer = try await curl(
            "-u", server.credentials, "--json", #"{"name": "contract"}"#, "\(server.url)/api/v1/tokens")
        return try JSONDecoder().decode(MadeToken.self, from: answer.body)
    }
}

private struct MadeToken: Decodable {
    let id: String
    let secret: String
}
