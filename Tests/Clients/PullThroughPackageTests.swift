import Crypto
import Foundation
import GranaryTestKit
import Testing

extension ClientTests {
    @Suite("Pulling packages through")
    struct PullThroughPackages {
        @Test("pip and uv install from a pypiserver beside what is published here, also when that is gone")
        func python() async throws {
            try await withPythonIndex { own, sandbox in
                try FileManager.default.createDirectory(
                    atPath: sandbox.path("theirs"), withIntermediateDirectories: true)
                for file in try await sandbox.makePythonProject("their-lib", "1.0") {
                    let name = URL(filePath: file).lastPathComponent
                    try FileManager.default.copyItem(atPath: file, toPath: sandbox.path("theirs/\(name)"))
                }
                let (upstream, host) = try await sandbox.startPypiserver("theirs")
                defer { upstream.signal(9) }
                try await sandbox.makeRemote("world", "pypi", of: "http://\(host)/simple/", on: own.server)
                try await sandbox.makeVirtual("all", "pypi", of: ["py", "world"], deployment: "py", on: own.server)
                let all = PythonIndex(server: own.server, name: "all", user: own.user, password: own.password)
                try await sandbox.publishPythonProject(all, "our-app", "2.0", requires: ["their-lib==1.0"])
                for round in ["first", "second"] {
                    try await sandbox.run(
                        Python.pip, "install", "-q", "--target", sandbox.path("pip-\(round)"), "-i", all.simple,
                        "our-app")
                    try await sandbox.run(
                        Python.uv, "pip", "install", "-q", "--no-cache", "--target", sandbox.path("uv-\(round)"),
                        "--index-url", all.simple, "our-app")
                    for folder in ["pip-\(round)", "uv-\(round)"] {
                        #expect(try await sandbox.value(of: "our_app", in: folder) == "2.0")
                        #expect(try await sandbox.value(of: "their_lib", in: folder) == "1.0")
                    }
                    upstream.signal(9)
                }
            }
        }

        private static let tarball = Archives.gzip(
            Archives.tar([.init("package/package.json", #"{"name":"left","version":"1.0.0"}"#)]))

        private static let registry: @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer = { request in
            switch request.path {
            case "/left":
                let dist = """
                    {"shasum":"\(Insecure.SHA1.hash(data: tarball).map { String(format: "%02x", $0) }.joined())",
                    "tarball":"http://\(request["Host"] ?? "")/left-1.0.0.tgz"}
                    """
                let version = #"{"name":"left","version":"1.0.0","dist":\#(dist)}"#
                return .respond(
                    200, [:],
                    Array(
                        #"{"name":"left","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":\#(version)}}"#.utf8))
            case "/left-1.0.0.tgz": return .respond(200, [:], tarball)
            case "/-/npm/v1/security/advisories/bulk":
                let advisory =
                    #"{"id":7,"url":"https://far.example/7","title":"it is bad","severity":"high","vulnerable_versions":"<2.0.0"}"#
                return .respond(200, [:], Array(#"{"left":[\#(advisory)]}"#.utf8))
            default: return .respond(404)
            }
        }

        @Test("npm audit hears what the upstream knows of its packages, and tells it of no others")
        func audit() async throws {
            try await FakeUpstream.run(Self.registry) { upstream in
                try await withServer { server, sandbox in
                    var sandbox = sandbox
                    sandbox.limit = .seconds(120)
                    try await sandbox.make("own", "npm", on: server)
                    try await sandbox.makeRemote("far", "npm", of: upstream.url, on: server)
                    try await sandbox.makeVirtual("all", "npm", of: ["own", "far"], on: server)
                    let all = "\(server.host)/npm/all/"
                    try await sandbox.publishNode("mine", "2.0.0", to: all, server.password)
                    try sandbox.write(#"{"name":"app","version":"1.0.0"}"#, to: "app/package.json")
                    try await sandbox.npm(all, server.password, "install", "left", "mine", in: "app")
                    let audit = try await sandbox.attemptNPM(all, server.password, ["audit", "--json"], in: "app")
                    #expect(!audit.hasSucceeded && audit.stdout.contains("it is bad"), "\(audit)")
                    let asked = upstream.requests.filter { $0.method == "POST" }
                    #expect(asked.map { String(decoding: $0.body, as: UTF8.self) } == [#"{"left":["1.0.0"]}"#])
                }
            }
        }
    }
}

extension Sandbox {
    /// Serves the distributions in a folder.
    fileprivate func startPypiserver(_ folder: String) async throws -> (RunningProgram, host: String) {
        let port = try await freePort()
        let program = try start(
            try find("pypiserver/bin/pypi-server"),
            ["run", "-i", "127.0.0.1", "-p", port, "--disable-fallback", path(folder)])
        for _ in 0..<200 where try await attempt("curl", "-sf", "http://127.0.0.1:\(port)/").hasSucceeded == false {
            try await Task.sleep(for: .milliseconds(100))
        }
        try #require(program.isRunning, "\(program.log)")
        return (program, "127.0.0.1:\(port)")
    }

    /// A port that nobody listens on just now.
    func freePort() async throws -> String {
        let script = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"
        return try await run("python3", "-c", script).text
    }
}
