import Crypto
import FormatMaven
import GranaryCore
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Remote repositories: Maven")
struct RemoteMavenTests {
    private static func sha1(_ text: String) -> String { hexadecimal(Insecure.SHA1.hash(data: Array(text.utf8))) }

    /// A repository that has one file, and its checksum.
    private static func answers(
        _ text: String, at path: String
    ) -> @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer {
        { request in
            switch request.path {
            case path: .respond(200, [:], Array(text.utf8))
            case path + ".sha1": .respond(200, [:], Array(sha1(text).utf8))
            default: .respond(404)
            }
        }
    }

    @Test("A snapshot that is replaced under its name is checked with the checksum that it has then")
    func replacedSnapshot() async throws {
        let clock = ManualClock()
        let path = "/com/acme/lib/1.1-SNAPSHOT/lib-1.1-SNAPSHOT.jar"
        try await FakeUpstream.run(Self.answers("one", at: path)) { upstream in
            try await withRemote(of: upstream, format: Maven(), clock: clock) { server async throws in
                #expect(try await server.send("GET", "/maven/far\(path)").text == "one")
                upstream.answer(Self.answers("two", at: path))
                clock.advance(by: .seconds(61))
                #expect(try await server.send("GET", "/maven/far\(path)").text == "two")
                #expect(try await server.send("GET", "/maven/far\(path).sha1").text == Self.sha1("two"))
            }
        }
    }
}
