import Foundation
import GranaryTestKit
import Testing

extension ClientTests {
    @Suite("podman")
    struct Podman {
        @Test("Logs in with the right password only")
        func login() async throws {
            try await withServer { server, sandbox in
                try sandbox.logOut()
                let wrong = try await sandbox.attempt(
                    "podman", "login", "--tls-verify=false", "-u", "admin", "-p", "wrong", server.host)
                #expect(!wrong.hasSucceeded)
                try await sandbox.run(
                    "podman", "login", "--tls-verify=false", "-u", "admin", "-p", server.password, server.host)
            }
        }

        @Test("Builds, pushes, pulls and runs an image")
        func lifeOfAnImage() async throws {
            try await withServer { server, sandbox in
                let name = "\(server.host)/team/hello:v1"
                try sandbox.writeContainerfile(greeting: "from podman")
                try await sandbox.run("podman", "build", "-t", name, sandbox.path("context"))
                try await sandbox.run(
                    "podman", "push", "--tls-verify=false", "--digestfile", sandbox.path("digest"), name)
                let pushed = String(decoding: try sandbox.read("digest"), as: UTF8.self)
                #expect(try await sandbox.skopeoDigest(name) == pushed)

                try await sandbox.run("podman", "rmi", "--all", "--force")
                try await sandbox.run("podman", "pull", "--tls-verify=false", name)
                let pulled = try await sandbox.run("podman", "image", "inspect", "--format", "{{.Digest}}", name)
                #expect(pulled.text == pushed)
                #expect(try await sandbox.run("podman", "run", "--rm", name).text == "from podman")
            }
        }

        @Test("Pushes a manifest list")
        func manifestList() async throws {
            try await withServer { server, sandbox in
                let image = try await sandbox.makeImage("image", "--platforms", "amd64,arm64")
                try await sandbox.push(image, to: "\(server.host)/team/api:v1")
                try await sandbox.run("podman", "manifest", "create", "local")
                try await sandbox.run(
                    "podman", "manifest", "add", "--all", "--tls-verify=false", "local",
                    "docker://\(server.host)/team/api:v1")
                try await sandbox.run(
                    "podman", "manifest", "push", "--all", "--tls-verify=false", "local",
                    "docker://\(server.host)/team/list:v1")
                let raw = try await sandbox.run(
                    "skopeo", "inspect", "--tls-verify=false", "--raw", "docker://\(server.host)/team/list:v1")
                #expect(try ImageLayout.Index(raw.bytes).manifests.count == 2)
            }
        }
    }

    @Suite("buildah")
    struct Buildah {
        @Test("Commits from scratch, pushes and pulls")
        func roundTrip() async throws {
            try await withServer { server, sandbox in
                let name = "\(server.host)/team/built:v1"
                try sandbox.write("from buildah", to: "greeting")
                let container = try await sandbox.run("buildah", "from", "scratch").text
                try await sandbox.run("buildah", "copy", container, sandbox.path("greeting"), "/greeting")
                try await sandbox.run("buildah", "config", "--label", "made=here", container)
                try await sandbox.run("buildah", "commit", "--rm", container, name)
                try await sandbox.run(
                    "buildah", "push", "--tls-verify=false", "--digestfile", sandbox.path("digest"), name)
                let pushed = String(decoding: try sandbox.read("digest"), as: UTF8.self)
                #expect(try await sandbox.skopeoDigest(name) == pushed)

                try await sandbox.run("buildah", "rmi", "--all", "--force")
                try await sandbox.run("buildah", "pull", "--tls-verify=false", name)
                let inspected = try await sandbox.run("buildah", "inspect", "--format", "{{.FromImageDigest}}", name)
                #expect(inspected.text == pushed)
            }
        }
    }

    @Suite("umoci")
    struct Umoci {
        @Test("Unpacks from the server what it packed")
        func roundTrip() async throws {
            try await withServer { server, sandbox in
                let made = sandbox.emptyLayout("made")
                let back = sandbox.emptyLayout("back")
                try await sandbox.run("umoci", "init", "--layout", made.folder.path)
                try await sandbox.run("umoci", "new", "--image", "\(made.folder.path):v1")
                try await sandbox.run("umoci", "unpack", "--image", "\(made.folder.path):v1", sandbox.path("before"))
                try sandbox.write("from umoci", to: "before/rootfs/etc/greeting")
                try await sandbox.run("umoci", "repack", "--image", "\(made.folder.path):v1", sandbox.path("before"))

                try await sandbox.push(made, to: "\(server.host)/team/packed:v1")
                try await sandbox.pull("\(server.host)/team/packed:v1", into: back)
                #expect(try back.digest() == made.digest())
                try await sandbox.run("umoci", "unpack", "--image", "\(back.folder.path):v1", sandbox.path("after"))
                try await sandbox.run("diff", "--recursive", "before/rootfs", "after/rootfs")
            }
        }
    }
}
