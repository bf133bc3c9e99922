import GranaryModel
import GranaryTestKit
import Testing

@Suite(.serialized) struct OCIHistoryTests {
    struct Change: Decodable {
        let tag: String
        let version: String
        let from: Int64
        let until: Int64?
        let actor: String
        let movedAt: String
    }

    struct Events: Decodable {
        struct Event: Decodable, Hashable {
            let sequence: Int64
            let actor: String
            let verb: String
            let repository: String?
            let package: String?
            let target: String
            let before: Summary?
            let after: Summary?
        }

        struct Summary: Decodable, Hashable {
            let tags: [String: String?]?
        }

        let events: [Event]
        let next: Int64
    }

    private static func tagHistory(
        _ server: TestServer, _ package: String, _ tag: String, as who: String? = TestServer.adminBasic
    ) async throws -> TestAnswer {
        try await server.send(
            "GET", "/api/v1/repositories/docker/tags/history?package=\(package)&tag=\(tag)", authorization: who)
    }

    @Test func `A tag's history tells what it was, when, and by whom`() async throws {
        try await withOCI { server in
            let dev = try await server.member("dev", [.read, .write])
            let stranger = try await server.member("stranger")
            let (ours, theirs) = (server.image("docker/team/app"), server.image("team/app", as: dev))
            let first = try await ours.pushImage("1", tag: "v1")
            let second = try await theirs.pushImage("2", tag: "v1")
            // Nothing changes, so nothing is told.
            #expect(try await theirs.put(second, at: "v1").status == 201)
            #expect(try await ours.send("DELETE", "manifests/v1").status == 202)
            _ = try await theirs.put(first, at: "v1")
            #expect(try await ours.send("DELETE", "manifests/\(first.digest)").status == 202)
            let answer = try await Self.tagHistory(server, "team/app", "v1")
            #expect(answer.status == 200)
            let changes = try answer.json([Change].self)
            #expect(changes.map(\.version) == [first.digest, second.digest, first.digest])
            #expect(changes.map(\.actor) == ["admin", "dev", "dev"] && Set(changes.map(\.tag)) == ["v1"])
            #expect(changes[0].until == changes[1].from && changes.allSatisfy { $0.until != nil })
            #expect(changes.map(\.from) == changes.map(\.from).sorted())
            #expect(changes.allSatisfy { $0.movedAt.hasSuffix("Z") })
            #expect(try await Self.tagHistory(server, "team/app", "never").status == 404)
            #expect(try await Self.tagHistory(server, "team/none", "v1").status == 404)
            #expect(try await Self.tagHistory(server, "team/app", "v1", as: stranger).status == 404)
            #expect(try await Self.tagHistory(server, "team/app", "v1", as: nil).status == 401)
        }
    }

    @Test func `Every change is one event, and pages of them lose none`() async throws {
        try await withOCI { server in
            let dev = try await server.member("dev", [.read, .write, .delete], package: "mine/**")
            let start = try await server.send("GET", "/api/v1/events?limit=1000").json(Events.self).next
            let (mine, other) = (server.image("docker/mine/app", as: dev), server.image("docker/other"))
            let first = try await mine.pushImage("1", tag: "v1")
            let second = try await mine.pushImage("2")
            _ = try await mine.put(second, at: "v1")
            try await other.push([1])
            _ = try await mine.send("DELETE", "manifests/v1")
            _ = try await mine.send("DELETE", "manifests/\(first.digest)")
            let layer = "blobs/" + sha256(Array("layer 1".utf8))
            _ = try await mine.send("DELETE", layer)
            func pages(_ limit: Int, _ who: String?) async throws -> [Events.Event] {
                var (found, since): ([Events.Event], Int64) = ([], start)
                while true {
                    let query = "since=\(since)&limit=\(limit)&repository=docker"
                    let page = try await server.send("GET", "/api/v1/events?\(query)", authorization: who)
                        .json(Events.self)
                    found += page.events
                    guard page.next > since else { return found }
                    since = page.next
                }
            }
            let all = try await pages(1000, TestServer.adminBasic)
            #expect(
                all.map(\.verb) == [
                    "file.published", "file.published", "version.published", "file.published", "file.published",
                    "version.published", "tag.moved", "file.published", "tag.retracted", "version.retracted",
                    "file.retracted"
                ])
            #expect(all.map(\.sequence) == all.map(\.sequence).sorted())
            #expect(Set(all.map(\.package)) == ["mine/app", "other"])
            let moved = try #require(all.first { $0.verb == "tag.moved" })
            #expect(moved.target == "v1" && moved.actor == "dev")
            #expect(moved.before?.tags == ["v1": first.digest])
            #expect(moved.after?.tags == ["v1": second.digest])
            let published = try #require(all.first { $0.verb == "version.published" })
            #expect(published.target == first.digest && published.after?.tags == ["v1": first.digest])
            for limit in [1, 2, 3, 11] {
                let whole = try await pages(limit, TestServer.adminBasic)
                let own = try await pages(limit, dev)
                #expect(whole == all && own == all.filter { $0.package == "mine/app" })
            }
            #expect(try await server.send("GET", "/api/v1/events", authorization: nil).status == 401)
        }
    }
}
