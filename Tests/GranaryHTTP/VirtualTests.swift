import FormatGeneric
import GranaryCore
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
