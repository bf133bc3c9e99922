import Foundation
import Testing

extension ClientTests {
    @Suite("curl and files")
    struct GenericFiles {
        @Test("Puts and gets a file with its checksums")
        func roundTrip() async throws {
            try await withFile { server, sandbox, hex in
                let url = "\(server.files)/app/1.0/app.bin"
                let put = try await sandbox.curl("-u", server.credentials, "-T", "file", url)
                #expect(put.status == 201)
                let get = try await sandbox.curl("-u", server.credentials, url)
                #expect(try get.body == sandbox.read("file"))
                #expect(get.headers["etag"] == "\"\(hex)\"")
                #expect(get.headers["x-checksum-sha256"] == hex)
                let again = try await sandbox.curl("-u", server.credentials, "-T", "file", url)
                #expect(again.status == 200)
            }
        }

        @Test("Streams a file of unknown length, and lets curl name it")
        func stream() async throws {
            try await withFile { server, sandbox, _ in
                let put = try await sandbox.curl(
                    "-u", server.credentials, "-T", "file", "-H", "Transfer-Encoding: chunked", "\(server.files)/in/")
                #expect(put.status == 201)
                let get = try await sandbox.curl("-u", server.credentials, "\(server.files)/in/file")
                #expect(try get.body == sandbox.read("file"))
            }
        }

        @Test("A download that broke off goes on, and a whole one is left alone")
        func resumption() async throws {
            try await withFile { server, sandbox, _ in
                let url = "\(server.files)/app/app.bin"
                _ = try await sandbox.curl("-u", server.credentials, "-T", "file", url)
                try (try sandbox.read("file")).prefix(1000).write(to: sandbox.work.appending(path: "part"))
                let rest = try await sandbox.curl("-u", server.credentials, "-C", "-", "-o", "part", url)
                #expect(rest.status == 206)
                #expect(try sandbox.read("part") == sandbox.read("file"))
                let nothing = try await sandbox.curl("-u", server.credentials, "-C", "-", "-o", "part", url)
                #expect(nothing.status == 416)
                #expect(nothing.exit == 0)
            }
        }

        @Test("Lists a folder")
        func listing() async throws {
            try await withFile { server, sandbox, hex in
                for path in ["dir/b.bin", "dir/a.bin", "dir/below/c.bin", "other.bin"] {
                    _ = try await sandbox.curl("-u", server.credentials, "-T", "file", "\(server.files)/\(path)")
                }
                let listed = try await sandbox.curl(
                    "-u", server.credentials, "-H", "Accept: application/json", "\(server.files)/dir/")
                let listing = try JSONDecoder().decode(Listing.self, from: listed.body)
                #expect(listing.children.map(\.name).sorted() == ["a.bin", "b.bin", "below"])
                #expect(listing.children.filter(\.folder).map(\.name) == ["below"])
                #expect(listing.children.first { $0.name == "a.bin" }?.sha256 == hex)
            }
        }

        private struct Listing: Decodable {
            struct Child: Decodable {
                let name: String
                let folder: Bool
                let sha256: String?
            }

            let children: [Child]
        }

        @Test("Deletes a file, and a folder when told to")
        func deletion() async throws {
            try await withFile { server, sandbox, _ in
                let url = "\(server.files)/dir"
                for name in ["a", "b", "c"] {
                    _ = try await sandbox.curl("-u", server.credentials, "-T", "file", "\(url)/\(name)")
                }
                #expect(try await sandbox.curl("-u", server.credentials, "-X", "DELETE", "\(url)/a").status == 204)
                #expect(try await sandbox.curl("-u", server.credentials, "\(url)/a").status == 404)
                #expect(try await sandbox.curl("-u", server.credentials, "-X", "DELETE", "\(url)/a").status == 404)
                #expect(try await sandbox.curl("-u", server.credentials, "-X", "DELETE", "\(url)/").status == 400)
                let tree = try await sandbox.curl(
                    "-u", server.credentials, "-X", "DELETE", "\(url)/?recursive=true")
                #expect(tree.status == 204)
                #expect(try await sandbox.curl("-u", server.credentials, "\(url)/b").status == 404)
            }
        }

        @Test("Deploys by checksum what is stored already")
        func checksumDeploy() async throws {
            try await withFile { server, sandbox, hex in
                _ = try await sandbox.curl("-u", server.credentials, "-T", "file", "\(server.files)/a/file")
                let known = try await sandbox.deploy(hex, to: "\(server.files)/b/file", server)
                #expect(known.status == 201)
                let get = try await sandbox.curl("-u", server.credentials, "\(server.files)/b/file")
                #expect(try get.body == sandbox.read("file"))
                let unknown = String(repeating: "0", count: 64)
                #expect(try await sandbox.deploy(unknown, to: "\(server.files)/c/file", server).status == 404)
            }
        }

        @Test("Nothing is stored of a file that is not what its checksum says")
        func wrongChecksum() async throws {
            try await withFile { server, sandbox, _ in
                let url = "\(server.files)/a/file"
                let wrong = "X-Checksum-Sha256: \(String(repeating: "0", count: 64))"
                let put = try await sandbox.curl("-u", server.credentials, "-T", "file", "-H", wrong, url)
                #expect(put.status == 409)
                #expect(try await sandbox.curl("-u", server.credentials, url).status == 404)
            }
        }

        @Test("Conditions and partial puts are refused as HTTP says")
        func conditions() async throws {
            try await withFile { server, sandbox, _ in
                let url = "\(server.files)/a/file"
                let put = ["-u", server.credentials, "-T", "file", url]
                #expect(try await sandbox.curl(put + ["-H", "If-None-Match: *"]).status == 201)
                #expect(try await sandbox.curl(put + ["-H", "If-None-Match: *"]).status == 412)
                #expect(try await sandbox.curl(put + ["-H", "Content-Range: bytes 0-1/10"]).status == 400)
                #expect(try await sandbox.curl("-u", "admin:wrong", url).status == 401)
                let refused = try await sandbox.curl("-T", "file", "-H", "Expect: 100-continue", url)
                #expect(refused.status == 401)
                #expect(refused.uploaded == 0)
            }
        }

        @Test(
            "Paths that leave the repository are refused", arguments: ["../../etc/passwd", "%2e%2e/x", "a%2fb", "a%00"])
        func escapes(_ path: String) async throws {
            try await withFile { server, sandbox, _ in
                let url = "\(server.files)/\(path)"
                let put = try await sandbox.curl("-u", server.credentials, "--path-as-is", "-T", "file", url)
                #expect((400..<500).contains(put.status))
            }
        }

        private func withFile(_ body: (Server, Sandbox, String) async throws -> Void) async throws {
            try await withServer { server, sandbox in
                try sandbox.makeFile("file", bytes: 300_000)
                try await body(server, sandbox, try await sandbox.sha256("file"))
            }
        }
    }
}

extension Sandbox {
    /// Asks for a file to be made of bytes the server has.
    fileprivate func deploy(_ sha256: String, to url: String, _ server: Server) async throws -> CurlAnswer {
        try await curl(
            "-u", server.credentials, "-X", "PUT", "-H", "X-Checksum-Deploy: true", "-H",
            "X-Checksum-Sha256: \(sha256)",
            "-H", "Content-Length: 0", url)
    }
}
