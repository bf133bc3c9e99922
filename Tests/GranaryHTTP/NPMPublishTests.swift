import FormatNPM
import Foundation
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

@Suite("npm: publishing")
struct NPMPublishTests {
    private struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let status: Int
        let from: String
        let to: String
    }

    private static let spoiled = [
        Case(testDescription: "another name", status: 400, from: #""name":"left","dist"#, to: #""name":"other","dist"#),
        Case(testDescription: "another id", status: 400, from: #""_id":"left""#, to: #""_id":"other""#),
        Case(
            testDescription: "another version's number", status: 400, from: #""version":"1.0.0""#,
            to: #""version":"1.0.1""#),
        Case(testDescription: "no semantic version", status: 400, from: "1.0.0", to: "1.0"),
        Case(testDescription: "a version called as a prototype", status: 400, from: "1.0.0", to: "__proto__"),
        Case(testDescription: "another digest", status: 422, from: "sha512-", to: "sha512-AAAA"),
        Case(testDescription: "another length", status: 422, from: #""length":"#, to: #""length":9"#),
        Case(testDescription: "no Base64", status: 400, from: #""data":""#, to: #""data":"*"#),
        Case(testDescription: "a tag that is a range", status: 400, from: #""latest""#, to: #""^1""#),
        Case(testDescription: "a member twice", status: 400, from: #""access":null"#, to: #""_id":"left""#),
        Case(testDescription: "no JSON", status: 400, from: #""access":null"#, to: #""access":nil"#),
        Case(testDescription: "two versions", status: 400, from: #""versions":{"#, to: #""versions":{"0.1.0":{},"#),
        Case(
            testDescription: "provenance", status: 400, from: #""_attachments":{"#,
            to: #""_attachments":{"x.sigstore":{},"#)
    ]

    @Test("A document that contradicts itself is refused, and nothing is stored", arguments: spoiled)
    private func refused(_ example: Case) async throws {
        try await withPackages { server in
            let answer = try await server.publish("left", "1.0.0") {
                $0.replacingOccurrences(of: example.from, with: example.to)
            }
            #expect(answer.status == example.status, "\(answer.text)")
            #expect(try RawJSON(answer.body)["error"]?.string?.isEmpty == false)
            #expect(try await server.send("GET", "/npm/web/left").status == 404)
        }
    }

    private static let tarballs: [(what: String, bytes: [UInt8])] = {
        func tar(_ change: (inout HandmadeTar) -> Void) -> [UInt8] {
            var tar = HandmadeTar()
            change(&tar)
            return tar.closed
        }
        let manifest = #"{"name":"left","version":"1.0.0"}"#
        var whole = HandmadeTar()
        whole.add("package/package.json", manifest)
        return [
            ("no archive", Array("hello".utf8)), ("empty", []), ("not compressed", whole.archive),
            ("compressed twice", Archives.gzip(whole.closed)), ("no package.json", tar { $0.add("package/x", "y") }),
            ("package.json at the top", tar { $0.add("package.json", manifest) }),
            ("another name", HandmadeTar.package("other", "1.0.0")),
            ("another version", HandmadeTar.package("left", "1.0.1")),
            (
                "two package.json",
                tar {
                    $0.add("package/package.json", manifest)
                    $0.add("other/package.json", manifest)
                }
            ),
            (
                "a package.json over the one that is read",
                tar {
                    $0.add("package/package.json", manifest)
                    $0.add("package/./package.json", manifest)
                }
            ),
            (
                "a package.json that npm takes from another disk",
                tar {
                    $0.add("package/package.json", manifest)
                    $0.add("package/c:package.json", manifest)
                }
            ),
            (
                "a package.json in upper case",
                tar {
                    $0.add("package/package.json", manifest)
                    $0.add("package/Package.json", manifest)
                }
            ),
            (
                "a way out",
                tar {
                    $0.add("package/package.json", manifest)
                    $0.add("package/../../x", "y")
                }
            ),
            (
                "an absolute path",
                tar {
                    $0.add("package/package.json", manifest)
                    $0.add("/etc/passwd", "y")
                }
            ),
            (
                "a link",
                tar {
                    $0.add("package/package.json", manifest)
                    $0.add("package/x", kind: "2", link: "/etc/passwd")
                }
            ),
            (
                "a device",
                tar {
                    $0.add("package/package.json", manifest)
                    $0.add("package/x", kind: "3")
                }
            ),
            ("package.json that is no JSON", tar { $0.add("package/package.json", "{name:left}") })
        ]
    }()

    @Test("A tarball that npm would not unpack, or elsewhere, is refused", arguments: tarballs.map(\.what))
    func tarball(_ what: String) async throws {
        try await withPackages { server in
            let bytes = try #require(Self.tarballs.first { $0.what == what }).bytes
            let answer = try await server.publish("left", "1.0.0", bytes)
            #expect(answer.status == 400, "\(answer.text)")
            #expect(try await server.send("GET", "/npm/web/left").status == 404)
        }
    }

    @Test("What the tarball says of dependencies and scripts counts, not what the document says")
    func confusion() async throws {
        try await withPackages { server in
            let own =
                #","dependencies":{"b":"1","c":"2"},"optionalDependencies":{"c":"2"},"scripts":{"postinstall":"x"}"#
            let claimed =
                #","dependencies":{"nice":"1"},"scripts":{},"_resolved":"/home/ann/left","peerDependencies":{"p":"1"}"#
            #expect(
                try await server.publish("left", "1.0.0", HandmadeTar.package("left", "1.0.0", own), more: claimed)
                    .status == 201)
            let manifest = try RawJSON(try await server.send("GET", "/npm/web/left/latest").body)
            #expect(manifest["dependencies"]?.text == #"{"b":"1"}"#)
            #expect(manifest["optionalDependencies"]?.text == #"{"c":"2"}"#)
            #expect(manifest["peerDependencies"] == nil)
            #expect(manifest["hasInstallScript"]?.boolean == true)
            #expect(manifest["_resolved"] == nil)
        }
    }

    @Test("Commands, terms and systems are those of the tarball, as npm normalizes them")
    func terms() async throws {
        try await withPackages { server in
            let own =
                #","bin":"./cli.js","license":"MIT","engines":{"node":">=20"},"os":["linux"],"cpu":["x64"],"libc":"musl""#
            let claimed =
                #","bin":{"ls":"x"},"license":"GPL-3.0","engines":{},"os":["any"],"cpu":["any"],"directories":{}"#
            let tarball = HandmadeTar.package("@acme/right", "1.0.0", own)
            #expect(try await server.publish("@acme/right", "1.0.0", tarball, more: claimed).status == 201)
            let manifest = try RawJSON(try await server.send("GET", "/npm/web/@acme%2fright/latest").body)
            #expect(manifest["bin"]?.text == #"{"right":"cli.js"}"#)
            #expect(manifest["license"]?.string == "MIT")
            #expect(manifest["engines"]?.text == #"{"node":">=20"}"#)
            #expect(manifest["os"]?.text == #"["linux"]"#)
            #expect(manifest["cpu"]?.text == #"["x64"]"#)
            #expect(manifest["libc"]?.string == "musl")
            #expect(manifest["directories"] == nil)
        }
    }

    private static let commands: [(own: String, sent: String, shown: String?)] = [
        ("", #","bin":{"ls":"x"}"#, nil), (#","bin":"""#, "", nil), (#","bin":{"a":1,"":"b","c":".."}"#, "", nil),
        (#","bin":["bin/a.js"]"#, "", #"{"a.js":"bin/a.js"}"#),
        (#","bin":{"b":"./b/../c.js","x\\..\\a":"/a"}"#, "", #"{"a":"a","b":"c.js"}"#),
        (#","bin":{"a":"a.js"}"#, #","bin":{"a":"b.js"}"#, #"{"a":"a.js"}"#),
        (#","directories":{"bin":"./bin"}"#, #","bin":{"a":"bin/a","b":"bin/c/b"}"#, #"{"a":"bin/a","b":"bin/c/b"}"#),
        (#","directories":{"bin":"bin"}"#, #","bin":{"ls":"bin/a","b":"lib/b","c":"bin/../c"}"#, nil)
    ]

    @Test("Commands are found however a package declares them", arguments: commands.indices)
    func command(_ index: Int) async throws {
        let (own, sent, shown) = Self.commands[index]
        try await withPackages { server in
            let tarball = HandmadeTar.package("left", "1.0.0", own)
            #expect(try await server.publish("left", "1.0.0", tarball, more: sent).status == 201)
            let manifest = try RawJSON(try await server.send("GET", "/npm/web/left/latest").body)
            #expect(manifest["bin"]?.text == shown)
        }
    }

    @Test("The same tarball again changes nothing; others are refused, also once the version is gone")
    func again() async throws {
        try await withPackages { server in
            let first = HandmadeTar.package("left", "1.0.0")
            #expect(try await server.publish("left", "1.0.0", first).status == 201)
            #expect(try await server.publish("left", "1.0.0", first).status == 201)
            let others = HandmadeTar.package("left", "1.0.0", #","description":"others""#)
            let refused = try await server.publish("left", "1.0.0", others)
            #expect(refused.status == 403)
            #expect(refused.text.contains("You cannot publish over the previously published versions: 1.0.0"))
            #expect(try await server.publish("left", "1.0.0+build5", others).status == 403)
            let revision = try RawJSON(try await server.send("GET", "/npm/web/left").body)["_rev"]?.string ?? ""
            #expect(try await server.send("DELETE", "/npm/web/left/-rev/0-0").status == 409)
            #expect(try await server.send("DELETE", "/npm/web/left/-rev/\(revision)").status == 200)
            #expect(try await server.send("GET", "/npm/web/left").status == 404)
            #expect(try await server.publish("left", "1.0.0", others).status == 403)
            #expect(try await server.publish("left", "1.0.0", first).status == 201)
        }
    }

    @Test("Who publishes needs the right to, and is asked before the body is read")
    func rights() async throws {
        try await withPackages { server in
            let reader = try await server.user("reader", ("web", "**", .read))
            let writer = try await server.user("writer", ("web", "@acme/*", [.read, .write]))
            #expect(try await server.publish("left", "1.0.0", authorization: nil).status == 401)
            #expect(try await server.publish("left", "1.0.0", authorization: reader).status == 403)
            #expect(try await server.publish("@acme/right", "1.0.0", authorization: writer).status == 201)
            #expect(try await server.publish("left", "1.0.0", authorization: writer).status == 403)
            #expect(
                try await server.send("DELETE", "/npm/web/@acme%2fright/-rev/1-0", authorization: writer).status == 403)
            #expect(try await server.send("GET", "/npm/web/@acme%2fright", authorization: reader).status == 200)
            #expect(try await server.send("GET", "/npm/web/@acme%2fright", authorization: nil).status == 401)
        }
    }

    @Test("A new package has no upper case, and its first version is the latest whatever its tag")
    func names() async throws {
        try await withPackages { server in
            #expect(try await server.publish("Left", "1.0.0").status == 400)
            #expect(try await server.publish("left", "1.0.0-rc.1", tag: "next").status == 201)
            let tags = try await server.send("GET", "/npm/web/-/package/left/dist-tags")
            #expect(tags.text == #"{"latest":"1.0.0-rc.1","next":"1.0.0-rc.1"}"#)
            #expect(try await server.publish("left", "1.0.0-rc.2", tag: "next").status == 201)
            let later = try await server.send("GET", "/npm/web/-/package/left/dist-tags")
            #expect(later.text == #"{"latest":"1.0.0-rc.1","next":"1.0.0-rc.2"}"#)
        }
    }

    @Test("Where the latest version is unpublished, the highest that stays and is no pre-release is the latest")
    func latest() async throws {
        try await withPackages { server async throws in
            for (version, tag) in [("1.0.0", "latest"), ("1.1.0", "old"), ("2.0.0-rc.1", "next"), ("2.0.0", "latest")] {
                #expect(try await server.publish("left", version, tag: tag).status == 201)
            }
            #expect(try await server.send("DELETE", "/npm/web/left/-/left-2.0.0.tgz").status == 200)
            #expect(try await server.latest(of: "left") == "1.1.0")
            for version in ["3.0.0-rc.1", "1.2.0"] {
                #expect(try await server.publish("left", version, tag: "next").status == 201)
                #expect(try await server.latest(of: "left") == "1.1.0")
            }
            for version in ["1.0.0", "1.1.0", "1.2.0", "2.0.0-rc.1"] {
                #expect(try await server.send("DELETE", "/npm/web/left/-/left-\(version).tgz").status == 200)
            }
            #expect(try await server.latest(of: "left") == "3.0.0-rc.1")
        }
    }

    @Test("Whoever may write and not read moves no latest version along")
    func blindWriter() async throws {
        try await withPackages { server in
            let writer = try await server.user("writer", ("web", "**", .write))
            #expect(try await server.publish("left", "1.0.0", authorization: writer).status == 201)
            #expect(
                try await server.publish("left", "2.0.0-rc.1", tag: "next", authorization: writer).status == 201)
            #expect(try await server.latest(of: "left") == "1.0.0")
        }
    }
}
