import FormatGeneric
import GranaryCore
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Virtual repositories")
struct VirtualTests {
    private static let far: @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer = { request in
        .respond(200, [:], Array("far \(request.path)".utf8))
    }

    @Test("The first member that has a file counts, and names of local members are never asked elsewhere")
    func owned() async throws {
        try await FakeUpstream.run(Self.far) { upstream in
            try await withRemote(of: upstream, others: [.local("own", Generic())]) { server async throws in
                try await server.makeVirtual(of: ["far", "own"], reserved: ["secret/**"])
                #expect(try await server.send("PUT", "/generic/own/lib/a", body: Array("own".utf8)).status == 201)
                #expect(try await server.send("GET", "/generic/all/lib/a").text == "own")
                // The directory is ours, whatever else may be in it.
                #expect(try await server.send("GET", "/generic/all/lib/b").status == 404)
                #expect(try await server.send("GET", "/generic/all/secret/x/b").status == 404)
                #expect(upstream.requests.isEmpty)
                #expect(try await server.send("GET", "/generic/all/pub/b").text == "far /pub/b")
                #expect(try await server.send("GET", "/generic/far/lib/a").text == "far /lib/a")
            }
        }
    }

    @Test("A directory has what all members have in it, page by page, and leads there")
    func directories() async throws {
        try await FakeUpstream.run(Self.far) { upstream in
            try await withRemote(
                of: upstream, others: [.local("one", Generic()), .local("two", Generic())]
            ) { server async throws in
                try await server.makeVirtual(of: ["one", "two", "far"])
                for path in ["one/x/a", "two/x/b", "one/x/c", "two/x/c", "two/x/d/e", "one/z", "two/y/a"] {
                    let answer = try await server.send("PUT", "/generic/\(path)", body: Array(path.utf8))
                    #expect(answer.status == 201)
                }
                #expect(try await server.names(in: "x/") == ["a", "b", "c", "d/"])
                #expect(try await server.names(in: "") == ["x/", "y/", "z"])
                #expect(try await server.names(in: "", "&recursive=1") == ["z", "x/a", "x/b", "x/c", "x/d/e", "y/a"])
                #expect(try await server.send("GET", "/generic/all/y").status == 301)
                #expect(try await server.send("GET", "/generic/all/x/c").text == "one/x/c")
            }
        }
    }

    @Test("Properties of a file are those of the first member that has it")
    func properties() async throws {
        try await FakeUpstream.run(Self.far) { upstream in
            try await withRemote(
                of: upstream, others: [.local("one", Generic()), .local("two", Generic())]
            ) { server async throws in
                try await server.makeVirtual(of: ["one", "two"])
                for path in ["one/x/a;of=one", "two/x/a;of=two", "two/x/b;of=two"] {
                    #expect(try await server.send("PUT", "/generic/\(path)", body: [1]).status == 201)
                }
                let first = try await server.send("GET", "/generic/all/x/a?properties")
                #expect(first.text == #"{"properties":{"of":["one"]}}"#)
                let second = try await server.send("GET", "/generic/all/x/b?properties")
                #expect(second.text == #"{"properties":{"of":["two"]}}"#)
                #expect(try await server.send("GET", "/generic/all/x/b;of+=two").status == 200)
            }
        }
    }

    @Test("What is published goes to the member that takes it, with the rights that are needed there")
    func deployment() async throws {
        try await FakeUpstream.run(Self.far) { upstream in
            try await withRemote(of: upstream, others: [.local("own", Generic())]) { server async throws in
                try await server.makeVirtual(of: ["own", "far"], deployment: "own")
                let reader = try await server.user(
                    "reader", ("all", "**", .read), ("own", "**", .read), ("far", "**", .read))
                let writer = try await server.user("writer", ("all", "**", .read), ("own", "**", [.read, .write]))
                #expect(
                    try await server.send("PUT", "/generic/all/x/a", body: [1], authorization: reader).status == 403)
                #expect(
                    try await server.send("PUT", "/generic/all/x/a", body: [1], authorization: writer).status == 201)
                #expect(try await server.send("GET", "/generic/own/x/a").body == [1])
                // What of a member may not be read is not there.
                #expect(try await server.send("GET", "/generic/all/y/a", authorization: writer).status == 404)
                #expect(try await server.send("GET", "/generic/all/y/a", authorization: reader).text == "far /y/a")
            }
        }
    }

    @Test("Nothing is published where no member takes it")
    func withoutDeployment() async throws {
        try await FakeUpstream.run(Self.far) { upstream in
            try await withRemote(of: upstream, others: [.local("own", Generic())]) { server async throws in
                try await server.makeVirtual(of: ["own", "far"])
                #expect(try await server.send("PUT", "/generic/all/x/a", body: [1]).status == 403)
            }
        }
    }

    @Test("A member that does not answer is not one that has nothing")
    func failing() async throws {
        try await FakeUpstream.run({ _ in .respond(500) }) { upstream in
            try await withRemote(of: upstream, others: [.local("own", Generic())]) { server async throws in
                try await server.makeVirtual(of: ["own", "far"])
                let answer = try await server.send("GET", "/generic/all/x/a")
                #expect(answer.status == 503 && answer.text.contains("far"))
            }
        }
    }

    @Test("Members are repositories of the same format, and a member is not deleted")
    func settings() async throws {
        try await FakeUpstream.run(Self.far) { upstream in
            try await withRemote(of: upstream, others: [.local("own", Generic())]) { server async throws in
                for (members, deployment) in [(["none"], nil), (["own", "own"], nil), (["far"], "far")] {
                    await #expect(throws: (any Error).self) {
                        try await server.makeVirtual(of: members, deployment: deployment)
                    }
                }
                try await server.makeVirtual(of: ["own", "far"])
                #expect(try await server.send("DELETE", "/api/v1/repositories/far").status == 409)
                #expect(try await server.send("DELETE", "/api/v1/repositories/all").status == 204)
                #expect(try await server.send("DELETE", "/api/v1/repositories/far").status == 204)
            }
        }
    }
}

extension TestServer {
    /// What is in a directory of `all`, as pages of every length tell alike; folders have a slash.
    fileprivate func names(in directory: String, _ query: String = "") async throws -> [String] {
        var found: [[String]] = []
        for limit in [1, 2, 1000] {
            var names: [String] = []
            var after: String?
            repeat {
                let next = after.map { "&after=\(percentEncoded($0))" } ?? ""
                let page = try RawJSON(
                    try await send("GET", "/generic/all/\(directory)?list&limit=\(limit)\(query)\(next)").body)
                let children = page["children"]?.elements ?? []
                #expect(children.count <= limit)
                names += children.map { ($0["name"]?.string ?? "") + ($0["folder"]?.boolean == true ? "/" : "") }
                after = page["next"]?.string
            } while after != nil && names.count < 100
            found.append(names)
        }
        #expect(Set(found).count == 1)
        return found[0]
    }
}
