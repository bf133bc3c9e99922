import FormatNPM
import FormatOCI
import FoundationEssentials
import GranaryFormat
import GranaryModel
import GranaryPorts
import GranaryStore
import GranaryTestKit
import Testing

@testable import GranaryCore

@Suite("Remote repositories: upstreams at fault")
struct RemoteFaultTests {
    private static let content = Array("content of a file".utf8)
    private static let refusal = Array(#"{"errors":[{"code":"DENIED","message":"no"}]}"#.utf8)

    private static func give(_ server: TestServer, user: String, secret: String) async throws {
        let sealed = try server.management.sealed(secret)
        _ = try await server.management.update("far", by: server.admin) { settings in
            var settings = settings
            settings.upstream?.user = user
            settings.upstream?.sealedSecret = sealed
            return settings
        }
    }

    /// Fetches a file, and waits until it is stored: a client has its last byte before.
    private static func fetch(_ path: String, from server: TestServer) async throws {
        #expect(try await server.send("GET", path).status == 200)
        let far = try #require(server.services.snapshot.value.repositories[try "far".parsed()])
        for _ in 0..<1000 {
            if try await server.services.driver.read({ try CacheRows($0).size(of: far.id) }) > 0 { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("\(path) is not stored")
    }

    @Test("Whom an upstream sends us to has no say in where its credential goes")
    func realmOfAnother() async throws {
        try await FakeUpstream.run({ _ in .respond(200, [:], Array(#"{"token":"x"}"#.utf8)) }) { thief in
            let challenge = #"Bearer realm="\#(thief.url)token",service="s""#
            try await FakeUpstream.run({ _ in .respond(401, ["WWW-Authenticate": challenge]) }) { other in
                let away = "\(other.url)a"
                try await FakeUpstream.run({ _ in .respond(302, ["Location": away]) }) { upstream in
                    try await withRemote(of: upstream) { server async throws in
                        try await Self.give(server, user: "reader", secret: "secret")
                        #expect(try await server.send("GET", "/generic/far/a").status == 503)
                        #expect(other.requests.count == 1 && thief.requests.isEmpty)
                    }
                }
            }
        }
    }

    @Test(
        "Who is let in and refused one name is told that there is none; who is not let in, that nobody knows",
        arguments: [
            ("", "issued", "insufficient_scope", 404), ("", "issued", "", 404), ("", "issued", "invalid_token", 503),
            ("", "403", "", 404), ("", "401", "", 503), ("me", "issued", "insufficient_scope", 403),
            ("me", "403", "", 503), ("me", "401", "", 503)
        ])
    func refusedNames(_ user: String, _ tokens: String, _ error: String, _ status: Int) async throws {
        let answers: @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer = { request in
            if request.path.hasPrefix("/token") {
                return Int(tokens).map { .respond($0, [:], Self.refusal) }
                    ?? .respond(200, [:], Array(#"{"token":"t"}"#.utf8))
            }
            var challenge = #"Bearer realm="http://\#(request["Host"] ?? "")/token",service="s""#
            if request["Authorization"]?.hasPrefix("Bearer") == true, !error.isEmpty {
                challenge += #",error="\#(error)""#
            }
            return .respond(401, ["WWW-Authenticate": challenge], Self.refusal)
        }
        try await FakeUpstream.run(answers) { upstream in
            try await withRemote(of: upstream, format: OCI()) { server async throws in
                if !user.isEmpty { try await Self.give(server, user: user, secret: "secret") }
                for method in ["GET", "HEAD"] {
                    let answer = try await server.send(method, "/v2/far/team/app/manifests/v1")
                    #expect(answer.status == status, "\(answer.text)")
                }
            }
        }
    }

    @Test("What a server on the way refuses says nothing of what a registry has")
    func refusedElsewhere() async throws {
        try await FakeUpstream.run({ _ in .respond(403, [:], Self.refusal) }) { other in
            let away = "\(other.url)blob"
            let answers: @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer = { request in
                if request.path.hasPrefix("/token") { return .respond(200, [:], Array(#"{"token":"t"}"#.utf8)) }
                if request["Authorization"] != nil { return .respond(307, ["Location": away]) }
                let realm = "http://\(request["Host"] ?? "")/token"
                return .respond(401, ["WWW-Authenticate": #"Bearer realm="\#(realm)",service="s""#])
            }
            try await FakeUpstream.run(answers) { upstream in
                try await withRemote(of: upstream, format: OCI()) { server async throws in
                    for _ in 0..<2 {
                        let path = "/v2/far/team/app/blobs/\(sha256(Self.content))"
                        #expect(try await server.send("GET", path).status == 503)
                    }
                }
            }
        }
    }

    @Test("An upstream whose password cannot be read is not asked as a stranger")
    func unreadableSecret() async throws {
        try await FakeUpstream.run({ _ in .respond(404) }) { upstream in
            try await withRemote(of: upstream, { ($0.user, $0.sealedSecret) = ("me", "not sealed") }) {
                server async throws in
                #expect(try await server.send("GET", "/generic/far/a").status == 503)
                #expect(upstream.requests.isEmpty)
            }
        }
    }

    @Test("What is no document is the upstream's fault, not the client's")
    func noDocument() async throws {
        let page = FakeUpstream.Answer.respond(200, ["Content-Type": "text/html"], Array("<html>Log in!".utf8))
        try await FakeUpstream.run({ _ in page }) { upstream in
            try await withRemote(of: upstream, format: NPM()) { server async throws in
                let answer = try await server.send("GET", "/npm/far/left")
                #expect(answer.status == 503 && answer["Retry-After"] != nil, "\(answer.text)")
            }
        }
    }

    @Test("Nothing at all is not taken for what a digest is of")
    func empty() async throws {
        let digest = "sha256:\(String(repeating: "a", count: 64))"
        try await FakeUpstream.run({ _ in .respond(200) }) { upstream in
            try await withRemote(of: upstream, format: OCI()) { server async throws in
                #expect(try await server.send("GET", "/v2/far/team/app/blobs/\(digest)").status == 503)
            }
            try await withRemote(of: upstream) { server async throws in
                let answer = try await server.send("GET", "/generic/far/empty")
                #expect(answer.status == 200 && answer.body.isEmpty)
            }
        }
    }

    @Test("Content comes as it is, without a coding that those who get it later may not know")
    func codings() async throws {
        let answers: @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer = { request in
            let codings = ["/b": "br", "/c": "aws-chunked"]
            return .respond(200, ["Content-Encoding": codings[request.path] ?? "gzip"], Self.content)
        }
        try await FakeUpstream.run(answers) { upstream in
            try await withRemote(of: upstream) { server async throws in
                #expect(try await server.send("GET", "/generic/far/a").status == 503)
                #expect(try await server.send("GET", "/generic/far/b").status == 503)
                #expect(try await server.send("GET", "/generic/far/c").status == 200)
                // Servers say so of archives, too.
                #expect(try await server.send("GET", "/generic/far/a.tar.gz").body == Self.content)
                #expect(upstream.requests.allSatisfy { $0["Accept-Encoding"] == "identity" })
            }
        }
    }

    @Test("What is gone stays gone for documents that were made of it, and while nobody answers")
    func gone() async throws {
        let clock = ManualClock()
        let version = #"{"name":"left","version":"1.0.0","dist":{"tarball":"http://x.example/left-1.0.0.tgz"}}"#
        let packument = #"{"name":"left","dist-tags":{},"versions":{"1.0.0":\#(version)}}"#
        let headers = ["Content-Type": "application/json"]
        try await FakeUpstream.run({ _ in .respond(200, headers, Array(packument.utf8)) }) { upstream in
            try await withRemote(of: upstream, format: NPM(), clock: clock) { server async throws in
                let first = try await server.send("GET", "/npm/far/left")
                #expect(first.status == 200, "\(first.text)")
                upstream.answer { _ in .respond(404) }
                for _ in 0..<3 {
                    clock.advance(by: .seconds(3700))
                    _ = try await server.send("GET", "/npm/far/left")
                }
                #expect(try await server.send("GET", "/npm/far/left").status == 404)
                upstream.answer { _ in .close }
                clock.advance(by: .seconds(3700))
                #expect(try await server.send("GET", "/npm/far/left").status == 404)
            }
        }
    }

    @Test("Another upstream begins with nothing of the last one, which can still be read as of then")
    func otherUpstream() async throws {
        let clock = ManualClock()
        try await FakeUpstream.run({ _ in .respond(200, [:], Array("old".utf8)) }) { old in
            try await FakeUpstream.run({ _ in .respond(200, [:], Array("new".utf8)) }) { new in
                try await withRemote(of: old, clock: clock) { server async throws in
                    try await Self.fetch("/generic/far/a", from: server)
                    clock.advance(by: .seconds(1))
                    let moment = clock.now
                    clock.advance(by: .seconds(1))
                    let url = new.url
                    _ = try await server.management.update("far", by: server.admin) { settings in
                        var settings = settings
                        settings.upstream?.url = url
                        return settings
                    }
                    #expect(try await server.send("GET", "/generic/far/a").text == "new")
                    #expect(try await server.send("GET", "/generic/far@\(moment)/a").text == "old")
                }
            }
        }
    }

    @Test("Damaged bytes of a cache are fetched again, once")
    func damaged() async throws {
        try await FakeUpstream.run({ _ in .respond(200, [:], Self.content) }) { upstream in
            try await withRemote(of: upstream) { server async throws in
                try await Self.fetch("/generic/far/a", from: server)
                let digest = try #require(BlobDigest(hex: sha256(Self.content).dropFirst("sha256:".count).description))
                server.services.smallBlobs.drop(digest)
                try await server.services.blobs.quarantine(digest)
                _ = try await Check(services: server.services).run()
                #expect(try await server.send("GET", "/generic/far/a").body == Self.content)
                for _ in 0..<1000 {
                    if try await server.services.driver.read({ try BlobRows($0).find(digest.digest) }) != nil { break }
                    try await Task.sleep(for: .milliseconds(10))
                }
                server.services.upstreams.forgetItems()
                #expect(try await server.send("GET", "/generic/far/a").body == Self.content)
                #expect(upstream.requests.count == 2)
                let verbs = try await server.services.driver.read { try EventRows($0).page(since: .start).map(\.verb) }
                #expect(verbs.suffix(2) == [.blobDamaged, .blobHealed])
            }
        }
    }

    @Test("What is dropped from a cache while it is asked about is fetched anew")
    func dropped() async throws {
        let clock = ManualClock()
        try await FakeUpstream.run({ _ in .respond(200, ["ETag": "\"1\""], Self.content) }) { upstream in
            try await withRemote(of: upstream, clock: clock) { server async throws in
                try await Self.fetch("/generic/far/a", from: server)
                let far = try #require(server.services.snapshot.value.repositories[try "far".parsed()])
                // Its memory does not know of this yet.
                try await server.services.driver.write { try CacheRows($0).clear(far.id) }
                upstream.answer { request in
                    request["If-None-Match"] == nil ? .respond(200, ["ETag": "\"2\""], Self.content) : .respond(304)
                }
                clock.advance(by: .seconds(301))
                #expect(try await server.send("GET", "/generic/far/a").body == Self.content)
                server.services.upstreams.forgetItems()
                #expect(try await server.send("GET", "/generic/far/a").body == Self.content)
                #expect(upstream.requests.count == 3, "\(upstream.requests.map { $0["If-None-Match"] })")
            }
        }
    }
}
