import GranaryModel
import GranaryTestKit
import Testing

@Suite(.serialized) struct OCIListTests {
    struct Tags: Decodable {
        let name: String
        let tags: [String]
    }

    struct Catalog: Decodable { let repositories: [String] }

    /// In bytewise order.
    private static let tags = ["1.10", "1.2", "1.9", "A", "Z", "_x", "a", "a-b", "a.b", "a_b", "ab", "b", "z"]

    @Test func `Tags come in bytewise order, in pages whose union is all of them`() async throws {
        try await withOCI { server in
            let image = server.image("docker/team/app")
            let manifest = try await image.pushImage("1")
            let query = "?" + Self.tags.shuffled().map { "tag=\($0)" }.joined(separator: "&")
            #expect(try await image.put(manifest, query: query).status == 201)
            let all = try await image.send("GET", "tags/list")
            #expect(all.status == 200 && all["Content-Type"] == "application/json" && all["Link"] == nil)
            #expect(try all.json(Tags.self).tags == Self.tags)
            #expect(try all.json(Tags.self).name == "docker/team/app")
            #expect(try await server.image("team/app").send("GET", "tags/list").json(Tags.self).name == "team/app")
            for size in 1...(Self.tags.count + 1) {
                var found: [String] = []
                var next: String? = "?n=\(size)"
                while let query = next {
                    let page = try await image.send("GET", "tags/list\(query)")
                    let tags = try page.json(Tags.self).tags
                    #expect(tags.count == min(size, Self.tags.count - found.count))
                    found += tags
                    next = try page.nextPage(of: "/v2/docker/team/app/tags/list")
                    #expect((next == nil) == (found.count == Self.tags.count))
                }
                #expect(found == Self.tags, "n=\(size)")
            }
        }
    }

    @Test func `A page begins after a name that need not exist`() async throws {
        try await withOCI { server in
            let image = server.image()
            let manifest = try await image.pushImage("1")
            _ = try await image.put(manifest, query: "?" + Self.tags.map { "tag=\($0)" }.joined(separator: "&"))
            let cases: [(query: String, tags: ArraySlice<String>, hasMore: Bool)] = [
                ("?last=A", Self.tags[4...], false), ("?last=B", Self.tags[4...], false), ("?last=z", [], false),
                ("?last=zz", [], false), ("?last=", Self.tags[...], false), ("?n=2&last=1.2", Self.tags[2..<4], true),
                ("?last=b&n=1", ["z"], false), ("?n=0", [], false), ("?n=0&last=A", [], false),
                ("?n=10000", Self.tags[...], false), ("?n=99999999999999999999", Self.tags[...], false),
                ("?last=a%2Db", Self.tags[8...], false)
            ]
            for (query, tags, hasMore) in cases {
                let answer = try await image.send("GET", "tags/list\(query)")
                #expect(answer.status == 200)
                #expect(try answer.json(Tags.self).tags == Array(tags), "\(query)")
                #expect((answer["Link"] != nil) == hasMore, "\(query)")
            }
            for query in ["?n=-1", "?n=a", "?n=", "?n=1.5"] {
                #expect(try await image.send("GET", "tags/list\(query)").refusal == "400 PAGINATION_NUMBER_INVALID")
            }
            #expect(try await server.image("docker/none").send("GET", "tags/list").refusal == "404 NAME_UNKNOWN")
            let untagged = server.image("docker/untagged")
            try await untagged.pushImage("1")
            #expect(try await untagged.send("GET", "tags/list").json(Tags.self).tags == [])
        }
    }

    @Test func `The catalog shows what the caller may read, page by page`() async throws {
        try await withOCI([
            .oci("docker", isDefault: true), .oci("open", isPublic: true), .oci("prod")
        ]) { server in
            let names = ["a", "app", "app/x", "b", "open/a", "open/b", "prod/a", "prod/team/x", "z"]
            for name in names.reversed() { try await server.image(name).push([1]) }
            let reader = try await server.member("reader", .read, on: "prod", package: "team/**")
            let cases: [(who: String?, names: [String])] = [
                (TestServer.adminBasic, names), (reader, ["open/a", "open/b", "prod/team/x"])
            ]
            for (who, expected) in cases {
                for size in 1...(expected.count + 1) {
                    var found: [String] = []
                    var next: String? = "?n=\(size)"
                    while let query = next {
                        let page = try await server.send("GET", "/v2/_catalog\(query)", authorization: who)
                        #expect(page.status == 200)
                        found += try page.json(Catalog.self).repositories
                        next = try page.nextPage(of: "/v2/_catalog")
                        try #require(found.count <= names.count)
                    }
                    #expect(found == expected, "n=\(size)")
                }
            }
            let after = try await server.send("GET", "/v2/_catalog?last=open/a0")
            #expect(try after.json(Catalog.self).repositories == ["open/b", "prod/a", "prod/team/x", "z"])
            let anonymous = try await server.send("GET", "/v2/_catalog", authorization: nil)
            #expect(anonymous.refusal == "401 UNAUTHORIZED")
            let token = try await OCITokenTests.bearer(server, "registry:catalog:*", as: nil)
            let open = try await server.send("GET", "/v2/_catalog", authorization: token)
            #expect(try open.json(Catalog.self).repositories == ["open/a", "open/b"])
            let full = try await OCITokenTests.bearer(server, "registry:catalog:*", as: TestServer.adminBasic)
            let listed = try await server.send("GET", "/v2/_catalog", authorization: full)
            #expect(try listed.json(Catalog.self).repositories == names)
            let narrow = try await OCITokenTests.bearer(server, "repository:a:pull", as: TestServer.adminBasic)
            let refused = try await server.send("GET", "/v2/_catalog", authorization: narrow)
            #expect(refused.refusal == "401 UNAUTHORIZED")
            #expect(refused["WWW-Authenticate"]?.hasSuffix(#",error="insufficient_scope""#) ?? false)
        }
    }
}
