import FormatNPM
import FormatPyPI
import FoundationEssentials
import GranaryCore
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Waivers and explanations")
struct WaiverTests {
    private static let registry: @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer = { request in
        guard request.path == "/left" else { return .respond(request.path.hasSuffix(".tgz") ? 200 : 404, [:], [1]) }
        let host = request["Host"] ?? ""
        let versions = ["1.0.0", "2.0.0", "3.0.0"].map { version in
            #""\#(version)":{"name":"left","version":"\#(version)","dist":{"tarball":"http://\#(host)/left-\#(version).tgz"}}"#
        }
        let text = """
            {"name":"left","dist-tags":{"latest":"3.0.0"},"versions":{\(versions.joined(separator: ","))},
            "time":{"1.0.0":"2020-01-01T00:00:00Z","2.0.0":"2026-01-30T00:00:00Z","3.0.0":"2026-01-30T00:00:00Z"}}
            """
        return .respond(200, [:], Array(text.utf8))
    }

    private static func clock() throws -> ManualClock {
        ManualClock(at: try #require(Timestamp("2026-01-31T00:00:00Z")))
    }

    private static let waivers = "/api/v1/repositories/far/waivers"

    private static func body(_ until: String, package: String = "left") -> [UInt8] {
        Array(#"{"package":"\#(package)","versions":"2.*","until":"\#(until)","reason":"an outage"}"#.utf8)
    }

    @Test("A waiver lets versions pass until it expires or is ended, and the history says who decided")
    func waiver() async throws {
        let clock = try Self.clock()
        try await FakeUpstream.run(Self.registry) { upstream in
            try await withRemote(of: upstream, format: NPM(), { $0.minimumAgeSeconds = 30 * 86400 }, clock: clock) {
                server async throws in
                let shown = { @Sendable in
                    try RawJSON(try await server.send("GET", "/npm/far/left").body)["versions"]?.members?.map(\.name)
                }
                #expect(try await shown() == ["1.0.0"])
                let made = try await server.send("POST", Self.waivers, body: Self.body("2026-02-02T00:00:00Z"))
                #expect(made.status == 201)
                let waiver = try RawJSON(made.body)
                #expect(waiver["actor"]?.string == "admin" && waiver["id"]?.text == "1")
                #expect(try await shown() == ["1.0.0", "2.0.0"])
                #expect(try await server.send("GET", "/npm/far/left/-/left-2.0.0.tgz").body == [1])
                #expect(try await server.send("GET", "/npm/far/left/-/left-3.0.0.tgz").status == 403)
                let events = try await server.send("GET", "/api/v1/events?limit=1000").text
                #expect(events.contains("an outage"))
                clock.advance(by: .seconds(3 * 86400))
                #expect(try await shown() == ["1.0.0"])
                // Expired ones go when another one is made.
                #expect(
                    try await server.send("POST", Self.waivers, body: Self.body("2026-03-01T00:00:00Z")).status == 201)
                let list = try RawJSON(try await server.send("GET", Self.waivers).body)
                #expect(list.elements?.map { $0["id"]?.text } == ["2"])
                #expect(try await shown() == ["1.0.0", "2.0.0"])
                #expect(try await server.send("DELETE", "\(Self.waivers)/2").status == 204)
                #expect(try await server.send("DELETE", "\(Self.waivers)/2").status == 404)
                #expect(try await shown() == ["1.0.0"])
            }
        }
    }

    @Test("Waivers are for upstreams, end in the future, and are made by administrators")
    func refused() async throws {
        let clock = try Self.clock()
        try await FakeUpstream.run(Self.registry) { upstream in
            try await withRemote(of: upstream, format: NPM(), others: [.local("web", NPM())], clock: clock) {
                server async throws in
                let reader = try await server.user("reader", ("**", "**", .read))
                let good = Self.body("2026-02-02T00:00:00Z")
                #expect(try await server.send("POST", Self.waivers, body: good, authorization: reader).status == 403)
                #expect(try await server.send("GET", Self.waivers, authorization: reader).status == 200)
                let past = Self.body("2026-01-01T00:00:00Z")
                #expect(try await server.send("POST", Self.waivers, body: past).status == 409)
                #expect(try await server.send("POST", "/api/v1/repositories/web/waivers", body: good).status == 409)
                #expect(try await server.send("GET", "/api/v1/repositories/web/waivers").status == 409)
            }
        }
    }

    private static func explain(
        _ server: TestServer, _ package: String, as authorization: String? = TestServer.adminBasic
    )
        async throws -> RawJSON
    {
        try RawJSON(
            try await server.send(
                "GET", "/api/v1/repositories/all/explanation?package=\(package)", authorization: authorization
            ).body)
    }

    @Test("An explanation says whose a name is, and which members are asked")
    func explanation() async throws {
        try await FakeUpstream.run(Self.registry) { upstream in
            let others = try [NewRepository.local("own", NPM())]
            try await withRemote(of: upstream, format: NPM(), { $0.exclude = ["bad*"] }, others: others) {
                server async throws in
                try await server.makeVirtual(of: ["own", "far"], format: "npm", reserved: ["@acme/*"])
                _ = try await server.publish("mine", "1.0.0", to: "own")
                let asked = { @Sendable (package: String) in
                    try await Self.explain(server, package)["members"]?.elements?.map { $0["isAsked"]?.text }
                }
                #expect(try await asked("left") == ["true", "true"])
                #expect(try await asked("bad-one") == ["true", "false"])
                for (package, word) in [("mine", "own"), ("@acme%2fnew", "@acme/*")] {
                    let explanation = try await Self.explain(server, package)
                    #expect(explanation["isOwned"]?.text == "true")
                    #expect(explanation["owner"]?.string?.contains(word) == true)
                    #expect(try await asked(package) == ["true", "false"])
                }
                // Somebody who may not read a member learns nothing of what it has.
                let reader = try await server.user("reader", ("all", "**", .read), ("far", "**", .read))
                let members = try await Self.explain(server, "mine", as: reader)["members"]?.elements
                #expect(members?.map { $0["repository"]?.string } == ["far"], "\(members?.map(\.text) ?? [])")
                #expect(try await Self.explain(server, "mine", as: reader)["owner"]?.string?.contains("own'") == false)
                // Nor where content comes from, and which names are the house's own.
                for name in ["all", "far"] {
                    for (who, isShown) in [(TestServer.adminBasic, true), (reader, false)] {
                        let answer = try await server.send("GET", "/api/v1/repositories/\(name)", authorization: who)
                        let settings = try RawJSON(answer.body)["settings"]
                        #expect((settings?["upstream"] != nil || settings?["members"] != nil) == isShown)
                    }
                }
                let answer = try await server.send(
                    "GET", "/api/v1/repositories/all/explanation?package=x", authorization: nil)
                #expect(answer.status == 401)
            }
        }
    }

    @Test("Patterns mean names however they are spelled")
    func spelling() async throws {
        try await FakeUpstream.run({ _ in .respond(404) }) { upstream in
            let others = try [NewRepository.local("own", PyPI())]
            try await withRemote(of: upstream, format: PyPI(), path: "simple/", others: others) { server async throws in
                try await server.makeVirtual(of: ["own", "far"], format: "pypi", reserved: ["Acme_Corp.*"])
                #expect(try await server.send("GET", "/pypi/all/simple/acme-corp-new/").status == 404)
                #expect(upstream.requests.isEmpty)
                #expect(try await Self.explain(server, "ACME_corp.new")["isOwned"]?.text == "true")
            }
        }
    }
}
