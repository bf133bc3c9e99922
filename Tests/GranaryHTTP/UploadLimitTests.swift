import FormatGeneric
import FoundationEssentials
import GranaryCore
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Upload sessions that are open")
struct UploadLimitTests {
    private static let content = Array("content".utf8)

    /// Serves images to users who may have three sessions each.
    private func withThree(
        in folder: TemporaryDirectory, _ body: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
        try await runOCI(in: folder, uploadLimit: 3, body)
    }

    private func withThree(_ body: @escaping @Sendable (TestServer) async throws -> Void) async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        try await withThree(in: folder, body)
    }

    private static func open(_ image: OCIImage) async throws -> TestAnswer {
        try await image.send("POST", "blobs/uploads/")
    }

    /// One more is refused.
    private static func expectFull(_ image: OCIImage) async throws {
        let answer = try await open(image)
        #expect(answer.refusal == "429 TOOMANYREQUESTS" && answer["Retry-After"] == "60")
    }

    @Test("Beyond the limit there are no more, for that user; what needs no session goes on")
    func bounded() async throws {
        try await withThree { server in
            let image = server.image()
            for _ in 0..<3 { #expect(try await Self.open(image).status == 202) }
            try await Self.expectFull(image)
            try await Self.expectFull(server.image("docker/other"))
            try await image.push(Self.content)
            let ann = try await server.member("ann", [.read, .write])
            #expect(try await Self.open(server.image(as: ann)).status == 202)
        }
    }

    @Test("Many at once get no further")
    func atOnce() async throws {
        try await withThree { server in
            let statuses = try await concurrently(20) { _ in try await Self.open(server.image()).status }
            #expect(statuses.count { $0 == 202 } == 3 && statuses.count { $0 == 429 } == 17)
        }
    }

    @Test("A session that is finished, cancelled, voided or expired gives its place back, once")
    func givenBack() async throws {
        try await withThree { server in
            let image = server.image()
            func fill() async throws -> String {
                let session = try await image.openUpload()
                try await Self.expectFull(image)
                return session
            }
            for _ in 0..<2 { _ = try await image.openUpload() }
            let finished = try await fill()
            let digest = sha256(Self.content)
            let put = try await image.follow("PUT", "\(finished)?digest=\(digest)", body: Self.content)
            #expect(put.status == 201)
            #expect(try await image.follow("PUT", "\(finished)?digest=\(digest)").status == 404)
            let cancelled = try await fill()
            #expect(try await image.follow("DELETE", cancelled).status == 204)
            #expect(try await image.follow("DELETE", cancelled).status == 404)
            let voided = try await fill()
            let mismatch = try await image.follow("PUT", "\(voided)?digest=\(digest)", body: [1, 2, 3])
            #expect(mismatch.status == 400)
            _ = try await fill()
            let future = Timestamp(milliseconds: 4_000_000_000_000)
            #expect(try await server.services.expireUploads(before: future) == 3)
            for _ in 0..<3 { #expect(try await Self.open(image).status == 202) }
            try await Self.expectFull(image)
        }
    }

    @Test("After a restart they still count, and only those there are")
    func restart() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        try await withThree(in: folder) { server in
            let image = server.image()
            for _ in 0..<2 { _ = try await image.openUpload() }
            let digest = sha256(Self.content)
            let session = try await image.openUpload()
            #expect(
                try await image.follow("PUT", "\(session)?digest=\(digest)", body: Self.content).status == 201)
        }
        try await withThree(in: folder) { server in
            let session = try await server.image().openUpload()
            try await Self.expectFull(server.image())
            #expect(try await server.image().follow("DELETE", session).status == 204)
            _ = try await server.image().openUpload()
            try await Self.expectFull(server.image())
        }
    }

    @Test("A resumable upload of a file is refused in the words of its protocol")
    func generic() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let files = NewRepository(
            name: try "files".parsed(), format: try "generic".parsed(), kind: .local, settings: RepositorySettings())
        try await TestServer.run(
            formats: [Generic()], repositories: [files], in: folder, uploadLimit: 1
        ) { server in
            let headers = ["Tus-Resumable": "1.0.0", "Upload-Length": "5"]
            #expect(try await server.send("POST", "/generic/files/a", headers).status == 201)
            let refused = try await server.send("POST", "/generic/files/b", headers)
            #expect(refused.status == 429 && refused["Retry-After"] == "60" && refused["Tus-Resumable"] == "1.0.0")
            #expect(refused["Content-Type"] == "application/problem+json" && refused.text.contains("uploads are open"))
            try await server.put("files/b")
        }
    }
}
