import FoundationEssentials
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Maven metadata and listings")
struct MavenMetadataTests {
    @Test("Metadata follows what is deployed, with the checksums of its bytes")
    func artifact() async throws {
        try await withLibs { server async throws in
            let path = "com/acme/lib/maven-metadata.xml"
            #expect(try await server.fetch(path).status == 404)
            for version in ["1.10", "1.9"] {
                #expect(try await server.deploy("com/acme/lib/\(version)/lib-\(version).jar", version) == 201)
            }
            let answer = try await server.fetch(path)
            #expect(answer.text.contains("<version>1.9</version>\n      <version>1.10</version>"))
            #expect(answer.text.contains("<release>1.10</release>"))
            #expect(answer["Content-Type"] == "application/xml" && answer["Cache-Control"] == "no-cache")
            #expect(try await server.fetch("\(path).md5").text == Hash.md5(answer.text))
            #expect(try await server.fetch("\(path).sha1").text == Hash.sha1(answer.text))
            #expect(try await server.fetch("\(path).sha256").text == Hash.sha256(answer.text))
            #expect(try await server.fetch("\(path).sha512").text == Hash.sha512(answer.text))
            #expect(answer["X-Checksum-Sha1"] == Hash.sha1(answer.text))
            #expect(try await server.fetch(path, ["If-None-Match": answer["ETag"] ?? ""]).status == 304)
            let head = try await server.send("HEAD", "/maven/libs/\(path)")
            #expect(head["Content-Length"] == String(answer.body.count) && head.body.isEmpty)
        }
    }

    @Test("What clients write as metadata is looked at and not kept")
    func uploads() async throws {
        try await withLibs { server async throws in
            #expect(try await server.deploy("com/acme/lib/1.0/lib-1.0.jar") == 201)
            let coordinates = "<groupId>com.acme</groupId><artifactId>lib</artifactId>"
            let sent = """
                <metadata>\(coordinates)<versioning><versions><version>6.6.6</version></versions></versioning></metadata>
                """
            let path = "com/acme/lib/maven-metadata.xml"
            #expect(try await server.deploy(path, sent) == 201)
            #expect(try await server.deploy("\(path).sha1", Hash.sha1(sent)) == 201)
            let answer = try await server.fetch(path)
            #expect(!answer.text.contains("6.6.6"))
            #expect(try await server.fetch("\(path).sha1").text == Hash.sha1(answer.text))
            #expect(try await server.deploy("com/acme/other/maven-metadata.xml", sent) == 400)
            #expect(try await server.deploy("com/acme/lib/1-SNAPSHOT/maven-metadata.xml", sent) == 201)
            #expect(try await server.deploy(path, "nonsense") == 400)
            #expect(try await server.deploy("\(path).sha1", "nonsense") == 400)
        }
    }

    @Test("Many who deploy at once lose no version")
    func concurrency() async throws {
        try await withLibs { server async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 1...20 {
                    group.addTask {
                        let path = "com/acme/lib/\(number)/lib-\(number).jar"
                        let status = try await server.deploy(path, "\(number)")
                        #expect(status == 201)
                    }
                }
                try await group.waitForAll()
            }
            let text = try await server.fetch("com/acme/lib/maven-metadata.xml").text
            let versions = text.split(separator: "\n").filter { $0.contains("<version>") }
            #expect(versions.map { $0.filter(\.isNumber) } == (1...20).map(String.init))
        }
    }

    @Test("A group tells of its plugins, whichever of POM and JAR came first", arguments: [true, false])
    func plugins(_ isJARFirst: Bool) async throws {
        let jar = try await pluginJAR()
        try await withLibs { server async throws in
            let folder = "com/acme/foo-maven-plugin/1.0/foo-maven-plugin-1.0"
            let document = pom("foo-maven-plugin", "1.0", "<packaging>maven-plugin</packaging><name>Foo</name>")
            let sendJAR = { try await server.send("PUT", "/maven/libs/\(folder).jar", body: jar).status }
            if isJARFirst { #expect(try await sendJAR() == 201) }
            #expect(try await server.deploy("\(folder).pom", document) == 201)
            if !isJARFirst { #expect(try await sendJAR() == 201) }
            #expect(try await server.deploy("com/acme/lib/1.0/lib-1.0.pom", pom("lib", "1.0")) == 201)
            let path = "com/acme/maven-metadata.xml"
            let plugin =
                "<name>The Foo</name>\n      <prefix>fu</prefix>\n      <artifactId>foo-maven-plugin</artifactId>"
            let answer = try await server.fetch(path)
            #expect(answer.text.contains(plugin), "\(answer.text)")
            #expect(!answer.text.contains("<artifactId>lib</artifactId>"))
            #expect(try await server.fetch("\(path).sha1").text == Hash.sha1(answer.text))
            #expect(try await server.deploy(path, "<metadata><plugins/></metadata>") == 201)
            #expect(try await server.fetch("org/acme/maven-metadata.xml").status == 404)
        }
    }

    @Test("A directory can be an artifact and a group at once")
    func both() async throws {
        try await withLibs { server async throws in
            #expect(try await server.deploy("com/acme/1.0/acme-1.0.jar") == 201)
            let document = pom("x-maven-plugin", "1", group: "com.acme", "<packaging>maven-plugin</packaging>")
            #expect(try await server.deploy("com/acme/x-maven-plugin/1/x-maven-plugin-1.pom", document) == 201)
            let text = try await server.fetch("com/acme/maven-metadata.xml").text
            #expect(text.contains("<artifactId>acme</artifactId>") && text.contains("<version>1.0</version>"))
            #expect(text.contains("<prefix>x</prefix>"))
        }
    }

    /// A JAR with nothing but the descriptor of a plugin.
    private func pluginJAR() async throws -> [UInt8] {
        let descriptor = "<plugin><name>The Foo</name><goalPrefix>fu</goalPrefix></plugin>"
        return storedZip("META-INF/maven/plugin.xml", descriptor.bytes)
    }

    @Test("People find their way by pages")
    func listing() async throws {
        try await withLibs { server async throws in
            for path in [
                "com/acme/lib/1.10/lib-1.10.jar", "com/acme/lib/1.9/lib-1.9.jar", "com/acme/lib.x/1/lib.x-1.jar",
                "com/acme/sub/y/1/y-1.jar", "org/z/1/z-1.jar"
            ] { #expect(try await server.deploy(path) == 201) }
            #expect(try await links(server, "") == ["com/", "org/"])
            #expect(try await links(server, "com/") == ["../", "acme/"])
            #expect(try await links(server, "com/acme/") == ["../", "lib/", "lib.x/", "sub/"])
            #expect(try await links(server, "com/acme/lib/") == ["../", "1.9/", "1.10/"])
            #expect(try await links(server, "com/acme/lib/1.9/") == ["../", "lib-1.9.jar"])
            let found = try await server.fetch("com/acme")
            #expect(found.status == 301 && found["Location"] == "/maven/libs/com/acme/")
            for path in ["net/", "net", "co/", "com/acme/lib/2/", "com.acme/", ".meta/prefixes.txt"] {
                #expect(try await server.fetch(path).status == 404, "\(path)")
            }
        }
    }

    private func links(_ server: TestServer, _ path: String) async throws -> [String] {
        let answer = try await server.fetch(path)
        #expect(answer.status == 200)
        return answer.text.split(separator: "href=\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
    }
}

/// A zip archive of one entry that is not compressed (APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16).
private func storedZip(_ name: String, _ content: [UInt8]) -> [UInt8] {
    func little(_ value: UInt32, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let sizes = little(crc32(content), 4) + little(UInt32(content.count), 4) + little(UInt32(content.count), 4)
    let common = little(10, 2) + little(0, 2) + little(0, 2) + little(0, 4) + sizes + little(UInt32(name.utf8.count), 2)
    let local = little(0x0403_4B50, 4) + common + little(0, 2) + name.bytes + content
    let central =
        little(0x0201_4B50, 4) + little(10, 2) + common + little(0, 2) + little(0, 2) + little(0, 4)
        + little(0, 4) + little(0, 4) + name.bytes
    let end =
        little(0x0605_4B50, 4) + little(0, 4) + little(1, 2) + little(1, 2) + little(UInt32(central.count), 4)
        + little(UInt32(local.count), 4) + little(0, 2)
    return local + central + end
}

private func crc32(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~0) { crc, byte in
        (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
}
