import Foundation
import GranaryTestKit
import Testing

extension ClientTests {
    @Suite("skopeo")
    struct Skopeo {
        @Test("Copies an image there and back with the same digest")
        func roundTrip() async throws {
            try await withServer { server, sandbox in
                let image = try await sandbox.makeImage()
                let back = sandbox.emptyLayout("back")
                try await sandbox.push(image, to: "\(server.host)/team/api:v1")
                try await sandbox.pull("\(server.host)/team/api:v1", into: back)
                #expect(try back.digest() == image.digest())
                #expect(try back.blobs() == image.blobs())
            }
        }

        @Test("Copies all platforms of an image")
        func allPlatforms() async throws {
            try await withServer { server, sandbox in
                let image = try await sandbox.makeImage("image", "--platforms", "amd64,arm64,riscv64")
                let back = sandbox.emptyLayout("back")
                try await sandbox.push(image, to: "\(server.host)/team/api:v1")
                try await sandbox.pull("\(server.host)/team/api:v1", into: back)
                #expect(try back.digest() == image.digest())
                #expect(try back.blobs() == image.blobs())
            }
        }

        @Test("Stores Docker's manifests beside OCI's")
        func dockerManifest() async throws {
            try await withServer { server, sandbox in
                let image = try await sandbox.makeImage()
                let name = "docker://\(server.host)/team/api"
                try await sandbox.run(
                    "skopeo", "copy", "--dest-tls-verify=false", "--format", "v2s2", image.reference, "\(name):docker")
                let raw = try await sandbox.run("skopeo", "inspect", "--tls-verify=false", "--raw", "\(name):docker")
                #expect(raw.text.contains("application/vnd.docker.distribution.manifest.v2+json"))
                try await sandbox.run(
                    "skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", "\(name):docker",
                    "docker://\(server.host)/other/api:v1")
                let copied = try await sandbox.skopeoDigest("\(server.host)/other/api:v1")
                #expect(try await sandbox.skopeoDigest("\(server.host)/team/api:docker") == copied)
            }
        }

        @Test("Reads labels and tags")
        func inspection() async throws {
            try await withServer { server, sandbox in
                let image = try await sandbox.makeImage("image", "--seed", "blue")
                try await sandbox.push(image, to: "\(server.host)/team/api:v1")
                try await sandbox.push(image, to: "\(server.host)/team/api:v2")
                let name = "docker://\(server.host)/team/api"
                let inspected = try await sandbox.run("skopeo", "inspect", "--tls-verify=false", "\(name):v1")
                #expect(inspected.text.contains(#""seed": "blue""#))
                #expect(inspected.text.contains(try image.digest()))
                let listed = try await sandbox.run("skopeo", "list-tags", "--tls-verify=false", name)
                let tags = try JSONDecoder().decode(TagList.self, from: listed.bytes).Tags
                #expect(tags == ["v1", "v2"])
            }
        }

        private struct TagList: Decodable {
            let Tags: [String]
        }

        @Test("Deletes an image with its tags, and leaves the others")
        func deletion() async throws {
            try await withServer { server, sandbox in
                let name = "\(server.host)/team/api"
                try await sandbox.push(try await sandbox.makeImage("one", "--seed", "one"), to: "\(name):one")
                try await sandbox.push(try await sandbox.makeImage("two", "--seed", "two"), to: "\(name):two")
                try await sandbox.run("skopeo", "delete", "--tls-verify=false", "docker://\(name):one")
                let gone = try await sandbox.attempt("skopeo", "inspect", "--tls-verify=false", "docker://\(name):one")
                #expect(gone.stderr.contains("manifest unknown"))
                let listed = try await sandbox.run("skopeo", "list-tags", "--tls-verify=false", "docker://\(name)")
                #expect(try JSONDecoder().decode(TagList.self, from: listed.bytes).Tags == ["two"])
            }
        }

        @Test("Is refused with a wrong password and without one", arguments: ["--creds=admin:wrong", "--no-creds"])
        func refusal(_ credentials: String) async throws {
            try await withServer { server, sandbox in
                let name = "\(server.host)/team/api:v1"
                try await sandbox.push(try await sandbox.makeImage(), to: name)
                let refused = try await sandbox.attempt(
                    "skopeo", "inspect", "--tls-verify=false", credentials, "docker://\(name)")
                #expect(!refused.hasSucceeded)
                #expect(refused.stderr.contains("unauthorized"))
            }
        }

        @Test("Logs in with the right password only")
        func login() async throws {
            try await withServer { server, sandbox in
                try sandbox.logOut()
                let wrong = try await sandbox.attempt(
                    "skopeo", "login", "--tls-verify=false", "-u", "admin", "-p", "wrong", server.host)
                #expect(!wrong.hasSucceeded)
                let right = try await sandbox.run(
                    "skopeo", "login", "--tls-verify=false", "-u", "admin", "-p", server.password, server.host)
                #expect(right.text == "Login Succeeded!")
            }
        }
    }
}

extension Sandbox {
    /// Pushes an image and everything its index names.
    func push(_ image: ImageLayout, to name: String) async throws {
        try await run(
            "skopeo", "copy", "--quiet", "--all", "--dest-tls-verify=false", image.reference, "docker://\(name)")
    }

    /// Pulls an image and everything its index names.
    func pull(_ name: String, into image: ImageLayout) async throws {
        try await run(
            "skopeo", "copy", "--quiet", "--all", "--src-tls-verify=false", "docker://\(name)", image.reference)
    }

    /// The digest a name stands for on the server.
    func skopeoDigest(_ name: String) async throws -> String {
        try await run("skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", "docker://\(name)").text
    }
}
