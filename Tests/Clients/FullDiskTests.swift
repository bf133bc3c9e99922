import Foundation
import GranaryTestKit
import Testing

extension ClientTests {
    @Suite("A server whose disk is full")
    struct FullDisk {
        /// A small file system for the data directory.
        private static let size = "24m"

        @Test("Refuses in the protocol's own form, loses nothing, and recovers when there is space again")
        func fullDisk() async throws {
            let sandbox = try Sandbox()
            defer { sandbox.remove() }
            let data = sandbox.folder.appending(path: "data").path
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
            try await sandbox.run("mount", "-t", "tmpfs", "-o", "size=\(Self.size)", "tmpfs", data)
            do {
                try await fill(sandbox, data: data)
            } catch {
                _ = try? await sandbox.attempt("umount", "--lazy", data)
                throw error
            }
            try await sandbox.run("umount", "--lazy", data)
        }

        private func fill(_ sandbox: Sandbox, data: String) async throws {
            let server = try await startServer(in: sandbox)
            try sandbox.configure(for: server)
            try sandbox.logIn(to: server)
            try sandbox.makeFile("kept", bytes: 2 << 20)
            try sandbox.makeFile("large", bytes: 40 << 20)
            let kept = try await upload("kept", server, sandbox)
            #expect(kept.status == 201)

            let refused = try await upload("large", server, sandbox)
            #expect(refused.status == 503 && refused.headers["retry-after"] != nil)
            #expect(refused.text.contains("storage is full"), "\(refused.text)")
            let image = try await sandbox.makeImage("image", "--layer-mib", "40")
            let pushed = try await sandbox.attempt(
                "skopeo", "copy", "--quiet", "--dest-tls-verify=false", image.reference,
                "docker://\(server.host)/app:v1")
            #expect(!pushed.hasSucceeded && pushed.stderr.contains("503"), "\(pushed)")

            // Something else takes the rest, down to the last block.
            _ = try await sandbox.attempt("dd", "if=/dev/zero", "of=\(data)/ballast", "bs=4k")
            let none = try await upload("kept", as: "none", server, sandbox)
            #expect(none.status == 503, "\(none.text)")
            #expect(try await sandbox.curl("\(server.url)/readyz").status == 200)
            #expect(try await download("kept", server, sandbox) == sandbox.read("kept"))

            try FileManager.default.removeItem(atPath: "\(data)/ballast")
            #expect(try await upload("kept", as: "after", server, sandbox).status == 201)
            #expect(try await download("after", server, sandbox) == sandbox.read("kept"))
            await stop(server)
            let check = try await sandbox.granary("check", "--data", data)
            #expect(check.stdout.contains(" 0 problems"), "\(check)")
        }

        private func upload(
            _ file: String, as name: String? = nil, _ server: Server, _ sandbox: Sandbox
        ) async throws -> CurlAnswer {
            try await sandbox.curl(
                "-u", server.credentials, "-T", sandbox.path(file), "\(server.files)/disk/\(name ?? file)")
        }

        private func download(_ name: String, _ server: Server, _ sandbox: Sandbox) async throws -> Data {
            try await sandbox.curl("-u", server.credentials, "\(server.files)/disk/\(name)").body
        }
    }
}
