import Crypto
import GranaryCore
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Remote repositories: files")
struct RemoteFileTests {
    private static let content = Array(String(repeating: "granary ", count: 10_000).utf8)

    @Test("What is fetched once is kept, with hashes, ranges and conditions")
    func kept() async throws {
        try await FakeUpstream.run({ _ in .respond(200, ["Content-Type": "text/x"], Self.content) }) { upstream in
            try await withRemote(of: upstream, path: "tree/") { server async throws in
                let first = try await server.send("GET", "/generic/far/a%20b/c.txt")
                #expect(first.status == 200 && first.body == Self.content && first["Content-Type"] == "text/x")
                let again = try await server.send("GET", "/generic/far/a%20b/c.txt", ["Range": "bytes=-8"])
                #expect(again.status == 206 && again.text == "granary ")
                let hash = hexadecimal(SHA256.hash(data: Self.content))
                #expect(again["X-Checksum-Sha256"] == hash)
                let head = try await server.send("HEAD", "/generic/far/a%20b/c.txt")
                #expect(head["Content-Length"] == "80000")
                let tag = try #require(head["ETag"])
                let known = try await server.send("GET", "/generic/far/a%20b/c.txt", ["If-None-Match": tag])
                #expect(known.status == 304)
                #expect(upstream.requests.map(\.path) == ["/tree/a%20b/c.txt"])
            }
        }
    }

    @Test("Two hundred who want the same cause one transfer, and all get all of it")
    func coalesced() async throws {
        let gate = FakeUpstream.Gate()
        let half = Self.content.count / 2
        let pieces = [Array(Self.content[..<half]), Array(Self.content[half...])]
        try await FakeUpstream.run({ _ in .pieces(pieces, gate: gate) }) { upstream in
            try await withRemote(of: upstream) { server async throws in
                let bodies = try await withThrowingTaskGroup(of: [UInt8].self) { group in
                    for _ in 0..<200 { group.addTask { try await server.send("GET", "/generic/far/big").body } }
                    group.addTask {
                        try await Task.sleep(for: .milliseconds(300))
                        gate.open()
                        return Self.content
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(bodies.count == 201 && bodies.allSatisfy { $0 == Self.content })
                #expect(upstream.requests.count == 1)
            }
        }
    }

    @Test("The first bytes come before the last ones have left the upstream, and who leaves ends nothing")
    func streamed() async throws {
        let gate = FakeUpstream.Gate()
        let pieces = [Array("first ".utf8), Array("second".utf8)]
        try await FakeUpstream.run({ _ in .pieces(pieces, gate: gate) }) { upstream in
            try await withRemote(of: upstream) { server async throws in
                let credentials = TestServer.basic(TestServer.administrator.user, TestServer.administrator.password)
                let seen = try await server.connect { connection in
                    try await connection.send(
                        "GET /generic/far/a HTTP/1.1\r\nHost: x\r\nAuthorization: \(credentials)\r\n\r\n")
                    return try await connection.receive { String(decoding: $0, as: UTF8.self).contains("first ") }
                }
                #expect(String(decoding: seen, as: UTF8.self).hasSuffix("\r\n\r\nfirst "))
                // The connection is closed; the rest comes all the same.
                gate.open()
                let whole = try await server.send("GET", "/generic/far/a")
                #expect(whole.text == "first second")
                #expect(upstream.requests.count == 1)
            }
        }
    }

    @Test("While a file comes, who has got its beginning gets the rest")
    func parts() async throws {
        let gate = FakeUpstream.Gate()
        let pieces = [Array("first ".utf8), Array("second".utf8)]
        try await FakeUpstream.run({ _ in .pieces(pieces, gate: gate) }) { upstream in
            try await withRemote(of: upstream) { server async throws in
                let path = "/generic/far/a"
                let credentials = TestServer.basic(TestServer.administrator.user, TestServer.administrator.password)
                let seen = try await server.connect { connection in
                    try await connection.send(
                        "GET \(path) HTTP/1.1\r\nHost: x\r\nRange: bytes=2-\r\nAuthorization: \(credentials)\r\n\r\n")
                    return try await connection.receive { String(decoding: $0, as: UTF8.self).contains("rst ") }
                }
                let text = String(decoding: seen, as: UTF8.self)
                #expect(text.hasPrefix("HTTP/1.1 206 ") && text.hasSuffix("\r\n\r\nrst "), "\(text)")
                #expect(text.lowercased().contains("content-range: bytes 2-11/12\r\n"))
                async let middle = server.send("GET", path, ["Range": "bytes=3-7"])
                async let end = server.send("GET", path, ["Range": "bytes=-3"])
                async let changed = server.send("GET", path, ["Range": "bytes=3-7", "If-Range": "\"other\""])
                try await Task.sleep(for: .milliseconds(100))
                gate.open()
                let answers = try await (middle, end, changed)
                #expect(answers.0.status == 206 && answers.0.text == "st se")
                // Of this, all would have had to come first.
                #expect(answers.1.text.hasSuffix("ond"))
                #expect(answers.2.status == 200 && answers.2.text == "first second")
                #expect(upstream.requests.count == 1)
            }
        }
    }

    @Test("A body that is cut short is cut short for the client, and not kept")
    func cut() async throws {
        try await FakeUpstream.run({ _ in .cut(Self.content, after: 30_000) }) { upstream in
            try await withRemote(of: upstream) { server async throws in
                await #expect(throws: (any Error).self) { _ = try await server.send("GET", "/generic/far/a") }
                upstream.answer { _ in .respond(200, [:], Self.content) }
                let whole = try await server.send("GET", "/generic/far/a")
                #expect(whole.status == 200 && whole.body == Self.content)
            }
        }
    }

    @Test("What the upstream does not have is not asked for again at once")
    func absent() async throws {
        let clock = ManualClock()
        try await FakeUpstream.run({ _ in .respond(404) }) { upstream in
            try await withRemote(of: upstream, clock: clock) { server async throws in
                for _ in 0..<3 {
                    let answer = try await server.send("GET", "/generic/far/a")
                    #expect(answer.status == 404)
                }
                #expect(upstream.count("/a") == 1)
                clock.advance(by: .seconds(61))
                upstream.answer { _ in .respond(200, [:], Self.content) }
                #expect(try await server.send("GET", "/generic/far/a").status == 200)
            }
        }
    }

    @Test(
        "That the upstream refuses or fails does not mean that there is nothing", arguments: [401, 403, 429, 500, 503])
    func refused(_ status: Int) async throws {
        try await FakeUpstream.run({ _ in .respond(status, ["Retry-After": "7"]) }) { upstream in
            try await withRemote(of: upstream) { server async throws in
                let answer = try await server.send("GET", "/generic/far/a")
                #expect(answer.status == 503 && answer["Retry-After"] != nil)
                if status >= 429 { #expect(answer["Retry-After"] == "7") }
                upstream.answer { _ in .respond(200, [:], Self.content) }
                // Who said when to come back is not asked before.
                let next = try await server.send("GET", "/generic/far/a").status
                #expect(next == (status >= 429 ? 503 : 200))
            }
        }
    }

    @Test("Redirects are followed, not for ever, and take no credential to another server")
    func redirects() async throws {
        try await FakeUpstream.run({ _ in .respond(200, [:], Self.content) }) { other in
            let elsewhere = other.url
            let answers: @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer = { request in
                switch request.path {
                case "/near": .respond(302, ["Location": "/here"])
                case "/away": .respond(307, ["Location": "\(elsewhere)there"])
                case "/loop": .respond(301, ["Location": "/loop"])
                default: .respond(200, [:], Array("here".utf8))
                }
            }
            try await FakeUpstream.run(answers) { upstream in
                try await withRemote(of: upstream) { server async throws in
                    let management = server.management
                    let sealed = try management.sealed("secret")
                    _ = try await management.update("far", by: server.admin) { settings in
                        var settings = settings
                        settings.upstream?.user = "reader"
                        settings.upstream?.sealedSecret = sealed
                        return settings
                    }
                    #expect(try await server.send("GET", "/generic/far/near").text == "here")
                    #expect(try await server.send("GET", "/generic/far/away").body == Self.content)
                    #expect(try await server.send("GET", "/generic/far/loop").status == 503)
                    let expected = TestServer.basic("reader", "secret")
                    #expect(upstream.requests.allSatisfy { $0["Authorization"] == expected })
                    #expect(other.requests.allSatisfy { $0["Authorization"] == nil })
                    #expect(upstream.count("/loop") == 6)
                }
            }
        }
    }

    @Test("A private address is not asked unless that is allowed, and a name nobody knows is no absence")
    func addresses() async throws {
        try await FakeUpstream.run({ _ in .respond(200, [:], Self.content) }) { upstream in
            try await withRemote(of: upstream, { $0.allowsPrivateAddresses = false }) { server async throws in
                #expect(try await server.send("GET", "/generic/far/a").status == 503)
                #expect(upstream.requests.isEmpty)
            }
            try await withRemote(of: upstream, { $0.url = "http://nowhere.invalid/" }) { server async throws in
                #expect(try await server.send("GET", "/generic/far/a").status == 503)
            }
        }
    }

    @Test("Names that are left out are not asked for")
    func patterns() async throws {
        try await FakeUpstream.run({ _ in .respond(200, [:], Self.content) }) { upstream in
            try await withRemote(of: upstream, { ($0.include, $0.exclude) = (["pub/**"], ["pub/x"]) }) {
                server async throws in
                #expect(try await server.send("GET", "/generic/far/pub/y/a").status == 200)
                #expect(try await server.send("GET", "/generic/far/pub/x/a").status == 404)
                #expect(try await server.send("GET", "/generic/far/own/a").status == 404)
                #expect(upstream.requests.count == 1)
            }
        }
    }

    @Test("A cache takes nothing that is published")
    func readOnly() async throws {
        try await FakeUpstream.run({ _ in .respond(404) }) { upstream in
            try await withRemote(of: upstream) { server async throws in
                #expect(try await server.send("PUT", "/generic/far/a", body: [1]).status == 403)
                #expect(try await server.send("DELETE", "/generic/far/a").status == 403)
            }
        }
    }
}
