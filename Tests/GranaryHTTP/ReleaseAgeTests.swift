import FormatMaven
import FormatNPM
import FormatOCI
import GranaryCore
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Release age of what has no date in an index")
struct ReleaseAgeTests {
    private static let day = Int64(86400)

    private static func clock() throws -> ManualClock {
        ManualClock(at: try #require(Timestamp("2026-01-31T00:00:00Z")))
    }

    /// Files of a Maven repository with two versions, of which the second was modified an hour before the clock begins.
    private static func maven(_ versions: [String]) -> @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer {
        { request in
            switch request.path {
            case "/org/acme/a/maven-metadata.xml":
                let list = versions.map { "<version>\($0)</version>" }.joined()
                let text =
                    "<metadata><groupId>org.acme</groupId><artifactId>a</artifactId><versioning>"
                    + "<latest>\(versions[versions.count - 1])</latest><versions>\(list)</versions></versioning></metadata>"
                return .respond(200, [:], Array(text.utf8))
            case "/org/acme/a/1.0/a-1.0.jar":
                return .respond(200, ["Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"], [1])
            case "/org/acme/a/2.0/a-2.0.jar":
                return .respond(200, ["Last-Modified": "Fri, 30 Jan 2026 23:00:00 GMT"], [2])
            case "/org/acme/a/3.0/a-3.0.jar": return .respond(200, [:], [3])
            default: return .respond(404)
            }
        }
    }

    @Test("A file is as old as its upstream says, or as long as it has been known here")
    func files() async throws {
        let clock = try Self.clock()
        try await FakeUpstream.run(Self.maven(["1.0", "2.0", "3.0"])) { upstream in
            try await withRemote(of: upstream, format: Maven(), { $0.minimumAgeSeconds = 3 * Self.day }, clock: clock) {
                server async throws in
                let jar = { (version: String) in "/maven/far/org/acme/a/\(version)/a-\(version).jar" }
                #expect(try await server.send("GET", jar("1.0")).body == [1])
                let refused = try await server.send("GET", jar("2.0"))
                #expect(refused.status == 403 && refused.text.contains("2026-02-02T23:00:00.000Z"))
                #expect(try await server.send("GET", jar("3.0")).status == 403)
                clock.advance(by: .seconds(3 * Self.day - 1800))
                #expect(try await server.send("GET", jar("2.0")).body == [2])
                #expect(try await server.send("GET", jar("3.0")).status == 403)
                clock.advance(by: .seconds(3600))
                #expect(try await server.send("GET", jar("3.0")).body == [3])
                // It was fetched once, and waited here.
                #expect(upstream.count("/org/acme/a/3.0/a-3.0.jar") == 1)
            }
        }
    }

    @Test("A list shows what it showed as long ago")
    func lists() async throws {
        let clock = try Self.clock()
        try await FakeUpstream.run(Self.maven(["1.0"])) { upstream in
            try await withRemote(of: upstream, format: Maven(), { $0.minimumAgeSeconds = 3 * Self.day }, clock: clock) {
                server async throws in
                let list = "/maven/far/org/acme/a/maven-metadata.xml"
                #expect(try await server.send("GET", list).text.contains("<latest>1.0"))
                clock.advance(by: .seconds(10 * Self.day))
                upstream.answer(Self.maven(["1.0", "2.0"]))
                #expect(try await server.send("GET", list).text.contains("<latest>1.0"))
                clock.advance(by: .seconds(3 * Self.day + 60))
                #expect(try await server.send("GET", list).text.contains("<latest>2.0"))
            }
        }
    }

    private static func manifest(_ seed: String) -> OCIDocument {
        .image(
            config: OCIDescriptor([1], mediaType: OCIDescriptor.config),
            layers: [OCIDescriptor(Array(seed.utf8), mediaType: OCIDescriptor.layer)])
    }

    @Test("A tag leads to what it led to as long ago, and a digest is never too young")
    func tags() async throws {
        let clock = try Self.clock()
        let (old, new) = (Self.manifest("old"), Self.manifest("new"))
        let serving = { @Sendable (tagged: OCIDocument) in
            { @Sendable (request: FakeUpstream.Request) -> FakeUpstream.Answer in
                let found = [old, new].first { request.path.hasSuffix($0.digest) } ?? tagged
                return .respond(
                    200, ["Content-Type": found.contentType, "Docker-Content-Digest": found.digest], found.bytes)
            }
        }
        try await FakeUpstream.run(serving(old)) { upstream in
            try await withRemote(of: upstream, format: OCI(), { $0.minimumAgeSeconds = 3 * Self.day }, clock: clock) {
                server async throws in
                let image = server.image("far/app")
                #expect(try await image.send("GET", "manifests/latest").status == 403)
                #expect(try await image.send("GET", "manifests/\(new.digest)").status == 200)
                clock.advance(by: .seconds(4 * Self.day))
                #expect(try await image.send("GET", "manifests/latest").body == old.bytes)
                upstream.answer(serving(new))
                clock.advance(by: .seconds(3600))
                #expect(try await image.send("GET", "manifests/latest").body == old.bytes)
                clock.advance(by: .seconds(4 * Self.day))
                #expect(try await image.send("GET", "manifests/latest").body == new.bytes)
            }
        }
    }
}
