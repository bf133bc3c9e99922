import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Python packages over HTTP: reading")
struct PyPISimpleTests {
    private static let json = ["Accept": "application/vnd.pypi.simple.v1+json"]

    @Test("Every form has a type and an entity tag of its own")
    func forms() async throws {
        try await withDistributions { server in
            try await server.publish(TestDistribution())
            for path in ["simple/", "simple/my-pkg/"] {
                var tags: Set<String> = []
                for type in ["text/html", "application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.v1+json"]
                {
                    let answer = try await server.send("GET", "/pypi/py/\(path)", ["Accept": type])
                    #expect(answer.status == 200)
                    #expect(answer["Content-Type"]?.split(separator: ";").first.map(String.init) == type)
                    #expect(answer["Vary"] == "Accept")
                    let tag = try #require(answer["ETag"])
                    tags.insert(tag)
                    let again = try await server.send(
                        "GET", "/pypi/py/\(path)", ["Accept": type, "If-None-Match": tag])
                    #expect(again.status == 304 && again.body.isEmpty)
                    let head = try await server.send("HEAD", "/pypi/py/\(path)", ["Accept": type])
                    #expect(head.status == 200 && head.body.isEmpty)
                }
                #expect(tags.count == 3)
            }
        }
    }

    @Test("Addresses have one spelling")
    func redirects() async throws {
        try await withDistributions { server in
            try await server.publish(TestDistribution())
            for (path, target) in [
                ("simple", "simple/"), ("simple/my-pkg", "simple/my-pkg/"), ("simple/My.Pkg/", "simple/my-pkg/"),
                ("simple/My_Pkg", "simple/my-pkg/"), ("", "simple/")
            ] {
                let answer = try await server.send("GET", "/pypi/py/\(path)")
                #expect(answer.status == 301)
                #expect(answer["Location"] == "/pypi/py/\(target)")
            }
            #expect(try await server.send("GET", "/pypi/py/simple/none/").status == 404)
            #expect(try await server.send("GET", "/pypi/py/simple/-/").status == 404)
            #expect(try await server.send("POST", "/pypi/py/pypi", body: []).status == 404)
        }
    }

    @Test("Files are served with ranges and never change")
    func files() async throws {
        try await withDistributions { server in
            let wheel = TestDistribution(version: "1.0+cpu")
            try await server.publish(wheel)
            let page = try await server.simplePage("my-pkg")
            let url = try #require(page.files.first?.url)
            #expect(url == "../../\(wheel.url)")
            let whole = try await server.send("GET", "/pypi/py/\(wheel.url)")
            #expect(whole.body == wheel.bytes)
            #expect(whole["Accept-Ranges"] == "bytes")
            #expect(whole["Cache-Control"]?.contains("immutable") == true)
            #expect(whole["ETag"] == "\"\(page.files[0].hashes["sha256"] ?? "")\"")
            let tail = try await server.send("GET", "/pypi/py/\(wheel.url)", ["Range": "bytes=-100"])
            #expect(tail.status == 206 && tail.body == Array(wheel.bytes.suffix(100)))
            let more = try await server.send("GET", "/pypi/py/\(wheel.url)", ["Range": "bytes=-100000"])
            #expect(more.status == 206 && more.body == wheel.bytes)
            #expect(try await server.send("GET", "/pypi/py/\(wheel.url).metadata.metadata").status == 404)
        }
    }

    @Test("Metadata of sources is offered only where it can be relied on")
    func sources() async throws {
        try await withDistributions { server in
            for (version, metadataVersion) in [("1.0", "2.1"), ("2.0", "2.2")] {
                try await server.publish(
                    TestDistribution(version: version, isWheel: false, metadataVersion: metadataVersion))
            }
            let page = try RawJSON(try await server.send("GET", "/pypi/py/simple/my-pkg/", Self.json).body)
            let files = try #require(page["files"]?.elements)
            #expect(files.map { $0["core-metadata"]?["sha256"] != nil } == [false, true])
        }
    }

    @Test("A release is withdrawn with a reason, and that is taken back")
    func yank() async throws {
        try await withDistributions { server in
            try await server.publish(TestDistribution(version: "1.0"))
            try await server.publish(TestDistribution(version: "2.0"))
            func yanked() async throws -> [String] {
                let page = try RawJSON(try await server.send("GET", "/pypi/py/simple/my-pkg/", Self.json).body)
                return page["files"]?.elements?.map { $0["yanked"]?.text ?? "" } ?? []
            }
            let form = ["Content-Type": "application/x-www-form-urlencoded"]
            let json = ["Content-Type": "application/json"]
            let path = "/pypi/py/yank/My.Pkg/2"
            #expect(try await server.send("POST", path, form, body: "reason=bad+build".bytes).status == 204)
            #expect(try await yanked() == ["false", "\"bad build\""])
            #expect(try await server.send("POST", path, json, body: #"{"reason":"worse"}"#.bytes).status == 204)
            #expect(try await yanked() == ["false", "\"worse\""])
            #expect(try await server.send("POST", path, body: []).status == 204)
            #expect(try await yanked() == ["false", "true"])
            #expect(try await server.send("POST", path, json, body: "{}".bytes).status == 400)
            #expect(try await server.send("POST", "/pypi/py/yank/my-pkg/9", body: []).status == 404)
            #expect(try await server.send("POST", "/pypi/py/yank/none/1", body: []).status == 404)
            // A file that comes later is of a release that was withdrawn.
            try await server.publish(TestDistribution(version: "2.0", isWheel: false))
            #expect(try await yanked() == ["false", "true", "true"])
            #expect(try await server.send("DELETE", path).status == 204)
            #expect(try await yanked() == ["false", "false", "false"])
        }
    }

    @Test("The JSON document tells of a project and of a release")
    func document() async throws {
        try await withDistributions { server in
            for version in ["1.0", "2.0rc1", "1.5"] { try await server.publish(TestDistribution(version: version)) }
            let project = try RawJSON(try await server.send("GET", "/pypi/py/pypi/My.Pkg/json").body)
            #expect(project["info"]?["version"]?.string == "1.5")
            #expect(project["info"]?["summary"]?.string == "one")
            #expect(project["info"]?["description"]?.string == "# Hello\n")
            #expect(project["releases"]?.members?.map(\.name) == ["1.0", "2.0rc1", "1.5"])
            let url = try #require(project["urls"]?.elements?.first?["url"]?.string)
            #expect(url == "\(server.origin)/pypi/py/packages/my-pkg/1.5/my_pkg-1.5-py3-none-any.whl")
            #expect(try await server.send("GET", url).status == 200)
            let release = try RawJSON(try await server.send("GET", "/pypi/py/pypi/my-pkg/1/json").body)
            #expect(release["info"]?["version"]?.string == "1.0")
            #expect(release["releases"] == nil)
            #expect(release["urls"]?.elements?.first?["digests"]?["md5"] != nil)
            #expect(try await server.send("GET", "/pypi/py/pypi/my-pkg/7/json").status == 404)
            #expect(try await server.send("GET", "/pypi/py/pypi/none/json").status == 404)
        }
    }

    @Test("Everybody sees the projects they may read, and private repositories ask who it is")
    func rights() async throws {
        try await withDistributions(["py": RepositorySettings(), "open": RepositorySettings(anonymousRead: true)]) {
            server in
            try await server.publish(TestDistribution(name: "a"))
            try await server.publish(TestDistribution(name: "b"))
            let challenge = try await server.send("GET", "/pypi/py/simple/a/", authorization: nil)
            #expect(challenge.status == 401)
            #expect(challenge["WWW-Authenticate"]?.hasPrefix("Basic realm=\"Granary\"") == true)
            #expect(try await server.send("GET", "/pypi/none/simple/", authorization: nil).status == 401)
            #expect(try await server.send("GET", "/pypi/open/simple/", authorization: nil).status == 200)
            let reader = try await server.user("reader", ("py", "b", .read))
            let list = try RawJSON(
                try await server.send("GET", "/pypi/py/simple/", Self.json, authorization: reader).body)
            #expect(list["projects"]?.text == #"[{"name":"b"}]"#)
            #expect(
                [403, 404].contains(try await server.send("GET", "/pypi/py/simple/a/", authorization: reader).status))
        }
    }
}
