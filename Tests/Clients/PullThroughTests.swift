import Foundation
import GranaryTestKit
import Testing

extension ClientTests {
    @Suite("Pulling through")
    struct PullThrough {
        @Test("skopeo pulls another registry's images through, also when that is gone, and pushes its own beside them")
        func images() async throws {
            try await withServer { server, sandbox in
                let (registry, host) = try await sandbox.startRegistry()
                defer { registry.signal(9) }
                let image = try await sandbox.makeImage("image", "--platforms", "amd64,arm64")
                try await sandbox.push(image, to: "\(host)/team/app:v1")
                try await sandbox.makeRemote("hub", "oci", of: "http://\(host)/", on: server)
                try await sandbox.make("own", "oci", on: server)
                try await sandbox.makeVirtual("all", "oci", of: ["own", "hub"], on: server)
                let first = sandbox.emptyLayout("first")
                try await sandbox.pull("\(server.host)/all/team/app:v1", into: first)
                #expect(try first.digest() == image.digest() && first.blobs() == image.blobs())
                let other = try await sandbox.makeImage("other", "--layer-mib", "2", "--seed", "other")
                try await sandbox.push(other, to: "\(server.host)/all/mine:v1")
                #expect(try await sandbox.skopeoDigest("\(server.host)/own/mine:v1") == other.digest())
                registry.signal(9)
                _ = try? await registry.end(within: .seconds(5))
                for name in ["all", "hub"] {
                    let again = sandbox.emptyLayout("again-\(name)")
                    try await sandbox.pull("\(server.host)/\(name)/team/app:v1", into: again)
                    #expect(try again.digest() == image.digest() && again.blobs() == image.blobs())
                }
                let missing = try await sandbox.attempt(
                    "skopeo", "inspect", "--tls-verify=false", "docker://\(server.host)/all/team/never:v1")
                #expect(!missing.hasSucceeded)
            }
        }

        @Test("pip installs an application with its dependencies through, and again with the upstream cut off")
        func application() async throws {
            try await withServer { server, sandbox in
                var sandbox = sandbox
                sandbox.limit = .seconds(420)
                let index = try await sandbox.packageIndex()
                sandbox.environment.merge(["PIP_CONFIG_FILE": "/dev/null", "PIP_NO_CACHE_DIR": "1"]) { $1 }
                try await sandbox.makeRemote("world", "pypi", of: index, on: server)
                try await sandbox.make("own", "pypi", on: server)
                try await sandbox.makeVirtual("py", "pypi", of: ["own", "world"], on: server)
                let simple = "http://admin:\(server.password)@\(server.host)/pypi/py/simple/"
                var installed: [Set<String>] = []
                for target in ["first", "second"] {
                    try await sandbox.run(
                        Python.pip, "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:",
                        "--target", sandbox.path(target), "-i", simple, "jupyter-server")
                    let files = try FileManager.default.contentsOfDirectory(atPath: sandbox.path(target))
                    installed.append(Set(files.filter { $0.hasSuffix(".dist-info") }))
                    try await sandbox.change("world", #"{"upstream":{"isOffline":true}}"#, on: server)
                }
                #expect(installed[0].count > 40 && installed[0] == installed[1])
            }
        }

        @Test("npm installs its own and others' packages from one address, and from the cache when the others are gone")
        func node() async throws {
            try await withServer { far, _ in
                try await withServer { near, sandbox in
                    var sandbox = sandbox
                    sandbox.limit = .seconds(120)
                    try await sandbox.make("web", "npm", on: far)
                    try await sandbox.publishNode("left", "1.0.0", to: "\(far.host)/npm/web/", far.password)
                    try await sandbox.makeRemote(
                        "far", "npm", of: "\(far.url)/npm/web/", user: "admin", password: far.password, on: near)
                    try await sandbox.make("own", "npm", on: near)
                    try await sandbox.makeVirtual("all", "npm", of: ["own", "far"], deployment: "own", on: near)
                    let all = "\(near.host)/npm/all/"
                    try await sandbox.publishNode("@acme/right", "2.0.0", to: all, near.password)
                    try sandbox.write(#"{"name":"app","version":"1.0.0"}"#, to: "app/package.json")
                    try await sandbox.npm(all, near.password, "install", "left", "@acme/right", in: "app")
                    let lock = String(decoding: try sandbox.read("app/package-lock.json"), as: UTF8.self)
                    #expect(lock.contains("http://\(all)left/-/left-1.0.0.tgz"))
                    far.kill()
                    try FileManager.default.removeItem(atPath: sandbox.path("app/node_modules"))
                    try await sandbox.npm(all, near.password, "ci", in: "app")
                    let manifest = String(
                        decoding: try sandbox.read("app/node_modules/left/package.json"), as: UTF8.self)
                    #expect(manifest.contains("1.0.0"))
                }
            }
        }

        @Test("Helm pulls its own and others' charts from one address, and from the cache when the others are gone")
        func charts() async throws {
            try await withServer { far, _ in
                try await withHelmRepository { own, sandbox in
                    let near = own.server
                    try await sandbox.make("charts", "helm", on: far)
                    let theirs = HelmRepository(server: far, name: "charts")
                    for version in ["1.2.3", "1.10.0"] { try await sandbox.publishChart(theirs, "left", version) }
                    try await sandbox.makeRemote(
                        "far", "helm", of: "\(theirs.url)/", user: "admin", password: far.password, on: near)
                    try await sandbox.makeVirtual("all", "helm", of: ["charts", "far"], deployment: "charts", on: near)
                    let all = HelmRepository(server: near, name: "all")
                    try await sandbox.publishChart(all, "right", "2.0.0+b")
                    let answer = try await sandbox.curl("-u", own.credentials, "\(own.url)/charts/right-2.0.0+b.tgz")
                    #expect(answer.status == 200)
                    try await sandbox.expectCharts(in: all)
                    far.kill()
                    try await sandbox.expectCharts(in: all)
                    let index = try await sandbox.helm("index", all.url, "admin", near.password)
                    #expect(index.contains("left") && index.contains("right"))
                }
            }
        }

        @Test("Helm pulls charts out of another registry through, and again when that is gone")
        func chartsOfRegistries() async throws {
            try await withServer { far, _ in
                try await withHelmRepository { own, sandbox in
                    let near = own.server
                    let archive = try await sandbox.packChart("left", "1.2.3+build.7")
                    try await sandbox.helm(
                        "oci", far.host, "admin", far.password, archive, "oci://\(far.host)/docker/charts",
                        sandbox.path("pushed"))
                    try await sandbox.makeRemote(
                        "hub", "oci", of: "\(far.url)/", user: "admin", password: far.password, on: near)
                    try await sandbox.makeVirtual("all", "oci", of: ["docker", "hub"], deployment: "docker", on: near)
                    for (round, name) in ["all", "hub", "all"].enumerated() {
                        let tags = try await sandbox.helm(
                            "oci-pull", near.host, "admin", near.password,
                            "oci://\(near.host)/\(name)/docker/charts/left", "1.2.3+build.7",
                            sandbox.path("got-\(round)"))
                        #expect(tags == #"["1.2.3+build.7"]"#)
                        let content = try Data(contentsOf: URL(filePath: archive))
                        #expect(try sandbox.read("got-\(round)/left-1.2.3+build.7.tgz") == content)
                        if round == 1 { far.kill() }
                    }
                }
            }
        }

        @Test("mvn resolves through, deploys beside it, and resolves again when the upstream is gone")
        func maven() async throws {
            try await withServer { far, _ in
                try await withServer { near, nearSandbox in
                    let sandbox = nearSandbox.forMaven
                    try await sandbox.make("libs", "maven", on: far)
                    try sandbox.makeArtifact("lib", version: "1.0")
                    try await sandbox.deploy("lib", "1.0", to: far).expectSuccess()
                    try await sandbox.makeRemote(
                        "far", "maven", of: "\(far.libs)/", user: "admin", password: far.password, on: near)
                    try await sandbox.make("own", "maven", on: near)
                    try await sandbox.makeVirtual("libs", "maven", of: ["own", "far"], deployment: "own", on: near)
                    #expect(try await sandbox.resolve("lib:1.0", from: near)["lib-1.0.jar"] == "lib 1.0 jar")
                    #expect(try await sandbox.resolve("lib:[0.9,2)", from: near)["lib-1.0.jar"] == "lib 1.0 jar")
                    try sandbox.makeArtifact("mine", version: "3.0")
                    try await sandbox.deploy("mine", "3.0", to: near).expectSuccess()
                    far.kill()
                    let files = try await sandbox.resolve("lib:1.0", "mine:3.0", from: near)
                    #expect(files["lib-1.0.jar"] == "lib 1.0 jar" && files["mine-3.0.jar"] == "mine 3.0 jar")
                }
            }
        }
    }
}

extension Sandbox {
    /// Debian's registry, as others run it, and how image names begin there.
    fileprivate func startRegistry() async throws -> (RunningProgram, host: String) {
        let host = "127.0.0.1:\(try await freePort())"
        try write(
            """
            version: 0.1
            storage: {filesystem: {rootdirectory: \(path("registry"))}}
            http: {addr: \(host)}
            """, to: "registry.yml")
        // The registry reads its settings from the environment, too, and takes that of the clients for one.
        let program = try start(
            try find("env"),
            ["-u", "REGISTRY_AUTH_FILE", try find("docker-registry"), "serve", path("registry.yml")])
        for _ in 0..<100 where try await attempt("curl", "-sf", "http://\(host)/v2/").hasSucceeded == false {
            try await Task.sleep(for: .milliseconds(100))
        }
        try #require(program.isRunning, "\(program.log)")
        return (program, host)
    }

    /// Where pip gets its packages from on this machine.
    fileprivate func packageIndex() async throws -> String {
        var text = ProcessInfo.processInfo.environment["PIP_INDEX_URL"] ?? ""
        if text.isEmpty { text = try await attempt(Python.pip, "config", "get", "global.index-url").text }
        if text.isEmpty {
            let script = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
            text = try await run(Python.python, "-c", script).text
        }
        return text.hasSuffix("/") ? text : text + "/"
    }

    /// Pulls by a range, the newest and an exact version, into folders of their own.
    fileprivate func expectCharts(in repository: HelmRepository) async throws {
        for (chart, asked, file) in [
            ("left", "~1.2", "left-1.2.3.tgz"), ("left", "", "left-1.10.0.tgz"),
            ("right", "2.0.0+b", "right-2.0.0+b.tgz")
        ] {
            let folder = path("got-\(UUID().uuidString)")
            try await helm("pull", repository.url, "admin", repository.server.password, chart, asked, folder)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [file])
        }
    }

    /// Makes a local repository.
    func make(_ name: String, _ format: String, on server: Server) async throws {
        try await post(#"{"name":"\#(name)","format":"\#(format)","kind":"local"}"#, on: server)
    }

    /// Makes a remote repository.
    func makeRemote(
        _ name: String, _ format: String, of url: String, user: String = "", password: String = "", on server: Server
    ) async throws {
        let login = user.isEmpty ? "" : #","user":"\#(user)","password":"\#(password)""#
        let upstream = #"{"url":"\#(url)","allowsPrivateAddresses":true\#(login)}"#
        try await post(
            #"{"name":"\#(name)","format":"\#(format)","kind":"remote","settings":{"upstream":\#(upstream)}}"#,
            on: server)
    }

    /// Makes a virtual repository.
    func makeVirtual(
        _ name: String, _ format: String, of members: [String], deployment: String = "own", on server: Server
    ) async throws {
        let order = members.map { #""\#($0)""# }.joined(separator: ",")
        let settings = #"{"members":{"order":[\#(order)],"deployment":"\#(deployment)"}}"#
        try await post(
            #"{"name":"\#(name)","format":"\#(format)","kind":"virtual","settings":\#(settings)}"#, on: server)
    }

    private func post(_ body: String, on server: Server) async throws {
        let made = try await curl(
            "-u", server.credentials, "--json", body, "\(server.url)/api/v1/repositories")
        try #require(made.status == 201, "\(made.text)")
    }

    /// Changes settings of a repository.
    func change(_ name: String, _ body: String, on server: Server) async throws {
        let changed = try await curl(
            "-u", server.credentials, "-X", "PATCH", "--json", body, "\(server.url)/api/v1/repositories/\(name)")
        try #require(changed.status == 200, "\(changed.text)")
    }

    /// Runs npm in a folder, against a registry that it has the password of.
    func npm(
        _ registry: String, _ password: String, _ arguments: String..., in folder: String
    ) async throws {
        _ = try await attemptNPM(registry, password, ["--no-audit"] + arguments, in: folder).orThrow()
    }

    /// The same with its audit, whatever comes of it.
    func attemptNPM(
        _ registry: String, _ password: String, _ arguments: [String], in folder: String
    ) async throws -> Program.Output {
        let credential = Data("admin:\(password)".utf8).base64EncodedString()
        // A cache of its own each time: what was there before would not be asked for.
        let cache = path("cache-\(UUID().uuidString)")
        try write(
            "registry=http://\(registry)\n//\(registry):_auth=\(credential)\nupdate-notifier=false\ncache=\(cache)\n",
            to: "home/.npmrc")
        return try await attempt("env", ["-C", path(folder), try find("npm"), "--no-fund"] + arguments)
    }

    /// Publishes a package that is nothing but its manifest.
    func publishNode(
        _ name: String, _ version: String, to registry: String, _ password: String
    ) async throws {
        try write(#"{"name":"\#(name)","version":"\#(version)"}"#, to: "\(name)/package.json")
        try await npm(registry, password, "publish", in: name)
    }
}
