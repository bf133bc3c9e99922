import Crypto
import FormatNPM
import FormatPyPI
import GranaryCore
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

@Suite("What an upstream has taken away or changed")
struct RemoteAlarmTests {
    private static func project(_ status: String) -> @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer {
        { request in
            guard request.path == "/simple/evil/" else { return .respond(200, [:], [1]) }
            let text = """
                {"meta":{"api-version":"1.4"},"name":"evil","project-status":{"status":"\(status)","reason":"it mines"},
                "files":[{"filename":"evil-1.0.tar.gz","url":"http://\(request["Host"] ?? "")/evil-1.0.tar.gz","hashes":{}}]}
                """
            return .respond(200, ["Content-Type": "application/vnd.pypi.simple.v1+json"], Array(text.utf8))
        }
    }

    @Test("Of a project in quarantine nothing is served, whatever is in the cache, until it is out of it")
    func quarantine() async throws {
        let clock = ManualClock()
        try await FakeUpstream.run(Self.project("active")) { upstream in
            try await withRemote(of: upstream, format: PyPI(), path: "simple/", clock: clock) { server async throws in
                let (page, file) = ("/pypi/far/simple/evil/", "/pypi/far/packages/evil/1.0/evil-1.0.tar.gz")
                #expect(try await server.send("GET", page).status == 200)
                #expect(try await server.send("GET", file).body == [1])
                upstream.answer(Self.project("quarantined"))
                clock.advance(by: .seconds(3600))
                let refused = try await server.send("GET", page)
                #expect(refused.status == 403 && refused.text.contains("it mines"))
                #expect(try await server.send("GET", file).status == 403)
                // A server that starts again knows it still.
                try await server.services.upstreams.load(from: server.services.driver)
                #expect(try await server.send("GET", file).status == 403)
                // Nor is another version of the file looked for elsewhere.
                try await server.makeVirtual(of: ["far"], format: "pypi")
                #expect(try await server.send("GET", file.replacing("/far/", with: "/all/")).status == 403)
                upstream.answer(Self.project("active"))
                clock.advance(by: .seconds(3600))
                #expect(try await server.send("GET", page).status == 200)
                #expect(try await server.send("GET", file).body == [1])
            }
        }
    }

    private static func packument(_ versions: [(String, String)])
        -> @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer
    {
        { request in
            guard request.path == "/left" else { return .respond(200, [:], [1]) }
            let entries = versions.map { version, digest in
                let dist = #"{"tarball":"http://\#(request["Host"] ?? "")/left-\#(version).tgz","shasum":"\#(digest)"}"#
                return #""\#(version)":{"name":"left","version":"\#(version)","dist":\#(dist)}"#
            }
            let text = #"{"name":"left","versions":{\#(entries.joined(separator: ","))}}"#
            return .respond(200, [:], Array(text.utf8))
        }
    }

    /// Of the byte that every tarball is here.
    private static let right = hexadecimal(Insecure.SHA1.hash(data: [1]))

    @Test("What a registry has replaced by its placeholder is malware")
    func placeholder() async throws {
        let clock = ManualClock()
        try await FakeUpstream.run(Self.packument([("1.0.0", Self.right)])) { upstream in
            try await withRemote(of: upstream, format: NPM(), clock: clock) { server async throws in
                #expect(try await server.send("GET", "/npm/far/left/-/left-1.0.0.tgz").body == [1])
                upstream.answer(Self.packument([("0.0.1-security", Self.right)]))
                clock.advance(by: .seconds(3600))
                #expect(try await server.send("GET", "/npm/far/left").status == 403)
                #expect(try await server.send("GET", "/npm/far/left/-/left-1.0.0.tgz").status == 403)
            }
        }
    }

    @Test("A version that is another one now is told of, and the cache has what it was first")
    func replaced() async throws {
        let (clock, log) = (ManualClock(), CapturedLog())
        try await FakeUpstream.run(Self.packument([("1.0.0", Self.right)])) { upstream in
            try await withRemote(of: upstream, format: NPM(), clock: clock, log: log) { server async throws in
                #expect(try await server.send("GET", "/npm/far/left/-/left-1.0.0.tgz").body == [1])
                upstream.answer(Self.packument([("1.0.0", String(repeating: "0", count: 40)), ("1.0.1", Self.right)]))
                clock.advance(by: .seconds(3600))
                #expect(try await server.send("GET", "/npm/far/left").status == 200)
                #expect(log.lines.contains { $0.contains("other digests than before: 1.0.0") })
                #expect(try await server.send("GET", "/npm/far/left/-/left-1.0.0.tgz").body == [1])
                let metrics = try await server.send("GET", "/metrics").text
                #expect(metrics.contains(#"granary_upstream_conflicts_total{repository="far"} 1"#))
            }
        }
    }
}
