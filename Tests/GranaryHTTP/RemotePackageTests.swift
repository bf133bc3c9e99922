import Crypto
import FormatNPM
import FormatPyPI
import GranaryCore
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Remote repositories: Python and Node packages")
struct RemotePackageTests {
    private static let wheel = Array("not really a wheel".utf8)
    private static let digest = hexadecimal(SHA256.hash(data: wheel))
    private static let json = ["Accept": "application/vnd.pypi.simple.v1+json"]

    private static func page(_ host: String, digest: String = digest) -> FakeUpstream.Answer {
        let text = """
            <!DOCTYPE html><html><!-- <a href="x">no</a> --><body>
            <A HREF='\(host)files/my_pkg-1.0-py3-none-any.whl#sha256=\(digest)' data-requires-python="&gt;=3.8"
              data-yanked="bad &amp; ugly" data-dist-info-metadata="true">my_pkg-1.0-py3-none-any.whl</A><br>
            <a href="../my-pkg-0.9.tar.gz">my-pkg-0.9.tar.gz</a><a href="x.exe">my-pkg-0.9.exe</a>
            """
        return .respond(200, ["Content-Type": "text/html; charset=utf-8"], Array(text.utf8))
    }

    private static func index(_ digest: String = digest) -> @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer {
        { request in
            let host = request["Host"] ?? ""
            switch request.path {
            case "/simple/my-pkg/": return page("http://\(host)/", digest: digest)
            case "/files/my_pkg-1.0-py3-none-any.whl": return .respond(200, [:], wheel)
            case "/files/my_pkg-1.0-py3-none-any.whl.metadata": return .respond(200, [:], Array("Name: my-pkg\n".utf8))
            default: return .respond(404)
            }
        }
    }

    @Test("A page in HTML is served in every form with all it says, and files come from where it says")
    func python() async throws {
        try await FakeUpstream.run(Self.index()) { upstream in
            try await withRemote(of: upstream, format: PyPI(), path: "simple/") { server async throws in
                let page = try RawJSON(try await server.send("GET", "/pypi/far/simple/my-pkg/", Self.json).body)
                #expect(page["versions"]?.text == #"["1.0","0.9"]"#)
                let file = try #require(page["files"]?.elements?.first)
                #expect(file["url"]?.string == "../../packages/my-pkg/1.0/my_pkg-1.0-py3-none-any.whl")
                #expect(file["hashes"]?["sha256"]?.string == Self.digest)
                #expect(file["requires-python"]?.string == ">=3.8" && file["yanked"]?.string == "bad & ugly")
                #expect(file["core-metadata"]?.text == "true")
                let path = "/pypi/far/packages/my-pkg/1.0/my_pkg-1.0-py3-none-any.whl"
                for _ in 0..<2 {
                    let answer = try await server.send("GET", path)
                    #expect(answer.body == Self.wheel && answer["ETag"] == "\"\(Self.digest)\"")
                }
                #expect(try await server.send("GET", path + ".metadata").text == "Name: my-pkg\n")
                #expect(try await server.send("GET", "/pypi/far/simple/none/").status == 404)
                #expect(upstream.requests.count == 4)
            }
        }
    }

    @Test("Bytes that are not what the page says never come whole, and are not kept")
    func wrongBytes() async throws {
        try await FakeUpstream.run(Self.index(String(repeating: "0", count: 64))) { upstream in
            try await withRemote(of: upstream, format: PyPI(), path: "simple/") { server async throws in
                let path = "/pypi/far/packages/my-pkg/1.0/my_pkg-1.0-py3-none-any.whl"
                for _ in 0..<2 {
                    await #expect(throws: (any Error).self) { _ = try await server.send("GET", path) }
                }
                #expect(upstream.count("/files/my_pkg-1.0-py3-none-any.whl") == 2)
            }
        }
    }

    @Test("What is no page does not take the place of one", arguments: ["text/plain", "application/json", "text/html"])
    func wrongType(_ type: String) async throws {
        let clock = ManualClock()
        try await FakeUpstream.run(Self.index()) { upstream in
            try await withRemote(of: upstream, format: PyPI(), path: "simple/", clock: clock) { server async throws in
                let before = try await server.send("GET", "/pypi/far/simple/my-pkg/", Self.json)
                clock.advance(by: .seconds(400))
                upstream.answer { _ in .respond(200, ["Content-Type": type], [0xFF, 0xFE]) }
                let after = try await server.send("GET", "/pypi/far/simple/my-pkg/", Self.json)
                #expect(after.status == 200 && after.body == before.body && after["Age"] == "400")
            }
        }
    }

    @Test("Pages are put together by file names, unless the project is our own")
    func merged() async throws {
        try await FakeUpstream.run(Self.index()) { upstream in
            let others = try [NewRepository.local("own", PyPI())]
            try await withRemote(of: upstream, format: PyPI(), path: "simple/", others: others) { server async throws in
                try await server.makeVirtual(of: ["own", "far"], format: "pypi", deployment: "own")
                let before = try RawJSON(try await server.send("GET", "/pypi/all/simple/my-pkg/", Self.json).body)
                #expect(before["versions"]?.text == #"["1.0","0.9"]"#)
                let own = TestDistribution(version: "3.0")
                let answer = try await server.upload(own, to: "all/")
                #expect(answer.status == 200, "\(answer.text)")
                let after = try RawJSON(try await server.send("GET", "/pypi/all/simple/my-pkg/", Self.json).body)
                #expect(after["versions"]?.text == #"["3.0"]"#)
            }
        }
    }

    private static let tarball = Array("no tarball".utf8)

    private static let registry: @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer = { request in
        let host = request["Host"] ?? ""
        let sum = hexadecimal(Insecure.SHA1.hash(data: tarball))
        switch request.path {
        case "/@acme%2Fleft":
            let text = """
                {"name":"@acme/left","dist-tags":{"latest":"1.0.0","old":"0.9.0"},"versions":{
                "0.9.0":{"name":"@acme/left","version":"0.9.0","deprecated":"old","dist":{"shasum":"\(sum)",
                "tarball":"http://\(host)/store/left-0.9.0.tgz"}},
                "1.0.0":{"name":"@acme/left","version":"1.0.0","x-unknown":[1],"dist":{"shasum":"\(sum)",
                "tarball":"http://\(host)/store/left-1.0.0.tgz"}}},
                "time":{"0.9.0":"2020-01-02T03:04:05.678Z","1.0.0":"2021-01-02T03:04:05.678Z"}}
                """
            return .respond(200, ["Content-Type": "application/json"], Array(text.utf8))
        case let path where path.hasPrefix("/store/"): return .respond(200, [:], tarball)
        default: return .respond(404)
        }
    }

    @Test("What is too young is neither shown nor served, and tags lead to what is old enough")
    func releaseAge() async throws {
        let clock = ManualClock(at: try #require(Timestamp("2021-01-04T00:00:00Z")))
        try await FakeUpstream.run(Self.registry) { upstream in
            try await withRemote(of: upstream, format: NPM(), { $0.minimumAgeSeconds = 3 * 86400 }, clock: clock) {
                server async throws in
                let young = try RawJSON(try await server.send("GET", "/npm/far/@acme%2fleft").body)
                #expect(young["versions"]?.members?.map(\.name) == ["0.9.0"])
                #expect(young["dist-tags"]?["latest"]?.string == "0.9.0" && young["time"]?["1.0.0"] == nil)
                let refused = try await server.send("GET", "/npm/far/@acme/left/-/left-1.0.0.tgz")
                #expect(refused.status == 403 && refused.text.contains("2021-01-05T03:04:05.678Z"))
                clock.advance(by: .seconds(2 * 86400))
                let old = try RawJSON(try await server.send("GET", "/npm/far/@acme%2fleft").body)
                #expect(old["dist-tags"]?["latest"]?.string == "1.0.0")
                #expect(try await server.send("GET", "/npm/far/@acme/left/-/left-1.0.0.tgz").body == Self.tarball)
            }
        }
    }

    @Test("A packument is served with our addresses and all that it says")
    func node() async throws {
        try await FakeUpstream.run(Self.registry) { upstream in
            try await withRemote(of: upstream, format: NPM()) { server async throws in
                let packument = try RawJSON(try await server.send("GET", "/npm/far/@acme%2fleft").body)
                let version = packument["versions"]?["1.0.0"]
                #expect(version?["x-unknown"]?.text == "[1]")
                #expect(packument["versions"]?["0.9.0"]?["deprecated"]?.string == "old")
                #expect(packument["dist-tags"]?["old"]?.string == "0.9.0")
                #expect(packument["time"]?["1.0.0"]?.string == "2021-01-02T03:04:05.678Z")
                let address = try #require(version?["dist"]?["tarball"]?.string)
                #expect(address == "\(server.origin)/npm/far/@acme/left/-/left-1.0.0.tgz")
                for _ in 0..<2 {
                    let answer = try await server.send("GET", address)
                    #expect(answer.body == Self.tarball)
                }
                #expect(try await server.send("GET", "/npm/far/none").status == 404)
                #expect(upstream.requests.count == 3)
            }
        }
    }
}
