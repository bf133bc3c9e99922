import Foundation
import Testing

extension ClientTests {
    /// What no container client sends, but the specification allows: chunks with ranges, and going on after a break.
    @Suite("curl uploads")
    struct CurlUploads {
        private let size = 3_000_000

        @Test("Sends a blob in chunks with ranges, and is told where the upload stands")
        func chunks() async throws {
            try await withBlob { blob in
                try await blob.cut(at: 1_000_000)
                let location = try await blob.begin()
                let first = try await blob.patch(location, "head", range: "0-999999")
                #expect(first.status == 202)
                #expect(first.headers["range"] == "0-999999")
                let next = try blob.location(of: first)
                let status = try await blob.request(next)
                #expect(status.status == 204)
                #expect(status.headers["range"] == "0-999999")
                let second = try await blob.patch(next, "tail", range: "1000000-\(size - 1)")
                #expect(second.headers["range"] == "0-\(size - 1)")
                try await blob.finish(at: try blob.location(of: second))
            }
        }

        @Test("A chunk that starts elsewhere is refused, and the upload can go on")
        func outOfOrder() async throws {
            try await withBlob { blob in
                try await blob.cut(at: 1_000_000)
                let location = try await blob.begin()
                let early = try await blob.patch(location, "tail", range: "1000000-\(size - 1)")
                #expect(early.status == 416)
                let first = try await blob.patch(location, "head", range: "0-999999")
                #expect(first.status == 202)
                let again = try await blob.patch(try blob.location(of: first), "head", range: "0-999999")
                #expect(again.status == 416)
                let second = try await blob.patch(
                    try blob.location(of: first), "tail", range: "1000000-\(size - 1)")
                try await blob.finish(at: try blob.location(of: second))
            }
        }

        @Test("An upload that broke off goes on where it stopped")
        func resumption() async throws {
            try await withBlob { blob in
                let location = try await blob.begin()
                let broken = try await blob.request(
                    location, "-X", "PATCH", "-T", "blob", "--limit-rate", "1M", "--max-time", "1", "-H", "Expect:")
                #expect(broken.exit == 28)
                let held = try await blob.bytesHeld(at: location)
                #expect((1..<size).contains(held))
                try await blob.cut(at: held)
                let rest = try await blob.patch(location, "tail", range: "\(held)-\(size - 1)")
                #expect(rest.status == 202)
                try await blob.finish(at: try blob.location(of: rest))
            }
        }

        @Test("Streams a blob of unknown length")
        func unknownLength() async throws {
            try await withBlob { blob in
                let location = try await blob.begin()
                let sent = try await blob.request(
                    location, "-X", "PATCH", "-T", "blob", "-H", "Transfer-Encoding: chunked",
                    "-H", "Content-Type: application/octet-stream")
                #expect(sent.status == 202)
                try await blob.finish(at: try blob.location(of: sent))
            }
        }

        @Test("Sends a blob with the request that closes the upload")
        func monolithic() async throws {
            try await withBlob { blob in
                let location = try await blob.begin()
                let closed = try await blob.request(blob.closing(location), "-X", "PUT", "-T", "blob")
                #expect(closed.status == 201)
                try await blob.verifyStored()
            }
        }

        @Test("Bytes that are not what the digest says are refused, and not stored")
        func wrongDigest() async throws {
            try await withBlob { blob in
                try await blob.cut(at: size - 1)
                let location = try await blob.begin()
                let refused = try await blob.request(blob.closing(location), "-X", "PUT", "-T", "head")
                #expect(refused.status == 400)
                #expect(refused.text.contains("DIGEST_INVALID"))
                #expect(try await blob.request(blob.url, "-I").status == 404)
            }
        }

        @Test("A cancelled upload is gone")
        func cancellation() async throws {
            try await withBlob { blob in
                let location = try await blob.begin()
                #expect(try await blob.request(location, "-X", "DELETE").status == 204)
                #expect(try await blob.request(location).status == 404)
            }
        }

        @Test("Is told to go on before it sends a body, and refused before it has sent any")
        func expectation() async throws {
            try await withBlob { blob in
                let location = try await blob.begin()
                let sent = try await blob.request(location, "-X", "PATCH", "-T", "blob", "-H", "Expect: 100-continue")
                #expect(sent.trace.contains("< HTTP/1.1 100 Continue"))
                #expect(sent.status == 202)
                let refused = try await blob.sandbox.curl(
                    "-X", "PATCH", "-T", "blob", "-H", "Expect: 100-continue", location)
                #expect(refused.status == 401)
                #expect(refused.uploaded == 0)
            }
        }

        private func withBlob(_ body: (UploadedBlob) async throws -> Void) async throws {
            try await withServer { server, sandbox in
                try sandbox.makeFile("blob", bytes: size)
                let authorization = try await sandbox.authorization(for: "team/raw", on: server)
                let digest = try await sandbox.sha256("blob")
                try await body(
                    UploadedBlob(server: server, sandbox: sandbox, authorization: authorization, digest: digest))
            }
        }
    }
}

/// The file `blob` of a sandbox, on its way to the image name `team/raw`.
private struct UploadedBlob {
    let server: Server
    let sandbox: Sandbox
    let authorization: String
    /// In hexadecimal.
    let digest: String

    var url: String { "\(server.url)/v2/team/raw/blobs/sha256:\(digest)" }

    func request(_ url: String, _ arguments: String...) async throws -> CurlAnswer {
        try await sandbox.curl(["-H", authorization, url] + arguments)
    }

    /// Opens an upload and answers its address.
    func begin() async throws -> String {
        let answer = try await request("\(server.url)/v2/team/raw/blobs/uploads/", "-X", "POST")
        #expect(answer.status == 202)
        return try location(of: answer)
    }

    /// The absolute address an answer refers to.
    func location(of answer: CurlAnswer) throws -> String {
        let location = try #require(answer.headers["location"])
        return location.hasPrefix("/") ? server.url + location : location
    }

    /// The address that closes an upload.
    func closing(_ location: String) -> String {
        "\(location)\(location.contains("?") ? "&" : "?")digest=sha256:\(digest)"
    }

    func patch(_ location: String, _ file: String, range: String) async throws -> CurlAnswer {
        try await request(
            location, "-X", "PATCH", "-T", file, "-H", "Content-Range: \(range)",
            "-H", "Content-Type: application/octet-stream")
    }

    /// How many bytes the server has, once it has noticed that the client is gone.
    func bytesHeld(at location: String) async throws -> Int {
        for _ in 0..<50 {
            let range = try await request(location).headers["range"] ?? ""
            if let last = Int(range.split(separator: "-").last ?? ""), last > 0 { return last + 1 }
            try await Task.sleep(for: .milliseconds(100))
        }
        return 0
    }

    /// Cuts the blob into the files `head` and `tail`.
    func cut(at offset: Int) async throws {
        let bytes = try sandbox.read("blob")
        try bytes.prefix(offset).write(to: sandbox.work.appending(path: "head"))
        try bytes.dropFirst(offset).write(to: sandbox.work.appending(path: "tail"))
    }

    func finish(at location: String) async throws {
        let closed = try await request(closing(location), "-X", "PUT", "-H", "Content-Length: 0")
        #expect(closed.status == 201)
        #expect(closed.headers["docker-content-digest"] == "sha256:\(digest)")
        try await verifyStored()
    }

    func verifyStored() async throws {
        #expect(try await request(url).body == sandbox.read("blob"))
    }
}
