import FormatGeneric
import FormatNPM
import FormatOCI
import GranaryCore
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Reads as of a moment")
struct AsOfTests {
    private static let start = Timestamp("2026-01-31T00:00:00Z")

    private static func clock() throws -> ManualClock { ManualClock(at: try #require(start)) }

    private static let nothing: @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer = { _ in .respond(404) }

    @Test("A packument, its tags and its tarballs are what they were, and lead to the same moment")
    func packument() async throws {
        let clock = try Self.clock()
        try await FakeUpstream.run(Self.nothing) { upstream in
            try await withRemote(of: upstream, format: NPM(), others: [.local("web", NPM())], clock: clock) {
                server async throws in
                #expect(try await server.publish("left", "1.0.0").status == 201)
                clock.advance(by: .seconds(86400))
                #expect(try await server.publish("left", "2.0.0").status == 201)
                #expect(try await server.send("DELETE", "/npm/web/left/-/left-1.0.0.tgz/-rev/1").status == 200)
                let now = try RawJSON(try await server.send("GET", "/npm/web/left").body)
                #expect(now["dist-tags"]?["latest"]?.string == "2.0.0")
                for moment in ["2026-01-31T12:00:00Z", "20260131T120000Z", "2026-02-01T00%3A00:00+00:30"] {
                    let then = try RawJSON(try await server.send("GET", "/npm/web@\(moment)/left").body)
                    #expect(then["versions"]?.members?.map(\.name) == ["1.0.0"], "\(moment)")
                    #expect(then["dist-tags"]?["latest"]?.string == "1.0.0")
                    let address = try #require(then["versions"]?["1.0.0"]?["dist"]?["tarball"]?.string)
                    #expect(address == "\(server.origin)/npm/web@\(moment)/left/-/left-1.0.0.tgz")
                    #expect(try await server.send("GET", address).status == 200)
                    #expect(try await server.send("GET", "/npm/web@\(moment)/left/-/left-2.0.0.tgz").status == 404)
                }
                #expect(try await server.send("GET", "/npm/web@2026-01-30/left").status == 404)
                let written = try await server.publish("left", "3.0.0", to: "web@2026-01-31")
                #expect(written.status == 403 && written.text.contains("past"))
                #expect(try await server.send("GET", "/npm/web/left/-/left-3.0.0.tgz").status == 404)
            }
        }
    }

    @Test(
        "A moment that is none, or still to come, is refused in words",
        arguments: ["", "yesterday", "2026-02-30", "2027-01-01"])
    func malformed(_ moment: String) async throws {
        let clock = try Self.clock()
        try await FakeUpstream.run(Self.nothing) { upstream in
            try await withRemote(of: upstream, format: NPM(), others: [.local("web", NPM())], clock: clock) {
                server async throws in
                let answer = try await server.send("GET", "/npm/web@\(moment)/left")
                #expect(answer.status == 400 && answer.text.contains("error"))
                // Whoever may not see it learns nothing.
                #expect(try await server.send("GET", "/npm/web@\(moment)/left", authorization: nil).status == 401)
            }
        }
    }

    @Test("Of what was replaced or removed, the bytes are there until a sweep takes them")
    func replaced() async throws {
        let clock = try Self.clock()
        try await FakeUpstream.run(Self.nothing) { upstream in
            try await withRemote(of: upstream, others: [.local("own", Generic())], clock: clock) {
                server async throws in
                try await server.put("own/lib/a", "first")
                try await server.put("own/lib/b", "second")
                clock.advance(by: .seconds(3600))
                try await server.put("own/lib/a", "third")
                #expect(try await server.send("DELETE", "/generic/own/lib/b").status == 204)
                clock.advance(by: .seconds(3600))
                let then = "/generic/own@2026-01-31T00:30:00Z/lib"
                #expect(try await server.send("GET", "\(then)/a").text == "first")
                #expect(try await server.send("GET", "\(then)/b").text == "second")
                #expect(try await server.send("GET", "\(then)/").text.contains("b"))
                #expect(try await server.send("GET", "/generic/own@2026-01-31T01:00:00Z/lib/a").text == "third")
                _ = try await Sweep(services: server.services, grace: .zero).run()
                #expect(try await server.send("GET", "\(then)/a").status == 404)
                #expect(try await server.send("GET", "/generic/own/lib/a").text == "third")
            }
        }
    }

    private static func packument(_ request: FakeUpstream.Request) -> FakeUpstream.Answer {
        let host = request["Host"] ?? ""
        let versions = ["1.0.0", "2.0.0"].map { version in
            #""\#(version)":{"name":"far","version":"\#(version)","dist":{"tarball":"http://\#(host)/far-\#(version).tgz"}}"#
        }
        let text = """
            {"name":"far","dist-tags":{"latest":"2.0.0"},"versions":{\(versions.joined(separator: ","))},
            "time":{"1.0.0":"2026-01-01T00:00:00Z","2.0.0":"2026-02-01T00:00:00Z"}}
            """
        return request.path == "/far" ? .respond(200, [:], Array(text.utf8)) : .respond(200, [:], [1])
    }

    @Test("An upstream's versions are those that were published then, though nobody asked then")
    func dated() async throws {
        let clock = ManualClock(at: try #require(Timestamp("2026-03-01T00:00:00Z")))
        try await FakeUpstream.run(Self.packument) { upstream in
            try await withRemote(of: upstream, format: NPM(), others: [.local("web", NPM())], clock: clock) {
                server async throws in
                try await server.makeVirtual(of: ["web", "far"], format: "npm")
                #expect(try await server.send("GET", "/npm/all/far/-/far-2.0.0.tgz").body == [1])
                for name in ["far", "all"] {
                    let then = try RawJSON(try await server.send("GET", "/npm/\(name)@2026-01-15/far").body)
                    #expect(then["versions"]?.members?.map(\.name) == ["1.0.0"])
                    #expect(then["dist-tags"]?["latest"]?.string == "1.0.0")
                    #expect(try await server.send("GET", "/npm/\(name)@2026-01-15/far/-/far-1.0.0.tgz").body == [1])
                    #expect(try await server.send("GET", "/npm/\(name)@2026-01-15/far/-/far-2.0.0.tgz").status == 404)
                }
            }
        }
    }

    @Test("Of what has no date, what stood in the cache counts")
    func undated() async throws {
        let clock = try Self.clock()
        let answer = { @Sendable (text: String) in
            { @Sendable (_: FakeUpstream.Request) in FakeUpstream.Answer.respond(200, [:], Array(text.utf8)) }
        }
        try await FakeUpstream.run(answer("first")) { upstream in
            try await withRemote(of: upstream, { $0.freshSeconds = 60 }, clock: clock) { server async throws in
                #expect(try await server.send("GET", "/generic/far/x/a").text == "first")
                clock.advance(by: .seconds(3600))
                upstream.answer(answer("second"))
                #expect(try await server.send("GET", "/generic/far/x/a").text == "second")
                #expect(try await server.send("GET", "/generic/far@2026-01-31T00:30:00Z/x/a").text == "first")
                #expect(try await server.send("GET", "/generic/far@2026-01-31T01:00:00Z/x/a").text == "second")
                #expect(try await server.send("GET", "/generic/far@2026-01-30/x/a").status == 404)
                #expect(try await server.send("GET", "/generic/far@2026-01-31/x/b").status == 404)
                #expect(upstream.count("/x/b") == 0)
            }
        }
    }

    @Test("Where images of any name may be asked for, a moment does not tell that there is a repository")
    func hidden() async throws {
        try await withOCI([.oci("docker", isDefault: true), .oci("secret")]) { server in
            for moment in ["yesterday", "2026-01-31", "2999-01-01"] {
                var answers: [String] = []
                for name in ["secret", "nothing"] {
                    let answer = try await server.send(
                        "GET", "/v2/\(name)@\(moment)/app/manifests/v1", authorization: nil)
                    answers.append("\(answer.status)")
                }
                #expect(answers[0] == "401" && Set(answers).isSubset(of: ["401", "400", "404"]))
            }
            let admin = try await server.send("GET", "/v2/secret@yesterday/app/manifests/v1")
            #expect(admin.status == 400)
        }
    }

    @Test("A tag leads to where it led")
    func tag() async throws {
        let clock = try Self.clock()
        try await FakeUpstream.run(Self.nothing) { upstream in
            try await withRemote(of: upstream, format: OCI(), others: [.local("docker", OCI())], clock: clock) {
                server async throws in
                let image = server.image()
                let old = try await image.pushImage("old", tag: "latest")
                clock.advance(by: .seconds(3600))
                try await image.pushImage("new", tag: "latest")
                let past = server.image("docker@2026-01-31T00:30:00Z/app")
                let answer = try await past.send("GET", "manifests/latest")
                #expect(answer.status == 200 && answer["Docker-Content-Digest"] == old.digest)
                #expect(try await past.send("GET", "tags/list").text.contains("latest"))
            }
        }
    }
}
