import FormatGeneric
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Hostile input: malformed requests")
struct HostileRequestTests {
    private struct Case {
        let what: String
        let bytes: [UInt8]

        init(_ what: String, _ text: String) { (self.what, self.bytes) = (what, text.bytes) }
    }

    private static let long = String(repeating: "a", count: 40_000)

    private static let malformed = [
        Case("words", "GARBAGE\r\n\r\n"), Case("no version", "GET /\r\n\r\n"),
        Case("a version of none", "GET / HTTP/9.9\r\n\r\n"),
        Case("no target", "GET HTTP/1.1\r\n\r\n"), Case("an odd method", "G{}T / HTTP/1.1\r\nHost: h\r\n\r\n"),
        Case("no host", "GET /readyz HTTP/1.1\r\n\r\n"),
        Case("two hosts", "GET /readyz HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n"),
        Case("NUL in the target", "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n"),
        Case("a blank in a name", "GET / HTTP/1.1\r\nHost: h\r\nBad Header: x\r\n\r\n"),
        Case("no name", "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n"),
        Case("no colon", "GET / HTTP/1.1\r\nHost: h\r\nnocolon\r\n\r\n"),
        Case("NUL in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"),
        Case("two lengths", "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        Case("a negative length", "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n"),
        Case("a length in hexadecimal", "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0x10\r\n\r\n"),
        Case("a length past all numbers", "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        Case(
            "length and chunks",
            "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        Case(
            "chunks and length",
            "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
        Case("an encoding that does not end", "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\nabc"),
        Case(
            "chunks that are not last",
            "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"),
        Case("a TLS greeting", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}"),
        Case("a long header", "GET / HTTP/1.1\r\nHost: h\r\nX: \(long)\r\n\r\n"),
        Case("a long name", "GET / HTTP/1.1\r\nHost: h\r\n\(long): x\r\n\r\n"),
        Case("many headers", "GET / HTTP/1.1\r\nHost: h\r\n\((0..<250).map { "X\($0): y\r\n" }.joined())\r\n"),
        Case(
            "much of headers",
            "GET / HTTP/1.1\r\nHost: h\r\n\((0..<9).map { "X\($0): \(long.prefix(9000))\r\n" }.joined())\r\n"),
        Case("a long target", "GET /\(long)\(long) HTTP/1.1\r\nHost: h\r\n\r\n")
    ]

    @Test("What is no request is refused, the connection closed, and the next one served")
    func malformed() async throws {
        try await withFiles { server in
            for example in Self.malformed {
                let (answer, isClosed) = try await server.connect { connection in
                    try await connection.send(example.bytes)
                    let answer = try await connection.receive(patience: .seconds(10))
                    return (answer, connection.isClosed)
                }
                #expect((400..<500).contains(statusCode(answer)), "\(example.what)")
                #expect(isClosed, "\(example.what)")
                #expect(try await server.send("GET", "/readyz", authorization: nil).status == 200, "\(example.what)")
            }
        }
    }

    private static let bodies = [
        Case("a size of letters", "zz\r\nabc\r\n0\r\n\r\n"), Case("a negative size", "-1\r\nabc\r\n0\r\n\r\n"),
        Case("a size past all numbers", "FFFFFFFFFFFFFFFFFF\r\nabc\r\n"),
        Case("a chunk longer than its size", "2\r\nabcd\r\n0\r\n\r\n"),
        Case("no line after a chunk", "3\r\nabc0\r\n\r\n")
    ]

    @Test("Chunks that are framed wrongly store nothing")
    func chunks() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        try await withFiles(in: folder) { server in
            for (number, example) in Self.bodies.enumerated() {
                let head =
                    "PUT /generic/files/\(number) HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\(Self.credentials)\r\n"
                let answer = try await server.raw(head.bytes + example.bytes)
                #expect(
                    (400..<500).contains(statusCode(answer)),
                    "\(example.what) \(String(decoding: answer, as: UTF8.self))")
                #expect(try await server.send("GET", "/readyz", authorization: nil).status == 200)
            }
            #expect(try await server.list("files/")?.names == [])
            #expect(folder.uploads == [] && folder.blobs == [])
        }
    }

    private static let cut = [
        Case("less than its length", "Content-Length: 10\r\n\r\nabc"),
        Case("nothing of it", "Content-Length: 10\r\n\r\n"),
        Case("chunks without an end", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        Case("half a chunk", "Transfer-Encoding: chunked\r\n\r\nff\r\nabc"),
        Case("all but the last line", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"),
        Case("megabytes of more", "Content-Length: 9000000\r\n\r\n" + String(repeating: "x", count: 3_000_000))
    ]

    private static let credentials =
        "Authorization: \(TestServer.basic(TestServer.administrator.user, TestServer.administrator.password))\r\n"

    @Test("A client that dies in the middle of an upload leaves nothing behind")
    func cut() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let log = CapturedLog()
        try await withFiles(in: folder, log: log) { server in
            for (number, example) in Self.cut.enumerated() {
                let head = "PUT /generic/files/cut\(number) HTTP/1.1\r\nHost: h\r\n\(Self.credentials)".bytes
                _ = try await server.raw(head + example.bytes, closing: true)
                #expect(try await log.wait(for: "path=/generic/files/cut\(number)"), "\(example.what)")
            }
            #expect(!log.lines.contains { $0.contains("/cut") && $0.contains("status=20") })
            #expect(try await server.list("files/", "list&recursive")?.names == [])
            #expect(folder.uploads == [] && folder.blobs == [])
        }
    }

    @Test("A client that dies does not replace what was there")
    func cutReplacement() async throws {
        let log = CapturedLog()
        try await withFiles(log: log) { server in
            try await server.put("files/a", "what was there")
            let head =
                "PUT /generic/files/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\(Self.credentials)\r\n"
            _ = try await server.raw((head + "3\r\nnew\r\n").bytes, closing: true)
            #expect(try await log.wait(for: "operation=generic.file.put", "status=408"))
            #expect(try await server.send("GET", "/generic/files/a").text == "what was there")
        }
    }

    @Test("A length beyond the limit is refused before anything of it is read")
    func tooLong() async throws {
        try await withFiles(format: .init(maximumFile: .kibibytes(1))) { server in
            let head = "PUT /generic/files/a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\(Self.credentials)"
            try await server.connect { connection in
                try await connection.send("\(head)Content-Length: 9223372036854775807\r\n\r\n")
                #expect(statusCode(try await connection.receive { statusCode($0) != 0 }) == 413)
            }
            let chunked = try await server.send("PUT", "/generic/files/a", body: [UInt8](repeating: 1, count: 1025))
            #expect(chunked.status == 413)
            let exact = try await server.send("PUT", "/generic/files/a", body: [UInt8](repeating: 1, count: 1024))
            #expect(exact.status == 201)
        }
    }
}
