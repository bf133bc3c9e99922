import FormatOCI
import FoundationEssentials
import GranaryCore
import GranaryFormat
import GranaryModel
import GranaryTestKit
import HTTPTypes
import Logging
import Synchronization
import Testing

@Suite("Remote repositories: images")
struct RemoteImageTests {
    private static let config = Array("{}".utf8)
    private static let layer = Array("no layer".utf8)

    private static func image(_ note: String = "", subject: OCIDescriptor? = nil) -> OCIDocument {
        .image(
            config: OCIDescriptor(config, mediaType: OCIDescriptor.config),
            layers: [OCIDescriptor(layer, mediaType: OCIDescriptor.layer)],
            artifactType: subject == nil ? nil : "application/x-note", subject: subject, annotations: ["note": note])
    }

    private static func registry(_ tags: [String: OCIDocument] = ["v1": image("one")]) -> FakeRegistry {
        FakeRegistry(tags: tags, blobs: [config, layer])
    }

    private static let path = "/v2/far/team/app"

    // MARK: Tags

    @Test("A tag that is old is asked about by HEAD, and fetched again only where it moved")
    func head() async throws {
        let clock = ManualClock()
        let (first, second) = (Self.image("one"), Self.image("two"))
        try await FakeUpstream.run(Self.registry(["v1": first]).answer) { upstream in
            try await withRemote(of: upstream, format: OCI(), clock: clock) { server async throws in
                for _ in 0..<3 {
                    #expect(try await server.send("GET", "\(Self.path)/manifests/v1").body == first.bytes)
                    clock.advance(by: .seconds(61))
                }
                #expect(upstream.requests.map(\.method) == ["GET", "HEAD", "HEAD"])
                #expect(upstream.requests.allSatisfy { $0["Accept"]?.contains("image.index") == true })
                upstream.answer(Self.registry(["v1": second]).answer)
                #expect(try await server.send("GET", "\(Self.path)/manifests/v1").body == second.bytes)
                #expect(upstream.requests.map(\.method) == ["GET", "HEAD", "HEAD", "HEAD", "GET"])
                // What is new is known as new.
                clock.advance(by: .seconds(61))
                #expect(
                    try await server.send("HEAD", "\(Self.path)/manifests/v1")["Docker-Content-Digest"] == second.digest
                )
                #expect(upstream.requests.count == 6)
            }
        }
    }

    @Test("Where HEAD tells nothing, GET does", arguments: ["no digest", "404", "405", "501"])
    func headless(_ manner: String) async throws {
        let clock = ManualClock()
        var registry = Self.registry()
        registry.saysDigests = false
        registry.headStatus = Int(manner)
        try await FakeUpstream.run(registry.answer) { [registry] upstream in
            try await withRemote(of: upstream, format: OCI(), clock: clock) { server async throws in
                for _ in 0..<2 {
                    #expect(try await server.send("GET", "\(Self.path)/manifests/v1").status == 200)
                    clock.advance(by: .seconds(61))
                }
                #expect(upstream.requests.map(\.method) == ["GET", "HEAD", "GET"])
                var moved = registry
                moved.tags = ["v1": Self.image("two")]
                upstream.answer(moved.answer)
                #expect(try await server.send("GET", "\(Self.path)/manifests/v1").body == Self.image("two").bytes)
            }
        }
    }

    @Test("A registry that has been asked too often is not asked by GET as well")
    func limited() async throws {
        let clock = ManualClock()
        try await FakeUpstream.run(Self.registry().answer) { upstream in
            try await withRemote(of: upstream, format: OCI(), clock: clock) { server async throws in
                let first = try await server.send("GET", "\(Self.path)/manifests/v1")
                upstream.answer { _ in .respond(429, ["Retry-After": "100"]) }
                clock.advance(by: .seconds(61))
                for _ in 0..<2 {
                    let stale = try await server.send("GET", "\(Self.path)/manifests/v1")
                    #expect(stale.body == first.body && stale["Age"] == "61")
                }
                #expect(upstream.requests.map(\.method) == ["GET", "HEAD"])
            }
        }
    }

    // MARK: Lists

    @Test("All pages of a list of tags are followed, wherever they say that the next one is")
    func tagPages() async throws {
        var registry = Self.registry()
        registry.pages = [["v3", "v1"], ["v2"], ["v5", "v1"], ["v4"]]
        try await FakeUpstream.run(registry.answer) { upstream in
            try await withRemote(of: upstream, format: OCI()) { server async throws in
                let list = try RawJSON(try await server.send("GET", "\(Self.path)/tags/list").body)
                #expect(list["tags"]?.text == #"["v1","v2","v3","v4","v5"]"#)
                let page = try await server.send("GET", "\(Self.path)/tags/list?n=2&last=v2")
                #expect(try RawJSON(page.body)["tags"]?.text == #"["v3","v4"]"#)
                #expect(page["Link"] == "</v2/far/team/app/tags/list?n=2&last=v4>; rel=\"next\"")
                #expect(upstream.requests.count == 4)
            }
        }
    }

    @Test(
        "Where a registry has no list of referrers, whatever it says instead, the tag counts",
        arguments: [400, 405, 406, 200])
    func withoutReferrers(_ status: Int) async throws {
        let subject = Self.image("one")
        let signature = Self.image("signature", subject: subject.descriptor)
        let tag = subject.digest.replacing(":", with: "-")
        var registry = Self.registry(["v1": subject, tag: OCIDocument.index([signature.descriptor])])
        registry.others = [signature]
        let page = FakeUpstream.Answer.respond(status, ["Content-Type": "text/html"], Array("<p>What?".utf8))
        let answers: @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer = { [registry] request in
            request.path.contains("/referrers/") ? page : registry.answer(request)
        }
        try await FakeUpstream.run(answers) { upstream in
            try await withRemote(of: upstream, format: OCI()) { server async throws in
                let found = try await referrers("/v2/far/team/app/referrers/\(subject.digest)", on: server)
                #expect(found == [signature.digest])
            }
        }
    }

    @Test("A list whose next page fails is no list, and does not take the place of one")
    func brokenPages() async throws {
        let clock = ManualClock()
        var registry = Self.registry()
        registry.pages = [["v1"], ["v2"]]
        try await FakeUpstream.run(registry.answer) { [registry] upstream in
            try await withRemote(of: upstream, format: OCI(), clock: clock) { server async throws in
                let broken: @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer = { request in
                    request.path.contains("?") ? .respond(404) : registry.answer(request)
                }
                upstream.answer(broken)
                #expect(try await server.send("GET", "\(Self.path)/tags/list").status == 503)
                upstream.answer(registry.answer)
                clock.advance(by: .seconds(300))
                let whole = try await server.send("GET", "\(Self.path)/tags/list")
                #expect(try RawJSON(whole.body)["tags"]?.text == #"["v1","v2"]"#)
                upstream.answer(broken)
                clock.advance(by: .seconds(300))
                let stale = try await server.send("GET", "\(Self.path)/tags/list")
                #expect(stale.body == whole.body && stale["Age"] == "300")
            }
        }
    }

    @Test("A list that leads back to a page of its own ends there, and one without an end is refused")
    func endless() async throws {
        let page: @Sendable (FakeUpstream.Request, String) -> FakeUpstream.Answer = { request, next in
            .respond(200, ["Link": "<\(next)>; rel=\"next\""], Array(#"{"tags":["v1"]}"#.utf8))
        }
        try await FakeUpstream.run({ page($0, "?last=v1") }) { upstream in
            try await withRemote(of: upstream, format: OCI()) { server async throws in
                let list = try await server.send("GET", "\(Self.path)/tags/list")
                #expect(try RawJSON(list.body)["tags"]?.text == #"["v1"]"#)
                #expect(upstream.requests.count == 2)
                let count = Mutex(0)
                upstream.answer { request in page(request, "?last=\(count.withLock { $0 += 1; return $0 })") }
                let refused = try await server.send("GET", "/v2/far/team/other/tags/list")
                #expect(refused.status == 503 && refused.text.contains("250 pages"), "\(refused.text)")
            }
        }
    }

    // MARK: Families

    @Test("An index comes with its children, and what refers to them by lists and by tags")
    func families() async throws {
        let (one, two) = (Self.image("one"), Self.image("two"))
        let index = OCIDocument.index([one.descriptor, two.descriptor])
        let notes = (0..<3).map { Self.image("note \($0)", subject: one.descriptor) }
        let signature = Self.image("signature", subject: two.descriptor)
        let fallback = OCIDocument.index([signature.descriptor])
        let tag = two.digest.replacing(":", with: "-")
        var registry = Self.registry(["v1": index, tag: fallback, "\(tag).sig": signature])
        registry.others = [one, two] + notes
        registry.referrers = [one.digest: [[notes[0].descriptor, notes[2].descriptor], [notes[1].descriptor]]]
        registry.pages = [["v1", tag, "\(tag).sig"]]
        try await FakeUpstream.run(registry.answer) { [registry] upstream in
            let others = try [NewRepository.oci("own")]
            try await withRemote(of: upstream, format: OCI(), others: others) { server async throws in
                try await server.makeVirtual(of: ["own", "far"], format: "oci")
                for (round, name) in ["far", "all", "far"].enumerated() {
                    // Without the API, the tag is all there is.
                    if round == 2 {
                        var old = registry
                        old.referrers = nil
                        upstream.answer(old.answer)
                    }
                    let base = "/v2/\(name)/team/app"
                    for document in [index, one, two] + notes + [signature, fallback] {
                        let answer = try await server.send("GET", "\(base)/manifests/\(document.digest)")
                        #expect(answer.body == document.bytes && answer["Content-Type"] == document.contentType)
                    }
                    for blob in [Self.config, Self.layer] {
                        #expect(try await server.send("GET", "\(base)/blobs/\(sha256(blob))").body == blob)
                    }
                    let found = try await referrers("\(base)/referrers/\(one.digest)", on: server)
                    #expect(found == notes.map(\.digest).sorted())
                    #expect(try await referrers("\(base)/referrers/\(two.digest)", on: server) == [signature.digest])
                    #expect(try await referrers("\(base)/referrers/\(index.digest)", on: server) == [])
                    let page = try await server.send("GET", "\(base)/referrers/\(one.digest)?n=2")
                    #expect(page["Link"]?.contains("rel=\"next\"") == true)
                    let signed = try await server.send("GET", "\(base)/manifests/\(tag).sig")
                    #expect(signed.body == signature.bytes)
                }
            }
        }
    }

    @Test("What a blob will be is known while it comes")
    func arrivingHead() async throws {
        let gate = FakeUpstream.Gate()
        let pieces = [Array(Self.layer.prefix(3)), Array(Self.layer.dropFirst(3))]
        try await FakeUpstream.run({ _ in .pieces(pieces, gate: gate) }) { upstream in
            try await withRemote(of: upstream, format: OCI()) { server async throws in
                let path = "/v2/far/team/app/blobs/\(sha256(Self.layer))"
                let head = try await server.send("HEAD", path)
                #expect(head.status == 200 && head["Content-Length"] == "\(Self.layer.count)")
                #expect(head["Docker-Content-Digest"] == sha256(Self.layer))
                gate.open()
                #expect(try await server.send("GET", path).body == Self.layer)
                #expect(upstream.requests.count == 1)
            }
        }
    }

    @Test("A client that pushes through a virtual repository sends what the member lacks that takes it")
    func pushThrough() async throws {
        try await FakeUpstream.run(Self.registry().answer) { upstream in
            let others = try [NewRepository.oci("own"), NewRepository.oci("base")]
            try await withRemote(of: upstream, format: OCI(), others: others) { server async throws in
                try await server.makeVirtual(of: ["base", "own", "far"], format: "oci", deployment: "own")
                _ = try await server.image("base/team/app").push(Self.config)
                let image = server.image("all/team/app")
                let path = "/v2/all/team/app/blobs/\(sha256(Self.config))"
                // Somebody who only reads finds it.
                let reader = try await server.user("reader", ("all", "**", .read), ("base", "**", .read))
                #expect(try await server.send("HEAD", path, authorization: reader).status == 200)
                #expect(try await server.send("HEAD", path).status == 404)
                #expect(try await server.send("GET", path).status == 200)
                for blob in [Self.config, Self.layer] { _ = try await image.push(blob) }
                #expect(try await server.send("HEAD", path).status == 200)
                #expect(try await image.put(Self.image("one"), at: "new").status == 201)
            }
        }
    }

    private func referrers(_ path: String, on server: TestServer) async throws -> [String] {
        let list = try RawJSON(try await server.send("GET", path).body)
        return try #require(list["manifests"]?.elements).compactMap { $0["digest"]?.string }
    }

    // MARK: Names

    @Test("A name of one component stands below the name that the upstream has such names under")
    func shortNames() async throws {
        var registry = Self.registry()
        registry.image = "library/app"
        registry.pages = [["v1"]]
        try await FakeUpstream.run(registry.answer) { upstream in
            let others = try [NewRepository.oci("own")]
            try await withRemote(of: upstream, format: OCI(), { $0.shortNamePrefix = "library" }, others: others) {
                server async throws in
                for name in ["far/app", "far/library/app"] {
                    #expect(try await server.send("GET", "/v2/\(name)/manifests/v1").body == Self.image("one").bytes)
                    let blob = try await server.send("GET", "/v2/\(name)/blobs/\(sha256(Self.layer))")
                    #expect(blob.body == Self.layer)
                    let list = try RawJSON(try await server.send("GET", "/v2/\(name)/tags/list").body)
                    #expect(list["name"]?.string == name && list["tags"]?.text == #"["v1"]"#)
                }
                #expect(upstream.requests.count == 3)
                #expect(try await server.send("GET", "/v2/far/team/app/manifests/v1").status == 404)
                #expect(upstream.requests.last?.path == "/v2/team/app/manifests/v1")
                // A name of our own is not asked for by its short form either.
                try await server.makeVirtual(of: ["own", "far"], format: "oci")
                #expect(try await server.send("GET", "/v2/all/app/manifests/v1").status == 200)
                let own = server.image("own/library/app")
                try await own.pushImage("mine", tag: "v2")
                for path in ["app/manifests/v1", "library/app/manifests/v1"] {
                    #expect(try await server.send("GET", "/v2/all/\(path)").status == 404)
                }
                #expect(try await server.send("GET", "/v2/all/library/app/manifests/v2").status == 200)
            }
        }
    }

    @Test("Who takes the server for a mirror of a registry gets what that has, and is told whose it is")
    func mirror() async throws {
        try await FakeUpstream.run(Self.registry().answer) { upstream in
            let others = try [NewRepository.oci("docker", isDefault: true), NewRepository.oci("team", isPublic: true)]
            let host = "127.0.0.1:\(upstream.port)"
            try await withRemote(of: upstream, format: OCI(), others: others) { server async throws in
                let image = Self.image("one")
                // The path names a repository: that one is meant.
                #expect(try await server.send("GET", "/v2/team/app/manifests/v1?ns=\(host)").status == 404)
                #expect(upstream.requests.isEmpty)
                #expect(try await server.send("DELETE", "/api/v1/repositories/team").status == 204)
                for method in ["GET", "HEAD"] {
                    let answer = try await server.send(method, "/v2/team/app/manifests/v1?ns=\(host)")
                    #expect(answer.status == 200 && answer["OCI-Namespace"] == host)
                    #expect(answer["Docker-Content-Digest"] == image.digest)
                }
                let blob = try await server.send("GET", "/v2/team/app/blobs/\(sha256(Self.layer))?ns=\(host)")
                #expect(blob.body == Self.layer && blob["OCI-Namespace"] == host)
                let missing = try await server.send("GET", "/v2/team/app/manifests/v2?ns=\(host)")
                #expect(missing.status == 404 && missing["OCI-Namespace"] == host)
                #expect(missing.text.contains("MANIFEST_UNKNOWN"))
                let before = upstream.requests.count
                for namespace in ["other.example", "127.0.0.1", "a%0d%0ab"] {
                    let unknown = try await server.send("GET", "/v2/team/app/manifests/v1?ns=\(namespace)")
                    #expect(unknown.status == 404 && unknown["OCI-Namespace"] == nil)
                    #expect(unknown.text.contains("NAME_UNKNOWN"))
                }
                #expect(upstream.requests.count == before)
                // What is asked of this server as itself is its own.
                let own = server.origin.dropFirst("http://".count)
                let mine = try await server.send("GET", "/v2/team/app/manifests/v1?ns=\(own)")
                #expect(mine.status == 404 && mine["OCI-Namespace"] == nil)
                let patched = try await server.send(
                    "PATCH", "/api/v1/repositories/far", ["Content-Type": "application/json"],
                    body: Array(#"{"upstream":{"namespace":"docker.example"}}"#.utf8))
                #expect(patched.status == 200, "\(patched.text)")
                let named = try await server.send("GET", "/v2/team/app/manifests/v1?ns=docker.example")
                #expect(named.status == 200 && named["OCI-Namespace"] == "docker.example")
                #expect(try await server.send("GET", "/v2/team/app/manifests/v1?ns=\(host)").status == 404)
            }
        }
    }

    @Test("A mirror that not everybody may read says what to ask a token for, and one that is unknown tells nobody")
    func mirrorRights() async throws {
        try await FakeUpstream.run(Self.registry().answer) { upstream in
            let host = "127.0.0.1:\(upstream.port)"
            try await withRemote(of: upstream, format: OCI()) { server async throws in
                for namespace in [host, "other.example"] {
                    let path = "/v2/team/app/manifests/v1?ns=\(namespace)"
                    let refused = try await server.send("GET", path, authorization: nil)
                    #expect(refused.status == 401)
                    guard namespace == host else { continue }
                    #expect(refused["WWW-Authenticate"]?.contains(#"scope="repository:far/team/app:pull""#) == true)
                    let token = try await server.send("GET", "/v2/_token?scope=repository:far/team/app:pull")
                    let bearer = try #require(try RawJSON(token.body)["token"]?.string)
                    let answer = try await server.send("GET", path, authorization: "Bearer \(bearer)")
                    #expect(answer.body == Self.image("one").bytes)
                }
            }
        }
    }

    @Test(
        "A namespace is a host, and a prefix of short names a name",
        arguments: [
            #"{"namespace":"a/b"}"#, #"{"namespace":"A.example"}"#, #"{"namespace":"a.example:x"}"#,
            #"{"namespace":"a.example:99999"}"#, #"{"shortNamePrefix":"/a"}"#, #"{"shortNamePrefix":"a/"}"#,
            #"{"shortNamePrefix":".."}"#, #"{"shortNamePrefix":"A"}"#
        ])
    func settings(_ change: String) async throws {
        try await FakeUpstream.run(Self.registry().answer) { upstream in
            try await withRemote(of: upstream, format: OCI()) { server async throws in
                for (body, status) in [
                    (change, 400), (#"{"namespace":"a-b.example:5000","shortNamePrefix":"library/more"}"#, 200),
                    (#"{"namespace":"","shortNamePrefix":""}"#, 200)
                ] {
                    let answer = try await server.send(
                        "PATCH", "/api/v1/repositories/far", ["Content-Type": "application/json"],
                        body: Array(#"{"upstream":\#(body)}"#.utf8))
                    #expect(answer.status == status, "\(answer.text)")
                }
            }
        }
    }

    // MARK: Tokens

    /// Gives a token to one who has the password, and content to one who has the token.
    private static let guarded: @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer = { request in
        if request.path.hasPrefix("/token") {
            guard request["Authorization"] == TestServer.basic("me", "right-secret") else { return .respond(401) }
            return .respond(200, [:], Array(#"{"token":"the-token","expires_in":300}"#.utf8))
        }
        guard request["Authorization"] == "Bearer the-token" else {
            let realm = "http://\(request["Host"] ?? "")/token"
            return .respond(
                401, ["WWW-Authenticate": #"Bearer realm="\#(realm)",service="s",scope="repository:team/app:pull""#])
        }
        return registry().answer(request)
    }

    @Test("Whose password is right gets a token once, and whose is wrong is told so, but not everybody what it is")
    func tokens() async throws {
        try await FakeUpstream.run(Self.guarded) { upstream in
            let log = LogText()
            let folder = try TemporaryDirectory()
            defer { folder.remove() }
            try await TestServer.run(
                formats: [OCI()], repositories: [], in: folder, log: { _ in TextLogHandler(text: log) }
            ) { server async throws in
                let settings = #""url":"\#(upstream.url)","allowsPrivateAddresses":true,"user":"me""#
                for name in ["right", "wrong"] {
                    let made = try await server.send(
                        "POST", "/api/v1/repositories", ["Content-Type": "application/json"],
                        body: Array(
                            #"{"name":"\#(name)","format":"oci","kind":"remote","settings":{"upstream":{\#(settings),"password":"\#(name)-secret"}}}"#
                                .utf8))
                    #expect(made.status == 201, "\(made.text)")
                }
                for reference in ["manifests/v1", "blobs/\(sha256(Self.layer))"] {
                    #expect(try await server.send("GET", "/v2/right/team/app/\(reference)").status == 200)
                }
                #expect(upstream.requests.count { $0.path.hasPrefix("/token") } == 1)
                let question = try #require(upstream.requests.first { $0.path.hasPrefix("/token") }?.path)
                #expect(question.contains("service=s") && question.contains("scope=repository:team/app:pull"))
                let refused = try await server.send("GET", "/v2/wrong/team/app/manifests/v1")
                #expect(refused.status == 503 && refused.text.contains(#""code":"UNAVAILABLE""#), "\(refused.text)")
                #expect(refused["Retry-After"] != nil)
                #expect(log.text.contains("answers 401"))
                for secret in ["right-secret", "wrong-secret", "the-token"] {
                    #expect(!log.text.contains(secret) && !refused.text.contains(secret))
                }
            }
        }
    }
}

/// What was logged.
private final class LogText: Sendable {
    private let lines = Mutex("")

    var text: String { lines.withLock { $0 } }

    func add(_ line: String) { lines.withLock { $0 += line + "\n" } }
}

private struct TextLogHandler: LogHandler {
    let text: LogText
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    init(text: LogText) { self.text = text }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        text.add("\(event.message) \(metadata) \(event.metadata ?? [:])")
    }
}
