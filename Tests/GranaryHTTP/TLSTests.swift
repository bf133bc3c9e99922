import GranaryTestKit
import NIOSSL
import Testing

@Suite("TLS and HTTP/2")
struct TLSTests {
    /// A certificate nobody has signed, made by openssl in `folder`.
    private static func certificate(in folder: TemporaryDirectory) async throws -> TLSConfiguration {
        let made = try await Program("/usr/bin/openssl", folder: folder.path).run([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj",
            "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"
        ])
        try #require(made.status == 0, "\(made.stderr)")
        return .makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile("\(folder.path)/cert.pem").map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: "\(folder.path)/key.pem", format: .pem)))
    }

    private static func serving(
        log: CapturedLog? = nil, _ body: @escaping @Sendable (TestServer, TemporaryDirectory) async throws -> Void
    ) async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let tls = try await certificate(in: folder)
        try await withFiles(in: folder, tls: tls, log: log) { try await body($0, folder) }
    }

    @Test("Files go up and down over both versions, certificate checked")
    func curl() async throws {
        try await Self.serving { server, folder in
            let text = String(repeating: "0123456789", count: 100_000)
            let curl = Program("/usr/bin/curl", folder: folder.path)
            let common = [
                "--silent", "--show-error", "--cacert", "\(folder.path)/cert.pem", "--user",
                "admin:\(TestServer.administrator.password)", "--write-out", "%{http_code} %{http_version}", "--output"
            ]
            for (option, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
                let url = "\(server.origin)/generic/files/\(version)"
                let up = try await curl.run([option] + common + ["/dev/null", "--upload-file", "-", url], input: text)
                #expect(up.stdout == "201 \(version)", "\(up.stderr)")
                let down = try await curl.run([option] + common + ["down", url])
                #expect(down.stdout == "200 \(version)")
                let summed = try await Program("/usr/bin/sha256sum", folder: folder.path).run(["down"])
                #expect(summed.stdout.hasPrefix(Hash.sha256(text)))
                let part = try await curl.run([option] + common + ["-", "--range", "5-9", url])
                #expect(part.stdout == "56789206 \(version)")
                let head = try await curl.run([option] + common + ["-", "--head", url])
                #expect(head.stdout.lowercased().contains("content-length: 1000000"))
            }
            let put = try await server.send("PUT", "/generic/files/location", body: [])
            #expect(put["Location"] == "\(server.origin)/generic/files/location" && server.origin.hasPrefix("https://"))
        }
    }

    @Test("Many requests at once share a connection")
    func multiplexing() async throws {
        try await Self.serving { server, _ in
            let texts = try await concurrently(20) { number in
                let text = String(repeating: "\(number) ", count: 20_000)
                #expect(try await server.send("PUT", "/generic/files/\(number)", body: text.bytes).status == 201)
                return try await server.send("GET", "/generic/files/\(number)").text == text
            }
            #expect(texts.allSatisfy { $0 })
        }
    }

    @Test("A greeting of TLS on the plain port is answered in plain HTTP, as clients that try both expect")
    func plainPort() async throws {
        let hello: [UInt8] =
            [
                0x16, 0x03, 0x01, 0x00, 0x2F, 0x01, 0x00, 0x00, 0x2B, 0x03, 0x03
            ] + [UInt8](repeating: 7, count: 32) + [0x00, 0x00, 0x02, 0x13, 0x01, 0x01, 0x00, 0x00, 0x00]
        try await withFiles { server in
            let answer = try await server.raw(hello)
            #expect(String(decoding: answer.prefix(7), as: UTF8.self) == "HTTP/1.")
        }
    }

    @Test("Plain HTTP on the TLS port gets nothing, and the server goes on")
    func tlsPort() async throws {
        try await Self.serving { server, _ in
            _ = try await server.raw("GET / HTTP/1.1\r\nHost: h\r\n\r\n".bytes)
            #expect(try await server.send("GET", "/readyz").status == 200)
        }
    }

    @Test("An HTTP/2 upload that is reset, cut off or shorter than it said leaves nothing behind")
    func resets() async throws {
        let log = CapturedLog()
        try await Self.serving(log: log) { server, folder in
            let cases: [(name: String, length: String?, end: [UInt8])] = [
                ("reset", nil, Frame.reset), ("resetLong", "10", Frame.reset), ("closed", nil, []),
                ("closedLong", "10", []),
                ("short", "10", Frame.data("more", ending: true)), ("long", "4", Frame.data("more", ending: true))
            ]
            for example in cases {
                try await server.connect(offering: ["h2"]) { connection in
                    let head = Frame.put("/generic/files/\(example.name)", length: example.length)
                    try await connection.send(Frame.opening + head + Frame.data("abc", ending: false))
                    _ = try await connection.receive(patience: .milliseconds(300))
                    if !example.end.isEmpty { try await connection.send(example.end) }
                    _ = try await connection.receive(patience: .milliseconds(200))
                }
                #expect(try await log.wait(for: "path=/generic/files/\(example.name)"), "\(example.name)")
            }
            #expect(!log.lines.contains { $0.contains("path=/generic/files/") && $0.contains("status=20") })
            #expect(try await server.list("files/")?.names == [])
            #expect(folder.uploads == [] && folder.blobs == [])
        }
    }
}

/// Frames of HTTP/2 (RFC 9113), as far as an upload on stream 1 needs them.
private enum Frame {
    static let opening = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".bytes + frame(type: 4, flags: 0, stream: 0, [])
    /// RST_STREAM with CANCEL.
    static let reset = frame(type: 3, flags: 0, stream: 1, [0, 0, 0, 8])

    static func put(_ path: String, length: String?) -> [UInt8] {
        let credentials = TestServer.basic(TestServer.administrator.user, TestServer.administrator.password)
        var fields = [
            (":method", "PUT"), (":scheme", "https"), (":authority", "localhost"), (":path", path),
            ("authorization", credentials)
        ]
        if let length { fields.append(("content-length", length)) }
        // Literal fields that are not indexed (RFC 7541, section 6.2.2), each shorter than 127 bytes.
        let block = fields.flatMap { name, value -> [UInt8] in
            [0, UInt8(name.utf8.count)] + name.bytes + [UInt8(value.utf8.count)] + value.bytes
        }
        return frame(type: 1, flags: 4, stream: 1, block)
    }

    static func data(_ text: String, ending: Bool) -> [UInt8] {
        frame(type: 0, flags: ending ? 1 : 0, stream: 1, text.bytes)
    }

    private static func frame(type: UInt8, flags: UInt8, stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [0, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF), type, flags, 0, 0, 0, stream] + payload
    }
}
