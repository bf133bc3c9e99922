import FormatNPM
import Foundation
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

@Suite("npm: packuments")
struct NPMPackumentTests {
    private static let short = "application/vnd.npm.install-v1+json"

    @Test("The abbreviated form has what installers need and no more, under its own type and entity tag")
    func abbreviated() async throws {
        try await withPackages { server in
            let tarball = HandmadeTar.package("left", "1.0.0", #","engines":{"node":">=1"}"#)
            let more = #","description":"d","readme":"R","keywords":["k"]"#
            #expect(try await server.publish("left", "1.0.0", tarball, more: more).status == 201)
            let full = try await server.send("GET", "/npm/web/left")
            let short = try await server.send("GET", "/npm/web/left", ["Accept": Self.short])
            #expect(full["Content-Type"] == "application/json")
            #expect(short["Content-Type"] == Self.short)
            #expect(full["Vary"] == "Accept" && short["Vary"] == "Accept")
            #expect(full["ETag"] != short["ETag"])
            let document = try RawJSON(full.body)
            #expect(document["readme"]?.string == "R")
            #expect(document["description"]?.string == "d")
            #expect(document["versions"]?["1.0.0"]?["readme"] == nil)
            let version = try #require(try RawJSON(short.body)["versions"]?["1.0.0"])
            #expect(version["engines"]?.text == #"{"node":">=1"}"#)
            #expect(version["description"] == nil && version["keywords"] == nil)
            #expect(try RawJSON(short.body)["time"]?["1.0.0"] == document["time"]?["1.0.0"])
            let dist = try #require(version["dist"])
            #expect(dist["tarball"]?.string == "\(server.origin)/npm/web/left/-/left-1.0.0.tgz")
            #expect(dist["shasum"]?.string?.count == 40)
        }
    }

    @Test("A packument that has not changed is not sent again; one that has is")
    func revalidation() async throws {
        try await withPackages { server in
            #expect(try await server.publish("left", "1.0.0").status == 201)
            let tag = try #require(try await server.send("GET", "/npm/web/left")["ETag"])
            for value in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
                #expect(
                    try await server.send("GET", "/npm/web/left", ["If-None-Match": value]).status == 304, "\(value)")
            }
            #expect(try await server.publish("left", "1.0.1").status == 201)
            let changed = try await server.send("GET", "/npm/web/left", ["If-None-Match": tag])
            #expect(changed.status == 200)
            #expect(try RawJSON(changed.body)["dist-tags"]?["latest"]?.string == "1.0.1")
        }
    }

    @Test("Whatever changes shows in the next packument", arguments: [nil, short])
    func freshness(_ accept: String?) async throws {
        try await withPackages { server in
            let headers = accept.map { ["Accept": $0] } ?? [:]
            for number in 1...20 {
                #expect(try await server.publish("left", "1.0.\(number)").status == 201)
                let answer = try RawJSON(try await server.send("GET", "/npm/web/left", headers).body)
                #expect(answer["versions"]?.members?.count == number)
                #expect(answer["dist-tags"]?["latest"]?.string == "1.0.\(number)")
            }
            let tagged = try await server.send(
                "PUT", "/npm/web/-/package/left/dist-tags/old", body: Array(#""1.0.3""#.utf8))
            #expect(tagged.status == 200)
            let answer = try RawJSON(try await server.send("GET", "/npm/web/left", headers).body)
            #expect(answer["dist-tags"]?["old"]?.string == "1.0.3")
        }
    }

    @Test(
        "The first answer and those from memory are the same, and for those only who may read",
        arguments: ["GET", "HEAD"])
    func memory(_ method: String) async throws {
        try await withPackages { server in
            let reader = try await server.user("reader", ("web", "left", .read))
            #expect(
                try await server.publish(
                    "left", "1.0.0", more: #","readme":"\#(String(repeating: "r", count: 50_000))""#
                ).status == 201)
            #expect(try await server.publish("right", "1.0.0").status == 201)
            var answers: Set<String> = []
            for _ in 0..<3 {
                for name in ["left", "right"] {
                    let answer = try await server.send(method, "/npm/web/\(name)", authorization: reader)
                    #expect(answer.status == (name == "left" ? 200 : 404))
                    if name == "left" {
                        answers.insert(
                            "\(answer["ETag"] ?? "") \(answer["Content-Length"] ?? "") \(answer["Vary"] ?? "") \(answer.text)"
                        )
                    }
                    let administrators = try await server.send(method, "/npm/web/\(name)")
                    #expect(administrators.status == 200)
                }
            }
            #expect(answers.count == 1)
        }
    }

    @Test("Versions and dist-tags are answered alone; what is unknown is not found")
    func manifests() async throws {
        try await withPackages { server in
            #expect(try await server.publish("@acme/right", "1.0.0").status == 201)
            #expect(try await server.publish("@acme/right", "2.0.0-rc.1", tag: "next").status == 201)
            for (reference, version) in [("latest", "1.0.0"), ("next", "2.0.0-rc.1"), ("1.0.0", "1.0.0")] {
                let answer = try await server.send("GET", "/npm/web/@acme/right/\(reference)")
                #expect(try RawJSON(answer.body)["version"]?.string == version)
            }
            for path in [
                "left", "@acme/right/3.0.0", "@acme/right/beta", "left/-/left-1.0.0.tgz", "-/all", "-/v1/login"
            ] {
                #expect(try await server.send("GET", "/npm/web/\(path)").status == 404, "\(path)")
            }
        }
    }

    @Test("A tarball is served with ranges, for good")
    func tarball() async throws {
        try await withPackages { server in
            let bytes = HandmadeTar.package("left", "1.0.0")
            #expect(try await server.publish("left", "1.0.0", bytes).status == 201)
            let whole = try await server.send("GET", "/npm/web/left/-/left-1.0.0.tgz")
            #expect(whole.body == bytes)
            #expect(whole["Cache-Control"]?.contains("immutable") == true)
            let part = try await server.send("GET", "/npm/web/left/-/left-1.0.0.tgz", ["Range": "bytes=10-19"])
            #expect(part.status == 206)
            #expect(part.body == Array(bytes[10..<20]))
        }
    }

    @Test("Deprecating changes that and nothing else, and only of versions there are")
    func deprecation() async throws {
        try await withPackages { server in
            #expect(try await server.publish("left", "1.0.0").status == 201)
            var document = try await server.send("GET", "/npm/web/left").text
            document = document.replacingOccurrences(
                of: #""version":"1.0.0""#, with: #""version":"1.0.0","deprecated":"old\nand bad","bin":{"x":"y"}"#)
            #expect(try await server.send("PUT", "/npm/web/left", body: Array(document.utf8)).status == 200)
            let version = try RawJSON(try await server.send("GET", "/npm/web/left/1.0.0").body)
            #expect(version["deprecated"]?.string == "old and bad")
            #expect(version["bin"] == nil)
            // The revision is another by now.
            #expect(try await server.send("PUT", "/npm/web/left", body: Array(document.utf8)).status == 409)
            let unknown = #"{"_id":"left","name":"left","versions":{"9.9.9":{"deprecated":"x"}}}"#
            #expect(try await server.send("PUT", "/npm/web/left", body: Array(unknown.utf8)).status == 400)
        }
    }
}
