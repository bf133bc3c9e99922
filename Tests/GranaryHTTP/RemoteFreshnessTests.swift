import GranaryCore
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Remote repositories: what changes")
struct RemoteFreshnessTests {
    private static func versioned(_ text: String) -> FakeUpstream.Answer {
        .respond(200, ["ETag": "\"\(text)\""], Array(text.utf8))
    }

    @Test("What is old is asked about with what it was known by, and kept where it has not changed")
    func conditional() async throws {
        let clock = ManualClock()
        let answers: @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer = { request in
            request["If-None-Match"] == "\"one\"" ? .respond(304) : Self.versioned("one")
        }
        try await FakeUpstream.run(answers) { upstream in
            try await withRemote(of: upstream, clock: clock) { server async throws in
                #expect(try await server.send("GET", "/generic/far/a").text == "one")
                #expect(try await server.send("GET", "/generic/far/a").text == "one")
                #expect(upstream.requests.count == 1)
                clock.advance(by: .seconds(301))
                for _ in 0..<2 {
                    let answer = try await server.send("GET", "/generic/far/a")
                    #expect(answer.text == "one")
                }
                #expect(upstream.requests.count == 2)
                clock.advance(by: .seconds(301))
                upstream.answer { _ in Self.versioned("two") }
                #expect(try await server.send("GET", "/generic/far/a").text == "two")
            }
        }
    }

    @Test(
        "Without an answer, what is there is served, and says how old it is",
        arguments: ["500", "429", "close", "cut", "403"])
    func stale(_ failure: String) async throws {
        let clock = ManualClock()
        try await FakeUpstream.run({ _ in Self.versioned("one") }) { upstream in
            try await withRemote(of: upstream, clock: clock) { server async throws in
                _ = try await server.send("GET", "/generic/far/a")
                upstream.answer { _ in
                    switch failure {
                    case "close": .close
                    case "cut": .cut(Array("two and more".utf8), after: 3)
                    default: .respond(Int(failure) ?? 0)
                    }
                }
                clock.advance(by: .seconds(600))
                let old = try await server.send("GET", "/generic/far/a")
                #expect(old.status == 200 && old.text == "one")
                #expect(old["Age"] == "600" && old["Warning"]?.hasPrefix("110") == true)
            }
        }
    }

    @Test("An upstream that fails is left alone for a while that grows, and one request finds out whether it is back")
    func breaker() async throws {
        let clock = ManualClock()
        try await FakeUpstream.run({ _ in .respond(500) }) { upstream in
            try await withRemote(of: upstream, clock: clock) { server async throws in
                for number in 0..<10 { _ = try await server.send("GET", "/generic/far/\(number)") }
                #expect(upstream.requests.count == 3)
                clock.advance(by: .milliseconds(1100))
                for number in 10..<15 { _ = try await server.send("GET", "/generic/far/\(number)") }
                #expect(upstream.requests.count == 4)
                clock.advance(by: .milliseconds(1100))
                _ = try await server.send("GET", "/generic/far/16")
                #expect(upstream.requests.count == 4)
                clock.advance(by: .seconds(2))
                upstream.answer { _ in Self.versioned("back") }
                #expect(try await server.send("GET", "/generic/far/17").text == "back")
                #expect(try await server.send("GET", "/generic/far/1").text == "back")
            }
        }
    }

    @Test("What vanishes counts as gone once that was said three times over two hours")
    func vanished() async throws {
        let clock = ManualClock()
        try await FakeUpstream.run({ _ in Self.versioned("one") }) { upstream in
            try await withRemote(of: upstream, clock: clock) { server async throws in
                _ = try await server.send("GET", "/generic/far/a")
                upstream.answer { _ in .respond(404) }
                for _ in 0..<12 {
                    clock.advance(by: .seconds(301))
                    #expect(try await server.send("GET", "/generic/far/a").text == "one")
                }
                clock.advance(by: .seconds(3600))
                #expect(try await server.send("GET", "/generic/far/a").status == 200)
                clock.advance(by: .seconds(3600))
                #expect(try await server.send("GET", "/generic/far/a").status == 404)
                #expect(try await server.send("GET", "/generic/far/a").status == 404)
                clock.advance(by: .seconds(301))
                upstream.answer { _ in Self.versioned("again") }
                #expect(try await server.send("GET", "/generic/far/a").text == "again")
            }
        }
    }

    @Test("Offline, what is in the cache is all there is")
    func offline() async throws {
        let clock = ManualClock()
        try await FakeUpstream.run({ _ in Self.versioned("one") }) { upstream in
            try await withRemote(of: upstream, clock: clock) { server async throws in
                _ = try await server.send("GET", "/generic/far/a")
                _ = try await server.management.update("far", by: server.admin) { settings in
                    var settings = settings
                    settings.upstream?.isOffline = true
                    return settings
                }
                clock.advance(by: .seconds(100_000))
                #expect(try await server.send("GET", "/generic/far/a").text == "one")
                #expect(try await server.send("GET", "/generic/far/b").status == 404)
                #expect(upstream.requests.count == 1)
            }
        }
    }

    @Test("A cache over its budget drops what was asked for longest ago, and refuses nothing")
    func budget() async throws {
        let clock = ManualClock()
        let bytes = [UInt8](repeating: 1, count: 1000)
        try await FakeUpstream.run({ request in .respond(200, [:], bytes + Array(request.path.utf8)) }) { upstream in
            try await withRemote(of: upstream, { $0.cacheBytes = 5000 }, clock: clock) { server async throws in
                for number in 0..<8 {
                    #expect(try await server.send("GET", "/generic/far/\(number)").status == 200)
                    clock.advance(by: .seconds(1))
                }
                _ = try await server.send("GET", "/generic/far/0")
                await server.services.tidyCaches()
                _ = try await server.send("GET", "/generic/far/0")
                _ = try await server.send("GET", "/generic/far/7")
                #expect(upstream.count("/0") == 1 && upstream.count("/7") == 1)
                _ = try await server.send("GET", "/generic/far/1")
                #expect(upstream.count("/1") == 2)
            }
        }
    }
}
