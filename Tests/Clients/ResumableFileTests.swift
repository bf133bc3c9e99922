import Foundation
import Testing

extension ClientTests {
    /// The resumable uploads of https://tus.io, version 1.0.0, spoken by hand.
    @Suite("Resumable files")
    struct ResumableFiles {
        @Test("An upload goes on after its first half")
        func resumption() async throws {
            try await withServer { server, sandbox in
                try sandbox.makeFile("file", bytes: 200_000)
                let bytes = try sandbox.read("file")
                try bytes.prefix(120_000).write(to: sandbox.work.appending(path: "head"))
                try bytes.dropFirst(120_000).write(to: sandbox.work.appending(path: "tail"))
                let target = "\(server.files)/in/file.bin"
                let opened = try await sandbox.tus(server, target, "-X", "POST", "-H", "Upload-Length: 200000")
                #expect(opened.status == 201)
                let location = try #require(opened.headers["location"])
                let upload = location.hasPrefix("/") ? server.url + location : location

                #expect(try await sandbox.send("head", at: 0, server, upload).status == 204)
                #expect(try await sandbox.tus(server, upload, "-I").headers["upload-offset"] == "120000")
                #expect(try await sandbox.send("tail", at: 0, server, upload).status == 409)
                #expect(try await sandbox.send("tail", at: 120_000, server, upload).status == 204)
                #expect(try await sandbox.curl("-u", server.credentials, target).body == bytes)
            }
        }
    }
}

extension Sandbox {
    fileprivate func tus(_ server: Server, _ url: String, _ arguments: String...) async throws -> CurlAnswer {
        try await curl(["-u", server.credentials, "-H", "Tus-Resumable: 1.0.0", url] + arguments)
    }

    fileprivate func send(_ file: String, at offset: Int, _ server: Server, _ url: String) async throws -> CurlAnswer {
        try await tus(
            server, url, "-X", "PATCH", "-T", file, "-H", "Upload-Offset: \(offset)",
            "-H", "Content-Type: application/offset+octet-stream")
    }
}
