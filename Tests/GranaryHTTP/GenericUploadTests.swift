import FoundationEssentials
import GranaryCore
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Generic files over HTTP: resumable uploads")
struct GenericUploadTests {
    private static let version = ["Tus-Resumable": "1.0.0"]

    /// Opens a session and answers its address.
    private static func create(
        _ server: TestServer, _ path: String = "big.bin", length: Int, metadata: [String: String] = [:],
        _ more: [String: String] = [:],
        authorization: String? = TestServer.basic("admin", TestServer.administrator.password)
    ) async throws -> TestAnswer {
        var headers = version.merging(more) { $1 }
        headers["Upload-Length"] = String(length)
        let pairs = metadata.map { "\($0.key) \(Data($0.value.utf8).base64EncodedString())" }
        if !pairs.isEmpty { headers["Upload-Metadata"] = pairs.sorted().joined(separator: ",") }
        return try await server.send("POST", "/generic/files/\(path)", headers, authorization: authorization)
    }

    private static func append(
        _ server: TestServer, _ session: String, at offset: Int, _ text: String, _ more: [String: String] = [:]
    ) async throws -> TestAnswer {
        let headers = ["Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream"]
        return try await server.send(
            "PATCH", session, version.merging(headers) { $1 }.merging(more) { $1 }, body: text.bytes)
    }

    @Test("A file goes up in parts, over a restart of the server, and is there once it is whole")
    func resuming() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let session = try await withFiles(in: folder) { server in
            let created = try await Self.create(
                server, length: 11, metadata: ["sha256": Hash.sha256("hello world"), "filetype": "text/x-greeting"])
            #expect(created.status == 201 && created["Upload-Offset"] == "0" && created["Tus-Resumable"] == "1.0.0")
            #expect(created["Upload-Expires"]?.hasSuffix(" GMT") == true)
            let session = try #require(created["Location"])
            #expect(try await Self.append(server, session, at: 0, "hello").status == 204)
            #expect(try await server.list("files/")?.names == [])
            return session
        }
        try await withFiles(in: folder) { server in
            let status = try await server.send("HEAD", session, Self.version)
            #expect(status.status == 200 && status["Upload-Offset"] == "5" && status["Upload-Length"] == "11")
            #expect(status["Cache-Control"] == "no-store" && status["Upload-Metadata"]?.contains("filetype") == true)
            let early = try await Self.append(server, session, at: 3, "lo world")
            #expect(early.status == 409 && early["Upload-Offset"] == "5")
            #expect(try await Self.append(server, session, at: 9, "ld").status == 409)
            let last = try await Self.append(server, session, at: 5, " world")
            #expect(last.status == 204 && last["Upload-Offset"] == "11")
            #expect(last["X-Checksum-Sha256"] == Hash.sha256("hello world"))
            let file = try await server.send("GET", "/generic/files/big.bin")
            #expect(file.text == "hello world" && file["Content-Type"] == "text/x-greeting")
            #expect(file["X-Checksum-Md5"] == Hash.md5("hello world"))
            #expect(try await server.send("HEAD", session, Self.version).status == 404)
            #expect(folder.uploads == [])
        }
    }

    private static let refusedCreations: [(headers: [String: String], status: Int)] = [
        (["Upload-Length": "5"], 412), (["Upload-Length": "5", "Tus-Resumable": "0.2.2"], 412),
        (["Tus-Resumable": "1.0.0"], 400), (["Tus-Resumable": "1.0.0", "Upload-Length": "-1"], 400),
        (["Tus-Resumable": "1.0.0", "Upload-Length": "x"], 400),
        (["Tus-Resumable": "1.0.0", "Upload-Defer-Length": "1"], 400),
        (["Tus-Resumable": "1.0.0", "Upload-Length": "9223372036854775807"], 413),
        (["Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": "sha256 &&"], 400),
        (["Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": "a YQ==,a YQ=="], 400),
        (["Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": "sha256 YWJj"], 400),
        (["Tus-Resumable": "1.0.0", "Upload-Length": "5", "If-None-Match": "*"], 412)
    ]

    @Test("A session that cannot come to a good end is not opened")
    func refusingToOpen() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        try await withFiles(in: folder) { server in
            try await server.put("files/x")
            for (headers, status) in Self.refusedCreations {
                let answer = try await server.send("POST", "/generic/files/x", headers)
                #expect(answer.status == status, "\(headers)")
                if status == 412, headers["If-None-Match"] == nil { #expect(answer["Tus-Version"] == "1.0.0") }
            }
            #expect(try await Self.create(server, "x/y", length: 1).status == 409)
            #expect(try await Self.create(server, "", length: 1).status == 400)
            #expect(try await Self.create(server, "", length: 1, metadata: ["path": "../y"]).status == 400)
            #expect(try await Self.create(server, "y", length: 1, authorization: nil).status == 401)
            #expect(folder.uploads == [])
        }
    }

    private static let refusedParts: [(headers: [String: String], body: String, status: Int)] = [
        (["Upload-Offset": "x"], "ab", 400), (["Upload-Offset": "-1"], "ab", 400),
        (["Content-Type": "text/plain"], "ab", 415), (["Upload-Checksum": "sha1 AAAA"], "ab", 400),
        (["Tus-Resumable": "2.0.0"], "ab", 412), ([:], "abcdef", 413)
    ]

    @Test("A part that is malformed or too long is refused, and the session stands where it stood")
    func refusingParts() async throws {
        try await withFiles { server in
            let session = try #require(try await Self.create(server, length: 5)["Location"])
            for (headers, body, status) in Self.refusedParts {
                #expect(try await Self.append(server, session, at: 0, body, headers).status == status, "\(headers)")
                #expect(try await server.send("HEAD", session, Self.version)["Upload-Offset"] == "0")
            }
            #expect(try await server.send("GET", session, Self.version).status == 405)
            #expect(try await server.send("PUT", session, Self.version, body: "x".bytes).status == 400)
        }
    }

    @Test("What came before a connection broke is kept")
    func broken() async throws {
        let log = CapturedLog()
        try await withFiles(log: log) { server in
            let session = try #require(try await Self.create(server, length: 10)["Location"])
            let head = """
                PATCH \(session) HTTP/1.1\r\nHost: h\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n\
                Content-Type: application/offset+octet-stream\r\nContent-Length: 10\r\n\
                Authorization: \(TestServer.basic("admin", TestServer.administrator.password))\r\n\r\n1234
                """
            _ = try await server.raw(head.bytes, closing: true)
            #expect(try await log.wait(for: "operation=generic.upload.append"))
            #expect(try await server.send("HEAD", session, Self.version)["Upload-Offset"] == "4")
            #expect(try await Self.append(server, session, at: 4, "567890").status == 204)
            #expect(try await server.send("GET", "/generic/files/big.bin").text == "1234567890")
        }
    }

    @Test("A checksum that is wrong, or a conflict found at the end, publishes nothing")
    func badEnds() async throws {
        try await withFiles { server in
            let wrong = ["sha256": Hash.sha256("other")]
            let session = try #require(try await Self.create(server, length: 5, metadata: wrong)["Location"])
            #expect(try await Self.append(server, session, at: 0, "hello").status == 409)
            let late = try await Self.create(server, "late", length: 5, ["If-None-Match": "*"])
            let second = try #require(late["Location"])
            try await server.put("files/late", "first")
            #expect(try await Self.append(server, second, at: 0, "hello").status == 412)
            #expect(try await server.send("GET", "/generic/files/late").text == "first")
            #expect(try await server.list("files/")?.names == ["late"])
            #expect(try await server.send("HEAD", second, Self.version)["Upload-Offset"] == "5")
            #expect(try await server.send("DELETE", second, Self.version).status == 204)
            #expect(try await server.send("HEAD", second, Self.version).status == 404)
        }
    }

    @Test("A session belongs to the one who opened it, as long as they may write")
    func owner() async throws {
        try await withFiles { server in
            let ann = try await server.user("ann", ("files", "**", [.read, .write]))
            let bob = try await server.user("bob", ("files", "**", [.read, .write]))
            let session = try #require(try await Self.create(server, length: 5, authorization: ann)["Location"])
            #expect(try await server.send("HEAD", session, Self.version, authorization: ann).status == 200)
            #expect(try await server.send("HEAD", session, Self.version, authorization: bob).status == 404)
            #expect(try await server.send("DELETE", session, Self.version, authorization: bob).status == 404)
            #expect(try await server.send("HEAD", session, Self.version, authorization: nil).status == 401)
            let grants = try server.management.grants(for: server.admin)
            for grant in grants where grant.user?.text == "ann" {
                try await server.management.deleteGrant(grant.id, by: server.admin)
            }
            #expect(try await server.send("HEAD", session, Self.version, authorization: ann).status != 200)
        }
    }

    @Test("Creation takes content, a length of nothing, a directory with a name, and stands in for other methods")
    func variants() async throws {
        try await withFiles { server in
            let with = ["Upload-Length": "5", "Content-Type": "application/offset+octet-stream"].merging(Self.version) {
                $1
            }
            let whole = try await server.send("POST", "/generic/files/whole", with, body: "hello".bytes)
            #expect(whole.status == 201 && whole["Upload-Offset"] == "5")
            #expect(try await server.send("GET", "/generic/files/whole").text == "hello")
            #expect(try await Self.create(server, "empty", length: 0).status == 201)
            #expect(try await server.send("GET", "/generic/files/empty").status == 200)
            let named = try await Self.create(server, "dir/;a=1", length: 0, metadata: ["filename": "é b.txt"])
            #expect(named.status == 201)
            #expect(try await server.send("GET", "/generic/files/dir/%C3%A9%20b.txt?properties").text.contains("\"a\""))
            let session = try #require(try await Self.create(server, "m", length: 5)["Location"])
            let override = Self.version.merging([
                "X-HTTP-Method-Override": "PATCH", "Upload-Offset": "0",
                "Content-Type": "application/offset+octet-stream"
            ]) { $1 }
            #expect(try await server.send("POST", session, override, body: "hello".bytes).status == 204)
            #expect(try await server.send("GET", "/generic/files/m").text == "hello")
        }
    }
}
