import Foundation
import GranaryTestKit
import Testing

extension ClientTests {
    @Suite("Pulling images through")
    struct PullThroughImages {
        @Test("podman runs what another registry has, also when that is gone, and publishes beside it")
        func podman() async throws {
            try await withRegistries { far, farSandbox, near, sandbox in
                let theirs = "\(far.host)/team/hello:v1"
                try farSandbox.writeContainerfile(greeting: "from afar")
                try await farSandbox.run("podman", "build", "-t", theirs, farSandbox.path("context"))
                try await farSandbox.run("podman", "push", "--tls-verify=false", theirs)
                let mine = "\(near.host)/all/mine:v1"
                try sandbox.writeContainerfile(greeting: "from here")
                try await sandbox.run("podman", "build", "-t", mine, sandbox.path("context"))
                try await sandbox.run(
                    "podman", "push", "--tls-verify=false", "--digestfile", sandbox.path("digest"), mine)
                let pushed = String(decoding: try sandbox.read("digest"), as: UTF8.self)
                #expect(try await sandbox.skopeoDigest("\(near.host)/own/mine:v1") == pushed)
                for _ in 0..<2 {
                    for (name, greeting) in [("all/mine", "from here"), ("all/team/hello", "from afar")] {
                        try await sandbox.run("podman", "rmi", "--all", "--force")
                        let image = "\(near.host)/\(name):v1"
                        try await sandbox.run("podman", "pull", "--tls-verify=false", image)
                        #expect(try await sandbox.run("podman", "run", "--rm", image).text == greeting)
                    }
                    far.kill()
                }
            }
        }

        @Test("Docker runs what another registry has, also when that is gone, and publishes beside it")
        func docker() async throws {
            try await withServer { far, farSandbox in
                try farSandbox.writeContainerfile(greeting: "from afar")
                let theirs = "\(far.host)/team/hello:v1"
                try await farSandbox.run("podman", "build", "-t", theirs, farSandbox.path("context"))
                try await farSandbox.run("podman", "push", "--tls-verify=false", theirs)
                try await withDocker { near, sandbox in
                    try await sandbox.makeRegistries(through: far, on: near)
                    let mine = "\(near.host)/all/mine:v1"
                    try sandbox.writeContainerfile(greeting: "from here")
                    try await sandbox.run(
                        "docker", "build", "--network", "none", "-t", mine, "-f", "context/Containerfile", "context")
                    try await sandbox.run("docker", "push", mine)
                    let digest = try await sandbox.skopeoDigest("\(near.host)/own/mine:v1")
                    for round in 0..<2 {
                        for (name, greeting) in [("all/mine", "from here"), ("all/team/hello", "from afar")] {
                            let image = "\(near.host)/\(name):v1"
                            if round > 0 || name == "all/mine" { try await sandbox.run("docker", "rmi", image) }
                            let pulled = try await sandbox.run("docker", "pull", image)
                            #expect(name != "all/mine" || pulled.text.contains("Digest: \(digest)"))
                            let ran = try await sandbox.run("docker", "run", "--rm", "--network", "none", image)
                            #expect(ran.text == greeting)
                        }
                        far.kill()
                    }
                }
            }
        }

        @Test("skopeo copies an index with all its platforms through, and oras finds what is attached to it")
        func families() async throws {
            try await withRegistries { far, farSandbox, near, sandbox in
                let image = try await farSandbox.makeImage("image", "--platforms", "amd64,arm64,riscv64")
                let theirs = "\(far.host)/team/app:v1"
                try await farSandbox.push(image, to: theirs)
                let types = ["application/vnd.example.report", "application/vnd.example.sbom"]
                for type in types { try await farSandbox.attach(type: type, to: theirs) }
                let mine = try await sandbox.makeImage("mine", "--platforms", "amd64,arm64", "--seed", "mine")
                try await sandbox.push(mine, to: "\(near.host)/all/mine:v1")
                #expect(try await sandbox.skopeoDigest("\(near.host)/own/mine:v1") == mine.digest())
                for (round, name) in ["all", "hub", "all"].enumerated() {
                    let back = sandbox.emptyLayout("back-\(round)")
                    try await sandbox.pull("\(near.host)/\(name)/team/app:v1", into: back)
                    #expect(try back.digest() == image.digest() && back.blobs() == image.blobs())
                    let attached = try await sandbox.artifactTypes(attachedTo: "\(near.host)/\(name)/team/app:v1")
                    #expect(attached == types)
                    if round == 1 { far.kill() }
                }
            }
        }

        @Test("containerd takes the server for a mirror of another registry, also when that is gone")
        func containerd() async throws {
            try await withRegistries { far, farSandbox, near, sandbox in
                let image = try await farSandbox.makeImage("image", "--layer-mib", "1")
                try await farSandbox.push(image, to: "\(far.host)/library/app:v1")
                try await sandbox.change(
                    "hub", #"{"upstream":{"namespace":"registry.example","shortNamePrefix":"library"}}"#, on: near)
                try sandbox.write(
                    "server = \"http://registry.example\"\n[host.\"\(near.url)\"]\ncapabilities = [\"pull\", \"resolve\"]\n",
                    to: "hosts/registry.example/hosts.toml")
                for round in 0..<2 {
                    try await sandbox.withContainerd("round-\(round)") { address in
                        for name in ["library/app", "app"] {
                            try await sandbox.run(
                                "ctr", "--address", address, "content", "fetch", "--all-platforms", "--user",
                                near.credentials, "--hosts-dir", sandbox.path("hosts"), "registry.example/\(name):v1")
                        }
                        let blobs = try await sandbox.run("ctr", "--address", address, "content", "ls", "--quiet")
                        #expect(try Set(blobs.lines).isSuperset(of: image.blobs().map { "sha256:\($0)" }))
                    }
                    far.kill()
                }
                let unknown = try await sandbox.curl(
                    "-u", near.credentials, "\(near.url)/v2/library/app/manifests/v1?ns=other.example")
                #expect(unknown.status == 404 && unknown.headers["oci-namespace"] == nil)
            }
        }
    }
}

/// Runs `body` with two servers and their sandboxes. The second one has a remote repository `hub` of the first one, to which it
/// logs in, a local one `own`, and a virtual one `all` over both, into which what is published goes to `own`.
private func withRegistries(_ body: (Server, Sandbox, Server, Sandbox) async throws -> Void) async throws {
    try await withServer { far, farSandbox in
        try await withServer { near, sandbox in
            try await sandbox.makeRegistries(through: far, on: near)
            try await body(far, farSandbox, near, sandbox)
        }
    }
}

extension Sandbox {
    fileprivate func makeRegistries(through far: Server, on near: Server) async throws {
        try await makeRemote("hub", "oci", of: "\(far.url)/", user: "admin", password: far.password, on: near)
        try await make("own", "oci", on: near)
        try await makeVirtual("all", "oci", of: ["own", "hub"], on: near)
    }

    /// Runs `body` with the address of a containerd whose files are all in the sandbox, in a folder of that name.
    fileprivate func withContainerd(_ name: String, _ body: (String) async throws -> Void) async throws {
        let root = folder.appending(path: name).path
        let address = "\(root)/containerd.sock"
        try write(
            """
            version = 2
            root = "\(root)/root"
            state = "\(root)/state"
            disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs"]
            [grpc]
            address = "\(address)"
            [ttrpc]
            address = "\(root)/ttrpc.sock"
            """, to: "\(name).toml")
        let daemon = try start(
            try find("unshare"), ["--mount", try find("containerd"), "--config", path("\(name).toml")])
        do {
            for _ in 0..<300 where daemon.isRunning {
                if try await attempt("ctr", "--address", address, "version").hasSucceeded { break }
                try await Task.sleep(for: .milliseconds(100))
            }
            try #require(daemon.isRunning, "\(daemon.log)")
            try await body(address)
        } catch {
            await endContainerd(daemon)
            throw error
        }
        await endContainerd(daemon)
    }

    private func endContainerd(_ daemon: RunningProgram) async {
        daemon.terminate()
        _ = try? await daemon.end(within: .seconds(15))
    }
}
