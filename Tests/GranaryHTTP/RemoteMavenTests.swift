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

    private static func plugin(_ name: String, prefix: String) -> String {
        "<plugin><name>\(name)</name><prefix>\(prefix)</prefix><artifactId>\(name)</artifactId></plugin>"
    }

    private static let pom = """
        <project><modelVersion>4.0.0</modelVersion><groupId>com.acme</groupId><artifactId>own-maven-plugin</artifactId>\
        <version>1.0</version><packaging>maven-plugin</packaging></project>
        """

    @Test("Of a group's plugins, the upstream tells its own, and is asked once; local ones are added")
    func plugins() async throws {
        let answers: @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer = { request in
            switch request.path {
            case "/com/acme/maven-metadata.xml":
                let metadata = "<metadata><plugins>\(Self.plugin("far-plugin", prefix: "far"))</plugins></metadata>"
                return .respond(200, [:], Array(metadata.utf8))
            case let path where path.hasSuffix(".pom"): return .respond(200, [:], Array("<project/>".utf8))
            case let path where path.hasSuffix("maven-metadata.xml"): return .respond(403)
            default: return .respond(404)
            }
        }
        try await FakeUpstream.run(answers) { upstream in
            try await withRemote(
                of: upstream, format: Maven(), others: [try .local("own", Maven())]
            ) { server async throws in
                let own = "com/acme/own-maven-plugin/1.0/own-maven-plugin-1.0.pom"
                #expect(try await server.send("PUT", "/maven/own/\(own)", body: Array(Self.pom.utf8)).status == 201)
                try await server.makeVirtual(of: ["own", "far"], format: "maven")
                for name in ["one", "two"] {
                    let path = "/maven/far/com/acme/\(name)/1.0/\(name)-1.0.pom"
                    #expect(try await server.send("GET", path).status == 200)
                }
                let before = upstream.requests.count
                let far = try await server.send("GET", "/maven/far/com/acme/maven-metadata.xml")
                #expect(far.status == 200 && far.text.contains("<prefix>far</prefix>"))
                let all = try await server.send("GET", "/maven/all/com/acme/maven-metadata.xml")
                #expect(all.status == 200)
                #expect(all.text.contains("<prefix>far</prefix>") && all.text.contains("<prefix>own</prefix>"))
                #expect(upstream.requests.count == before + 1)
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
