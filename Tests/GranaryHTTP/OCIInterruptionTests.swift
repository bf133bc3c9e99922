import GranaryTestKit
import Testing

/// Clients that die, and clients whose lengths are not true.
@Suite(.serialized) struct OCIInterruptionTests {
    private static let content = (0..<300_000).map { UInt8($0 % 249) }
    /// What arrives before the client dies.
    private static let sent = 200_000

    private static func head(_ method: String, _ path: String, _ framing: String, close: Bool = false) -> [UInt8] {
        Array(
            ("\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nAuthorization: \(TestServer.adminBasic)\r\n"
                + "Content-Type: application/vnd.oci.image.index.v1+json\r\n"
                + (close ? "Connection: close\r\n" : "") + "\(framing)\r\n\r\n").utf8)
    }

    /// A chunk of transfer coding.
    private static func chunk(_ bytes: some Collection<UInt8>) -> [UInt8] {
        Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8)
    }

    /// How many bytes a session holds once no request is writing to it and it stopped growing.
    private static func settled(_ image: OCIImage, _ session: String) async throws -> Int {
        var last = -1
        for _ in 0..<50 {
            let range = try await image.follow("GET", session)["Range"] ?? ""
            let held = try #require(range.split(separator: "-").last.flatMap { Int($0) }) + 1
            if held == last, held > 1 { break }
            last = held
            try await Task.sleep(for: .milliseconds(100))
        }
        return last
    }

    @Test(arguments: ["Transfer-Encoding: chunked", "Content-Length: 300000"])
    func `What came before a client died is kept, and the upload goes on from there`(framing: String) async throws {
        try await withOCI { server in
            let image = server.image()
            let session = try await image.openUpload()
            let part = Self.content.prefix(Self.sent)
            let body = framing.hasPrefix("T") ? Self.chunk(part) : Array(part)
            _ = try await server.raw(Self.head("PATCH", session, framing) + body, closing: true)
            let held = try await Self.settled(image, session)
            #expect((1...Self.sent).contains(held))
            let rest = Array(Self.content[held...])
            let range = "\(held)-\(Self.content.count - 1)"
            let resumed = try await image.follow("PATCH", session, ["Content-Range": range], body: rest)
            #expect(resumed.status == 202 && resumed["Range"] == "0-299999")
            let digest = sha256(Self.content)
            #expect(try await image.follow("PUT", "\(session)?digest=\(digest)").status == 201)
            #expect(try await image.send("GET", "blobs/\(digest)").body == Self.content)
        }
    }

    @Test(arguments: ["Transfer-Encoding: chunked", "Content-Length: 300000"])
    func `What a dying client sent is never taken for complete`(framing: String) async throws {
        try await withOCI { server in
            let image = server.image()
            // The digest is that of what arrives, so that only the framing says there was more to come.
            let part = Array(Self.content.prefix(Self.sent))
            let digest = sha256(part)
            let body = framing.hasPrefix("T") ? Self.chunk(part) : part
            let session = try await image.openUpload()
            let manifest = Array(#"{"schemaVersion":2,"manifests":[]}"#.utf8)
            let paths = [
                ("PUT", "\(session)?digest=\(digest)"), ("POST", "/v2/docker/app/blobs/uploads/?digest=\(digest)")
            ]
            for (method, path) in paths {
                _ = try await server.raw(Self.head(method, path, framing) + body, closing: true)
            }
            let index = framing.hasPrefix("T") ? Self.chunk(manifest) : manifest
            _ = try await server.raw(
                Self.head("PUT", "/v2/docker/app/manifests/cut", framing) + index, closing: true)
            #expect(try await Self.settled(image, session) <= Self.sent)
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await image.send("HEAD", "blobs/\(digest)").status == 404)
            #expect(try await image.send("HEAD", "manifests/cut").status == 404)
            #expect(try await image.follow("GET", session).status == 204)
        }
    }

    @Test func `A chunked body that ends is complete`() async throws {
        try await withOCI { server in
            let image = server.image()
            let session = try await image.openUpload()
            let body =
                Self.chunk(Self.content[..<1000]) + Self.chunk(Self.content[1000..<1001]) + Array("0\r\n\r\n".utf8)
            let answer = try await server.raw(
                Self.head("PATCH", session, "Transfer-Encoding: chunked", close: true) + body, patience: .seconds(20))
            let text = String(decoding: answer, as: UTF8.self)
            #expect(text.hasPrefix("HTTP/1.1 202 ") && text.lowercased().contains("\r\nrange: 0-1000\r\n"), "\(text)")
            let digest = sha256(Array(Self.content[..<1001]))
            #expect(try await image.follow("PUT", "\(session)?digest=\(digest)").status == 201)
        }
    }

    @Test(arguments: [(1, 8), (1, 12), (2, 12), (12, 12)])
    func `Of a chunked body that disagrees with its Content-Range no more than that is taken`(
        pieces: Int, count: Int
    ) async throws {
        try await withOCI { server in
            let image = server.image()
            let session = try await image.openUpload()
            let framing = "Transfer-Encoding: chunked\r\nContent-Range: 0-9"
            let size = count / pieces
            let chunks = (0..<pieces).flatMap { Self.chunk(Self.content[($0 * size)..<(($0 + 1) * size)]) }
            let body = chunks + Array("0\r\n\r\n".utf8)
            let answer = try await server.raw(
                Self.head("PATCH", session, framing, close: true) + body, patience: .seconds(20))
            #expect(String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.1 400 "))
            let held = min(count, 10)
            let status = try await image.follow("GET", session)
            #expect(status.status == 204 && status["Range"] == "0-\(held - 1)")
            let rest = Array(Self.content[held..<20])
            let again = try await image.follow("PATCH", session, ["Content-Range": "\(held)-19"], body: rest)
            #expect(again.status == 202 && again["Range"] == "0-19")
            let digest = sha256(Array(Self.content[..<20]))
            #expect(try await image.follow("PUT", "\(session)?digest=\(digest)").status == 201)
        }
    }

    @Test func `A body longer than its Content-Length is cut there and ends the connection`() async throws {
        try await withOCI { server in
            let image = server.image()
            let session = try await image.openUpload()
            let request = Self.head("PATCH", session, "Content-Length: 10") + Self.content[..<20]
            let answer = String(decoding: try await server.raw(request), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 202 ") && answer.contains("HTTP/1.1 400 "), "\(answer)")
            #expect(try await image.follow("GET", session)["Range"] == "0-9")
        }
    }

    @Test func `Of two requests that write to one session one is refused`() async throws {
        try await withOCI { server in
            let image = server.image()
            let session = try await image.openUpload()
            let slow = Self.head("PATCH", session, "Content-Length: 100") + Self.content[..<10]
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await server.raw(slow, patience: .seconds(4)) }
                var refusal: TestAnswer?
                for _ in 0..<30 where refusal == nil {
                    let answer = try await image.follow("PATCH", session, body: [])
                    if answer.status != 202 { refusal = answer }
                    try await Task.sleep(for: .milliseconds(50))
                }
                #expect(refusal?.refusal == "409 BLOB_UPLOAD_INVALID")
                try await group.waitForAll()
            }
            let held = try await Self.settled(image, session)
            #expect(held == 10)
            let digest = sha256(Array(Self.content[..<10]))
            #expect(try await image.follow("PUT", "\(session)?digest=\(digest)").status == 201)
        }
    }

    @Test func `Nothing is read, nor asked for, of a body that is refused`() async throws {
        try await withOCI { server in
            let framing = "Content-Length: 5000000\r\nExpect: 100-continue"
            let cases = [
                ("/v2/docker/app/manifests/big", "HTTP/1.1 413 "), ("/v2/docker/app/blobs/uploads/abc", "HTTP/1.1 404 ")
            ]
            for (path, status) in cases {
                let head = Self.head("PUT", path, framing, close: true)
                let answer = String(decoding: try await server.raw(head, patience: .seconds(20)), as: UTF8.self)
                #expect(answer.hasPrefix(status), "\(answer)")
            }
            let session = try await server.image().openUpload()
            let patience = Duration.seconds(3)
            let head = Self.head("PATCH", session, "Content-Length: 10\r\nExpect: 100-continue")
            let asked = String(decoding: try await server.raw(head, patience: patience), as: UTF8.self)
            #expect(asked == "HTTP/1.1 100 Continue\r\n\r\n")
        }
    }

    @Test func `A manifest over the limit is refused whether its length is told or not`() async throws {
        try await withOCI { server in
            let image = server.image()
            let padding = String(repeating: "x", count: 4 << 20)
            let long = OCIDocument(
                #"{"schemaVersion":2,"manifests":[],"annotations":{"a":"\#(padding)"}}"#, OCIDocument.index)
            #expect(try await image.put(long, at: "big").refusal == "413 SIZE_INVALID")
            let room = (4 << 20) - (long.bytes.count - padding.utf8.count)
            let fitting = String(repeating: "x", count: room)
            let exact = OCIDocument(
                #"{"schemaVersion":2,"manifests":[],"annotations":{"a":"\#(fitting)"}}"#, OCIDocument.index)
            #expect(exact.bytes.count == 4 << 20)
            #expect(try await image.put(exact, at: "big").status == 201)
            #expect(try await image.send("GET", "manifests/big").body == exact.bytes)
            let head = Self.head("PUT", "/v2/docker/app/manifests/big", "Transfer-Encoding: chunked", close: true)
            let answer = try await server.raw(
                head + Self.chunk(long.bytes) + Array("0\r\n\r\n".utf8), patience: .seconds(20))
            #expect(String(decoding: answer.prefix(20), as: UTF8.self).hasPrefix("HTTP/1.1 413 "))
        }
    }
}
