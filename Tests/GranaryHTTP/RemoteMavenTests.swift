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

    @Test("A file whose name is not that of its version is fetched, and deployed nowhere")
    func stray() async throws {
        let path = "/com/eed3si9n/sbt-assembly_2.12_1.0/1.1.0/sbt-assembly-1.1.0.pom"
        try await FakeUpstream.run(Self.answers("<project/>", at: path)) { upstream in
            try await withRemote(
                of: upstream, format: Maven(), others: [try .local("own", Maven())]
            ) { server async throws in
                #expect(try await server.send("GET", "/maven/far\(path)").text == "<project/>")
                #expect(try await server.send("GET", "/maven/far\(path).sha1").text == Self.sha1("<project/>"))
                #expect(try await server.send("GET", "/maven/far\(path).asc").status == 404)
                let lost = path.replacing("assembly-1", with: "lost-1")
                #expect(try await server.send("GET", "/maven/far\(lost)").status == 404)
                #expect(try await server.send("GET", "/maven/far\(lost).sha1").status == 404)
                #expect(try await server.send("PUT", "/maven/own\(path)", body: Array("x".utf8)).status == 400)
                #expect(try await server.send("GET", "/maven/own\(path)").status == 404)
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
