import Foundation
import GranaryTestKit
import Testing

extension ClientTests {
    @Suite("Docker")
    struct Docker {
        @Test("Logs in with the right password only, and pulls nothing without")
        func login() async throws {
            try await withDocker { server, sandbox in
                try await sandbox.push(try await sandbox.makeImage(), to: "\(server.host)/team/api:v1")
                try sandbox.logOut()
                let wrong = try await sandbox.attempt("docker", "login", "-u", "admin", "-p", "wrong", server.host)
                #expect(!wrong.hasSucceeded)
                #expect(!(try await sandbox.attempt("docker", "pull", "\(server.host)/team/api:v1").hasSucceeded))
                try await sandbox.run("docker", "login", "-u", "admin", "-p", server.password, server.host)
                try await sandbox.run("docker", "pull", "\(server.host)/team/api:v1")
            }
        }

        @Test("Builds, pushes, pulls and runs an image")
        func lifeOfAnImage() async throws {
            try await withDocker { server, sandbox in
                let name = "\(server.host)/team/hello:v1"
                try sandbox.writeContainerfile(greeting: "from Docker")
                try await sandbox.run(
                    "docker", "build", "--network", "none", "-t", name, "-f", "context/Containerfile", "context")
                try await sandbox.run("docker", "push", name)
                let digest = try await sandbox.skopeoDigest(name)
                try await sandbox.run("docker", "rmi", name)
                let pulled = try await sandbox.run("docker", "pull", name)
                #expect(pulled.text.contains("Digest: \(digest)"))
                #expect(try await sandbox.run("docker", "run", "--rm", "--network", "none", name).text == "from Docker")
            }
        }

        @Test("Pulls its platform of an index by the digest of the index")
        func platform() async throws {
            try await withDocker { server, sandbox in
                let image = try await sandbox.makeImage("image", "--platforms", "arm64,amd64")
                try await sandbox.push(image, to: "\(server.host)/team/api:v1")
                let name = "\(server.host)/team/api@\(try image.digest())"
                let pulled = try await sandbox.run("docker", "pull", name)
                #expect(pulled.text.contains("Digest: \(try image.digest())"))
                let inspected = try await sandbox.run(
                    "docker", "image", "inspect", "--format", "{{.Architecture}}", name)
                let own = try await sandbox.run("docker", "version", "--format", "{{.Server.Arch}}")
                #expect(inspected.text == own.text)
            }
        }

        @Test("Makes and pushes a manifest list")
        func manifestList() async throws {
            try await withDocker { server, sandbox in
                let name = "\(server.host)/team/list"
                for tag in ["one", "two"] {
                    try sandbox.write(tag, to: "\(tag)/file")
                    try await sandbox.run("tar", "--create", "--file", "\(tag).tar", "--directory", tag, "file")
                    try await sandbox.run("docker", "import", "\(tag).tar", "\(name):\(tag)")
                    try await sandbox.run("docker", "push", "\(name):\(tag)")
                }
                try await sandbox.run(
                    "docker", "manifest", "create", "--insecure", "\(name):v1", "\(name):one", "\(name):two")
                try await sandbox.run("docker", "manifest", "annotate", "--arch", "arm64", "\(name):v1", "\(name):two")
                let digest = try await sandbox.run("docker", "manifest", "push", "--insecure", "\(name):v1").text
                let raw = try await sandbox.run(
                    "skopeo", "inspect", "--tls-verify=false", "--raw", "docker://\(name)@\(digest)")
                #expect(try ImageLayout.Index(raw.bytes).manifests.count == 2)
            }
        }
    }
}

/// Runs `body` with a server and a Docker daemon whose files and mounts are all in the sandbox.
func withDocker(_ body: (Server, Sandbox) async throws -> Void) async throws {
    try await withServer { server, sandbox in
        let daemon = try startDaemon(in: sandbox)
        do {
            try await waitUntilReady(daemon, sandbox)
            try await body(server, sandbox)
        } catch {
            await stop(daemon)
            throw error
        }
        await stop(daemon)
    }
}

private func startDaemon(in sandbox: Sandbox) throws -> RunningProgram {
    try sandbox.write("{}", to: "daemon.json")
    let folder = sandbox.folder.path
    // In a mount namespace of its own, which takes its mounts along when it ends. No bridge and no packet filter: the
    // tests need no network but the loopback interface.
    return try sandbox.start(
        try sandbox.find("unshare"),
        [
            "--mount", try sandbox.find("dockerd"), "--host", "unix://\(folder)/docker.sock",
            "--data-root", "\(folder)/docker/data", "--exec-root", "\(folder)/docker/run",
            "--pidfile", "\(folder)/docker.pid", "--config-file", sandbox.path("daemon.json"),
            "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false", "--bridge=none",
            "--default-ulimit", "nofile=1024:1024", "--default-ulimit", "nproc=1024:1024"
        ])
}

private func waitUntilReady(_ daemon: RunningProgram, _ sandbox: Sandbox) async throws {
    for _ in 0..<300 where daemon.isRunning {
        if try await sandbox.attempt("docker", "version").hasSucceeded { return }
        try await Task.sleep(for: .milliseconds(100))
    }
    throw ServerFailure(description: "the Docker daemon was not ready within 30 s; it needs root:\n\(daemon.log)")
}

private func stop(_ daemon: RunningProgram) async {
    daemon.terminate()
    _ = try? await daemon.end(within: .seconds(15))
}
