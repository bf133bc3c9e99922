import FormatMaven
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Deploying Maven artifacts")
struct MavenDeployTests {
    private static let jar = "com/acme/lib/1.0/lib-1.0.jar"

    @Test("A file comes back as it was sent, with its hashes, by ranges and conditions")
    func roundTrip() async throws {
        try await withLibs { server async throws in
            let put = try await server.send("PUT", "/maven/libs/\(Self.jar)", body: "content".bytes)
            #expect(put.status == 201)
            let get = try await server.fetch(Self.jar)
            #expect(get.text == "content")
            #expect(get["Content-Type"] == "application/java-archive")
            #expect(get["ETag"] == "\"\(Hash.sha256("content"))\"")
            #expect(get["X-Checksum-Sha1"] == Hash.sha1("content"))
            #expect(get["X-Checksum-Md5"] == Hash.md5("content"))
            #expect(get["Cache-Control"]?.contains("immutable") == true)
            let head = try await server.send("HEAD", "/maven/libs/\(Self.jar)")
            #expect(head.status == 200 && head["Content-Length"] == "7" && head.body.isEmpty)
            let part = try await server.fetch(Self.jar, ["Range": "bytes=3-"])
            #expect(part.status == 206 && part.text == "tent")
            #expect(try await server.fetch(Self.jar, ["If-None-Match": get["ETag"] ?? ""]).status == 304)
            #expect(try await server.fetch("com/acme/lib/1.1/lib-1.1.jar").status == 404)
        }
    }

    @Test("Every file has its four checksums, sent or not")
    func checksums() async throws {
        try await withLibs { server async throws in
            #expect(try await server.deploy(Self.jar) == 201)
            let hashes = [
                "md5": Hash.md5("content"), "sha1": Hash.sha1("content"), "sha256": Hash.sha256("content"),
                "sha512": Hash.sha512("content")
            ]
            for (name, hex) in hashes {
                let answer = try await server.fetch("\(Self.jar).\(name)")
                #expect(answer.status == 200 && answer.text == hex)
                #expect(try await server.deploy("\(Self.jar).\(name)", "\(hex.uppercased())  lib-1.0.jar\n") == 201)
                let wrong = String(repeating: "0", count: hex.count)
                #expect(try await server.deploy("\(Self.jar).\(name)", wrong) == 409)
                #expect(try await server.deploy("\(Self.jar).\(name)", "none") == 400)
            }
            #expect(try await server.deploy("\(Self.jar).sha1", String(repeating: "0", count: 2000)) == 413)
            #expect(try await server.deploy("com/acme/lib/2/lib-2.jar.sha1", Hash.sha1("x")) == 409)
            #expect(try await server.fetch("com/acme/lib/2/lib-2.jar.sha1").status == 404)
            #expect(try await server.fetch("\(Self.jar).sha1.md5").status == 404)
        }
    }

    @Test("An upload that is not what its own header says is not stored")
    func announced() async throws {
        try await withLibs { server async throws in
            let wrong = ["X-Checksum-Sha1": Hash.sha1("other")]
            #expect(try await server.deploy(Self.jar, "content", wrong) == 409)
            #expect(try await server.fetch(Self.jar).status == 404)
            #expect(try await server.deploy(Self.jar, "content", ["X-Checksum-Sha1": Hash.sha1("content")]) == 201)
            #expect(try await server.deploy(Self.jar, "content", ["X-Checksum-Md5": "x"]) == 400)
        }
    }

    @Test("A release stays what it is, also once it was deleted; new files may join it")
    func immutability() async throws {
        try await withLibs { server async throws in
            #expect(try await server.deploy(Self.jar) == 201)
            #expect(try await server.deploy(Self.jar) == 200)
            #expect(try await server.deploy(Self.jar, "other") == 409)
            #expect(try await server.fetch(Self.jar).text == "content")
            #expect(try await server.deploy("com/acme/lib/1.0/lib-1.0-sources.jar", "sources") == 201)
            #expect(try await server.send("DELETE", "/maven/libs/com/acme/lib/1.0/").status == 204)
            #expect(try await server.fetch(Self.jar).status == 404)
            #expect(try await server.fetch("com/acme/lib/maven-metadata.xml").status == 404)
            #expect(try await server.deploy(Self.jar, "other") == 409)
            #expect(try await server.deploy(Self.jar) == 201)
            #expect(try await server.send("DELETE", "/maven/libs/\(Self.jar)").status == 204)
            #expect(try await server.send("DELETE", "/maven/libs/\(Self.jar)").status == 404)
        }
    }

    @Test("A snapshot without a timestamp may be replaced, and its other files stay")
    func plainSnapshot() async throws {
        try await withLibs { server async throws in
            let jar = "com/acme/lib/1-SNAPSHOT/lib-1-SNAPSHOT.jar"
            #expect(try await server.deploy(jar, "one") == 201)
            #expect(
                try await server.deploy("com/acme/lib/1-SNAPSHOT/lib-1-SNAPSHOT.pom", pom("lib", "1-SNAPSHOT")) == 201)
            #expect(try await server.deploy(jar, "two") == 201)
            let answer = try await server.fetch(jar)
            #expect(answer.text == "two" && answer["Cache-Control"] == "no-cache")
            #expect(try await server.fetch("\(jar).sha1").text == Hash.sha1("two"))
            #expect(try await server.fetch("com/acme/lib/1-SNAPSHOT/lib-1-SNAPSHOT.pom").status == 200)
            #expect(try await server.fetch("com/acme/lib/1-SNAPSHOT/maven-metadata.xml").status == 404)
        }
    }

    @Test("The name of a snapshot without a timestamp stands for the newest")
    func newestSnapshot() async throws {
        try await withLibs { server async throws in
            let folder = "com/acme/lib/1-SNAPSHOT/lib-1"
            #expect(try await server.deploy("\(folder)-20260101.120000-1.jar", "one") == 201)
            #expect(try await server.deploy("\(folder)-20260101.120001-2.jar", "two") == 201)
            #expect(try await server.deploy("\(folder)-20260101.120002-3-sources.jar", "sources") == 201)
            #expect(try await server.fetch("\(folder)-SNAPSHOT.jar").text == "two")
            #expect(try await server.fetch("\(folder)-SNAPSHOT.jar.sha1").text == Hash.sha1("two"))
            #expect(try await server.fetch("\(folder)-SNAPSHOT.war").status == 404)
        }
    }

    @Test("A POM that is of something else, or is none, is refused with a sentence")
    func poms() async throws {
        try await withLibs { server async throws in
            let path = "com/acme/lib/1.0/lib-1.0.pom"
            let answer = try await server.send("PUT", "/maven/libs/\(path)", body: pom("lib", "1.1").bytes)
            #expect(answer.status == 400)
            #expect(answer.text == "the POM's <version> is '1.1' where its address says '1.0'\n")
            let entity = #"<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]>"#
            #expect(try await server.deploy(path, entity + pom("lib", "&x;")) == 400)
            #expect(try await server.deploy(path, "<html></html>") == 400)
            #expect(try await server.deploy(path, "") == 400)
            #expect(try await server.deploy(path, String(repeating: " ", count: POM.maximumBytes + 1)) == 413)
            #expect(try await server.fetch(path).status == 404)
            #expect(try await server.deploy(path, pom("lib", "1.0")) == 201)
            #expect(try await server.fetch(path)["Content-Type"] == "application/xml")
        }
    }

    @Test("Signatures are armoured, Gradle's modules are JSON")
    func companions() async throws {
        try await withLibs { server async throws in
            #expect(try await server.deploy("\(Self.jar).asc", "-----BEGIN PGP SIGNATURE-----\n") == 201)
            #expect(try await server.fetch("\(Self.jar).asc.sha1").status == 200)
            #expect(try await server.deploy("com/acme/lib/1.0/lib-1.0.pom.asc", "none") == 400)
            #expect(try await server.deploy("com/acme/lib/1.0/lib-1.0.module", #"{"formatVersion":"1.1"}"#) == 201)
            #expect(try await server.deploy("com/acme/lib/1.1/lib-1.1.module", "{") == 400)
            #expect(try await server.fetch("com/acme/lib/1.1/lib-1.1.module").status == 404)
        }
    }

    @Test("Nothing is taken over the limit")
    func limit() async throws {
        try await withLibs(format: Maven(maximumFile: ByteCount(8))) { server async throws in
            #expect(try await server.deploy(Self.jar, "12345678") == 201)
            #expect(try await server.deploy("com/acme/lib/1.1/lib-1.1.jar", "123456789") == 413)
        }
    }

    @Test("Who may not, cannot; who is unknown is asked to log in")
    func rights() async throws {
        try await withLibs { server async throws in
            #expect(try await server.deploy(Self.jar) == 201)
            let path = "/maven/libs/\(Self.jar)"
            let unknown = try await server.send("GET", path, authorization: nil)
            #expect(unknown.status == 401)
            #expect(unknown["WWW-Authenticate"]?.hasPrefix(#"Basic realm="Granary""#) == true)
            let reader = try await server.user("rea", ("libs", "com.acme:*", .read))
            #expect(try await server.send("GET", path, authorization: reader).status == 200)
            #expect(try await server.send("PUT", path, body: [1], authorization: reader).status == 403)
            #expect(try await server.send("DELETE", path, authorization: reader).status == 403)
            let stranger = try await server.user("str", ("libs", "org.other:*", [.read, .write]))
            #expect(try await server.send("GET", path, authorization: stranger).status == 404)
            let metadata = "/maven/libs/com/acme/lib/maven-metadata.xml"
            #expect(try await server.send("GET", metadata, authorization: reader).status == 200)
            #expect(try await server.send("GET", metadata, authorization: stranger).status == 404)
            #expect(try await server.send("GET", metadata, authorization: nil).status == 401)
        }
    }
}
