import GranaryModel
import GranaryTestKit
import Testing

@Suite(.serialized) struct OCIUploadTests {
    private static let first = Array("first ".utf8)
    private static let second = Array("second".utf8)
    private static let whole = first + second

    @Test func `A session tells where it stands at every step`() async throws {
        try await withOCI { server in
            let image = server.image()
            let opened = try await image.send("POST", "blobs/uploads/")
            #expect(opened.status == 202 && opened["Range"] == "0-0" && opened["Content-Length"] == "0")
            let session = try #require(opened["Location"])
            let id = try #require(opened["Docker-Upload-UUID"])
            #expect(session == "/v2/docker/app/blobs/uploads/\(id)")

            let patched = try await image.follow("PATCH", session, body: Self.first)
            #expect(patched.status == 202 && patched["Range"] == "0-5" && patched["Location"] == session)
            #expect(patched["Docker-Upload-UUID"] == id)
            let again = try await image.follow("PATCH", session, body: Self.second)
            #expect(again["Range"] == "0-11")
            for method in ["GET", "HEAD"] {
                let status = try await image.follow(method, session)
                #expect(status.status == 204 && status["Range"] == "0-11" && status["Location"] == session)
            }
            let digest = sha256(Self.whole)
            let put = try await image.follow("PUT", "\(session)?digest=\(digest)")
            #expect(put.status == 201 && put["Docker-Content-Digest"] == digest)
            #expect(put["Location"] == "/v2/docker/app/blobs/\(digest)")
            #expect(try await image.send("GET", "blobs/\(digest)").body == Self.whole)
            #expect(try await image.follow("GET", session).refusal == "404 BLOB_UPLOAD_UNKNOWN")
        }
    }

    @Test func `A blob may come with the closing request, in whole or its end`() async throws {
        try await withOCI { server in
            let image = server.image()
            let digest = sha256(Self.whole)
            let one = try await image.openUpload()
            #expect(try await image.follow("PUT", "\(one)?digest=\(digest)", body: Self.whole).status == 201)
            let two = try await image.openUpload()
            _ = try await image.follow("PATCH", two, body: Self.first)
            let closed = try await image.follow(
                "PUT", "\(two)?digest=\(digest)", ["Content-Range": "6-11"], body: Self.second)
            #expect(closed.status == 201)
            // Clients keep parameters they were not given, and add their own.
            let three = try await image.openUpload()
            let state = try await image.follow("PUT", "\(three)?_state=x&digest=\(digest)&ns=a", body: Self.whole)
            #expect(state.status == 201)
        }
    }

    struct ChunkCase: Sendable {
        let range: String
        let body: String
        let refusal: String?

        init(_ range: String, _ body: String, _ refusal: String? = nil) {
            self.range = range
            self.body = body
            self.refusal = refusal
        }
    }

    @Test func `Chunks say where they belong, in both spellings, and are refused anywhere else`() async throws {
        // Each in turn on one session; `nil` advances it.
        let cases = [
            ChunkCase("0-4", "01234"), ChunkCase("bytes 5-6/*", "56"), ChunkCase("bytes 7-8/100", "78"),
            ChunkCase("10-11", "ab", "416"), ChunkCase("0-1", "01", "416"), ChunkCase("8-9", "89", "416"),
            ChunkCase("9-9", "xyz", "400 SIZE_INVALID"), ChunkCase("9-20", "x", "400 SIZE_INVALID"),
            ChunkCase("9", "x", "400 RANGE_INVALID"), ChunkCase("b-c", "x", "400 RANGE_INVALID"),
            ChunkCase("9-8", "x", "400 RANGE_INVALID"), ChunkCase("bytes=9-9", "x", "400 RANGE_INVALID"),
            ChunkCase("-1", "x", "400 RANGE_INVALID"), ChunkCase("bytes 9-9/9", "x", "400 RANGE_INVALID"),
            ChunkCase("9-9", "9")
        ]
        try await withOCI { server in
            let image = server.image()
            let session = try await image.openUpload()
            var held = ""
            for chunk in cases {
                let answer = try await image.follow(
                    "PATCH", session, ["Content-Range": chunk.range], body: Array(chunk.body.utf8))
                switch chunk.refusal {
                case nil:
                    held += chunk.body
                    #expect(answer.status == 202, "\(chunk)")
                case "416":
                    #expect(answer.status == 416 && answer.body.isEmpty && answer["Location"] == session)
                    #expect(answer["Range"] == "0-\(held.utf8.count - 1)")
                default: #expect(answer.refusal == chunk.refusal, "\(chunk)")
                }
                #expect(try await image.follow("GET", session)["Range"] == "0-\(held.utf8.count - 1)")
            }
            let digest = sha256(Array(held.utf8))
            let late = try await image.follow("PUT", "\(session)?digest=\(digest)", ["Content-Range": "3-3"], body: [1])
            #expect(late.status == 416 && late["Range"] == "0-9" && late["Location"] == session)
            #expect(try await image.follow("PUT", "\(session)?digest=\(digest)").status == 201)
        }
    }

    @Test func `A wrong digest voids the session, and so does cancelling it`() async throws {
        try await withOCI { server in
            let image = server.image()
            let wrong = try await image.openUpload()
            _ = try await image.follow("PATCH", wrong, body: Self.first)
            let refused = try await image.follow("PUT", "\(wrong)?digest=\(sha256(Self.second))")
            #expect(refused.refusal == "400 DIGEST_INVALID")
            let cancelled = try await image.openUpload()
            let gone = try await image.follow("DELETE", cancelled)
            #expect(gone.status == 204 && gone.body.isEmpty)
            let never = "/v2/docker/app/blobs/uploads/\(String(repeating: "0", count: 32))"
            for session in [wrong, cancelled, never, "/v2/docker/app/blobs/uploads/..%2F..", never + "0"] {
                for method in ["GET", "PATCH", "PUT", "DELETE"] {
                    let query = method == "PUT" ? "?digest=\(sha256([]))" : ""
                    let answer = try await image.follow(method, session + query)
                    let expected = session.contains("%2F") ? "400 NAME_INVALID" : "404 BLOB_UPLOAD_UNKNOWN"
                    #expect(answer.refusal == expected, "\(method) \(session)")
                }
            }
            // Without a digest, or with one that is none, the session stays.
            let open = try await image.openUpload()
            for query in ["", "?digest=sha256:abc", "?digest=md5:d41d8cd98f00b204e9800998ecf8427e"] {
                #expect(try await image.follow("PUT", open + query).refusal == "400 DIGEST_INVALID")
            }
            #expect(try await image.follow("GET", open).status == 204)
        }
    }

    @Test func `A session is for one image and one user`() async throws {
        try await withOCI([.oci("docker", isDefault: true), .oci("prod")]) { server in
            let image = server.image()
            let other = try await server.member("other", [.read, .write])
            let session = try await image.openUpload()
            let id = try #require(session.split(separator: "/").last)
            let strangers = [
                server.image(as: other), server.image("docker/app2"), server.image("docker/app/x"),
                server.image("prod/app")
            ]
            for stranger in strangers {
                for method in ["GET", "PATCH", "PUT", "DELETE"] {
                    let query = method == "PUT" ? "?digest=\(sha256([]))" : ""
                    let answer = try await stranger.send(method, "blobs/uploads/\(id)\(query)", body: [])
                    #expect(answer.refusal == "404 BLOB_UPLOAD_UNKNOWN", "\(method) \(stranger.name)")
                }
            }
            // The default repository's short name is the same image.
            #expect(try await server.image("app").send("GET", "blobs/uploads/\(id)").status == 204)
            #expect(try await image.follow("GET", session).status == 204)
        }
    }

    @Test func `A session goes on after a restart`() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let sessions = try await runOCI(in: folder) { server in
            let image = server.image()
            let sessions = [try await image.openUpload(), try await image.openUpload("?digest-algorithm=sha512")]
            for session in sessions { _ = try await image.follow("PATCH", session, body: Self.first) }
            return sessions + [try await image.openUpload()]
        }
        try await runOCI(in: folder) { server in
            let image = server.image()
            let digests = [sha256(Self.whole), sha512(Self.whole)]
            for (session, digest) in zip(sessions, digests) {
                let status = try await image.follow("GET", session)
                #expect(status.status == 204 && status["Range"] == "0-5")
                let patched = try await image.follow(
                    "PATCH", session, ["Content-Range": "6-11"], body: Self.second)
                #expect(patched.status == 202 && patched["Range"] == "0-11")
                #expect(try await image.follow("PUT", "\(session)?digest=\(digest)").status == 201)
                #expect(try await image.send("GET", "blobs/\(digest)").body == Self.whole)
            }
            #expect(try await image.follow("PUT", "\(sessions[2])?digest=\(sha256([9]))", body: [9]).status == 201)
        }
    }
}
