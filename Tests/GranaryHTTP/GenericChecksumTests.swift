import FoundationEssentials
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Generic files over HTTP: checksums")
struct GenericChecksumTests {
    private static let right: [(String, String)] = [
        ("X-Checksum-Sha256", Hash.sha256("hello")), ("X-Checksum-Sha256", Hash.sha256("hello").uppercased()),
        ("X-Checksum-Sha1", Hash.sha1("hello")), ("X-Checksum-Md5", Hash.md5("hello")),
        ("X-Checksum-Sha512", Hash.sha512("hello")), ("X-Checksum", Hash.sha256("hello")),
        ("X-Checksum", Hash.sha1("hello")), ("X-Checksum", Hash.md5("hello")), ("X-Checksum", Hash.sha512("hello")),
        ("Content-MD5", Hash.base64MD5("hello")), ("Digest", "SHA-256=\(Hash.base64SHA256("hello"))"),
        ("Digest", "crc32=00000000, sha-256=\(Hash.base64SHA256("hello"))"),
        ("Content-Digest", "sha-256=:\(Hash.base64SHA256("hello")):"),
        ("Repr-Digest", "sha-256=:\(Hash.base64SHA256("hello")):"), ("Repr-Digest", "unixsum=:AAA=:")
    ]

    @Test("An upload whose checksum is right is taken")
    func taken() async throws {
        try await withFiles { server in
            for (index, (name, value)) in Self.right.enumerated() {
                let answer = try await server.send("PUT", "/generic/files/\(index)", [name: value], body: "hello".bytes)
                #expect(answer.status == 201, "\(name): \(value)")
            }
        }
    }

    private static let wrong: [(String, String)] = [
        ("X-Checksum-Sha256", Hash.sha256("other")), ("X-Checksum-Sha1", Hash.sha1("other")),
        ("X-Checksum-Md5", Hash.md5("other")), ("X-Checksum-Sha512", Hash.sha512("other")),
        ("X-Checksum", Hash.md5("other")), ("Content-MD5", Hash.base64MD5("other")),
        ("Digest", "sha-256=\(Hash.base64SHA256("other"))"),
        ("Content-Digest", "sha-256=:\(Hash.base64SHA256("other")):"),
        ("Repr-Digest", "sha-256=:\(Hash.base64SHA256("other")):")
    ]

    @Test("An upload whose checksum is wrong is refused, and nothing is stored")
    func refused() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        try await withFiles(in: folder) { server in
            for (name, value) in Self.wrong {
                let answer = try await server.send("PUT", "/generic/files/a", [name: value], body: "hello".bytes)
                #expect(answer.status == 409, "\(name): \(value)")
                #expect(answer["Content-Type"] == "application/problem+json")
            }
            #expect(try await server.list("files/")?.names == [])
            #expect(folder.uploads == [] && folder.blobs == [])
        }
    }

    private static let malformed: [(String, String)] = [
        ("X-Checksum-Sha256", "abc"), ("X-Checksum-Sha256", Hash.md5("hello")),
        ("X-Checksum-Sha1", String(repeating: "g", count: 40)), ("X-Checksum", "abcdef"), ("X-Checksum-Md5", ""),
        ("Content-MD5", "&&&&"), ("Content-MD5", "AAAA"), ("Digest", "sha-256"), ("Digest", "sha-256=!!"),
        ("Repr-Digest", "sha-256=\(Hash.base64SHA256("hello"))"), ("Content-Digest", "sha-256=:AAAA:"),
        ("X-Checksum-Deploy", "maybe")
    ]

    @Test("A malformed checksum is told apart from a wrong one")
    func malformed() async throws {
        try await withFiles { server in
            for (name, value) in Self.malformed {
                let answer = try await server.send("PUT", "/generic/files/a", [name: value], body: "hello".bytes)
                #expect(answer.status == 400, "\(name): \(value)")
            }
            #expect(try await server.list("files/")?.names == [])
        }
    }

    @Test("Two values of one checksum are refused unless they agree")
    func contradiction() async throws {
        try await withFiles { server async throws in
            let headers = ["X-Checksum": Hash.sha256("other"), "X-Checksum-Sha256": Hash.sha256("hello")]
            #expect(try await server.send("PUT", "/generic/files/a", headers, body: "hello".bytes).status == 400)
            let same = ["X-Checksum": Hash.sha256("hello"), "X-Checksum-Sha256": Hash.sha256("hello")]
            #expect(try await server.send("PUT", "/generic/files/a", same, body: "hello".bytes).status == 201)
        }
    }

    @Test("Checksums of a file stand beside it, unless a file of that name does")
    func virtualFiles() async throws {
        try await withFiles { server in
            try await server.put("files/d/a.bin", "hello")
            let hashes = [
                "sha256": Hash.sha256("hello"), "sha1": Hash.sha1("hello"), "md5": Hash.md5("hello"),
                "sha512": Hash.sha512("hello")
            ]
            for (name, hex) in hashes {
                #expect(try await server.send("GET", "/generic/files/d/a.bin.\(name)").text == hex)
                let sum = try await server.send("GET", "/generic/files/d/a.bin.\(name)?format=sum")
                #expect(sum.text == "\(hex)  a.bin\n")
            }
            try await server.put("files/d/a.bin.sha256", "mine")
            #expect(try await server.send("GET", "/generic/files/d/a.bin.sha256").text == "mine")
            #expect(try await server.send("GET", "/generic/files/d/none.sha256").status == 404)
            #expect(try await server.list("files/d/")?.names == ["a.bin", "a.bin.sha256"])
        }
    }

    @Test("Content that is here need not be sent again")
    func deploy() async throws {
        try await withFiles { server in
            try await server.put("files/a", "hello")
            let headers = ["X-Checksum-Deploy": "true", "X-Checksum-Sha256": Hash.sha256("hello")]
            let answer = try await server.send("PUT", "/generic/files/copy/b.txt", headers)
            #expect(answer.status == 201 && answer["ETag"] == "\"\(Hash.sha256("hello"))\"")
            let copy = try await server.send("GET", "/generic/files/copy/b.txt")
            #expect(copy.text == "hello" && copy["Content-Type"] == "text/plain; charset=utf-8")
            let clash = headers.merging(["X-Checksum-Md5": Hash.md5("other")]) { first, _ in first }
            #expect(try await server.send("PUT", "/generic/files/c", clash).status == 409)
            for weak in ["X-Checksum-Sha1": Hash.sha1("hello"), "X-Checksum-Md5": Hash.md5("hello")] {
                let headers = ["X-Checksum-Deploy": "true", weak.key: weak.value]
                #expect(try await server.send("PUT", "/generic/files/c", headers).status == 404, "\(weak.key)")
            }
        }
    }

    @Test("Knowing a hash does not give the content to those who may not read it")
    func deployUnread() async throws {
        try await withFiles(["files": .init(), "secret": .init()]) { server in
            try await server.put("secret/a", "hidden")
            let ann = try await server.user("ann", ("files", "**", [.read, .write]))
            func deploy(_ text: String) async throws -> TestAnswer {
                let headers = ["X-Checksum-Deploy": "true", "X-Checksum-Sha256": Hash.sha256(text)]
                return try await server.send("PUT", "/generic/files/x", headers, authorization: ann)
            }
            let hidden = try await deploy("hidden")
            let unknown = try await deploy("never seen")
            #expect(hidden.status == 404 && unknown.status == 404)
            #expect(hidden.text == unknown.text)
            try await server.grant("ann", "secret", "**", .read)
            #expect(try await deploy("hidden").status == 201)
        }
    }
}

extension TemporaryDirectory {
    /// The names of what lies in the folder of unfinished uploads.
    var uploads: [String] { (try? FileManager.default.contentsOfDirectory(atPath: "\(path)/uploads")) ?? [] }

    /// The digests of what is stored.
    var blobs: [String] {
        let root = "\(path)/blobs/sha256"
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return folders.flatMap { (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\($0)")) ?? [] }
    }
}
