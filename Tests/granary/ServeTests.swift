import Foundation
import GranaryTestKit
import Testing

@Suite("Command line: the server", .serialized)
struct ServeTests {
    @Test("The first start shows a password once, keeps it private, and it is right")
    func firstStart() async throws {
        try await Workplace.fresh { workplace in
            let first = try await workplace.serve()
            let password = try #require(first.program.stdout.firstMatch(of: /with the password: (\S+)/)?.1)
            #expect(password.count == 24)
            #expect(first.program.stdout.contains("Data: \(workplace.data)"))
            let file = "\(workplace.data)/initial-admin-password"
            #expect(workplace.permissions(file) == "600")
            #expect(workplace.permissions("\(workplace.data)/secrets/token-key") == "600")
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "\(password)\n")
            let login = try await workplace.run(
                "login", first.address, "--user", "admin", "--password-stdin", input: "\(password)\n")
            #expect(login.status == 0, "\(login.stderr)")
            let ended = try await first.stop()
            #expect(ended.status == 0)
            #expect(!ended.stderr.contains(password))
            let second = try await workplace.serve()
            #expect(!second.program.stdout.contains(password) && second.program.stdout.contains(file))
            // A token is for the address it was made at, and goes nowhere else.
            let list = try await workplace.run("user", "list", "--server", second.address)
            #expect(list.isComplaint(4, "log in"), "\(list)")
            #expect(try await second.stop().status == 0)
        }
    }

    @Test("A password that is given is neither shown nor kept")
    func givenPassword() async throws {
        try await Workplace.fresh { workplace in
            let server = try await workplace.with(["GRANARY_ADMIN_PASSWORD": "given by somebody"]).serve()
            let ended = try await server.stop()
            #expect(ended.status == 0 && !(ended.stdout + ended.stderr).contains("given by somebody"))
            #expect(!FileManager.default.fileExists(atPath: "\(workplace.data)/initial-admin-password"))
        }
    }

    @Test("What keeps a server from starting is told in a sentence")
    func refusals() async throws {
        try await Workplace.fresh { workplace in
            let server = try await workplace.serve()
            defer { server.program.terminate() }
            let port = try #require(server.address.split(separator: ":").last.map(String.init))
            let other = "\(workplace.path)/other"
            let sameData = try await workplace.run("serve", "--data", workplace.data, "--port", "0")
            #expect(sameData.isComplaint(1, "another granary runs on the data directory"), "\(sameData)")
            let samePort = try await workplace.run("serve", "--data", other, "--port", port)
            #expect(samePort.isComplaint(1, "the address is in use"), "\(samePort)")
            let unwritable = try await workplace.run("serve", "--data", "/proc/granary", "--port", "0")
            #expect(unwritable.isComplaint(1, "'/proc/granary' cannot be made"), "\(unwritable)")
            try Data("x".utf8).write(to: URL(filePath: "\(workplace.path)/file"))
            let isFile = try await workplace.run("serve", "--data", "\(workplace.path)/file", "--port", "0")
            #expect(isFile.isComplaint(1, "cannot be made"), "\(isFile)")
            try FileManager.default.createDirectory(
                atPath: "\(workplace.path)/broken", withIntermediateDirectories: true)
            try Data(repeating: 7, count: 9000).write(to: URL(filePath: "\(workplace.path)/broken/granary.db"))
            let broken = try await workplace.run("serve", "--data", "\(workplace.path)/broken", "--port", "0")
            #expect(broken.isComplaint(1, "database"), "\(broken)")
        }
    }

    private static let badSettings: [(arguments: [String], environment: [String: String], part: String)] = [
        (["--config", "missing.yaml"], [:], "'missing.yaml' cannot be read"),
        (["--config", "bad.yaml"], [:], "'bad.yaml' cannot be read"),
        (["--config", "port.yaml"], [:], "port must be"), (["--port", "70000"], [:], "port must be"),
        ([], ["GRANARY_PORT": "many"], "port must be"), ([], ["GRANARY_PORT": "-1"], "port must be"),
        (["--log-level", "loud"], [:], "log.level"), (["--log-format", "xml"], [:], "log.format"),
        (["--public-url", "registry.example"], [:], "public.url"),
        (["--tls-certificate", "cert.pem"], [:], "go together"),
        (["--tls-certificate", "cert.pem", "--tls-key", "key.pem"], [:], "cannot be read"),
        ([], ["GRANARY_PROXY_TRUST": "perhaps"], "proxy.trust"), ([], ["GRANARY_IDLE_TIMEOUT": "0"], "idle.timeout"),
        ([], ["GRANARY_DRAIN_TIMEOUT": "0"], "drain.timeout"), ([], ["GRANARY_ADMIN_PASSWORD": "short"], "password")
    ]

    @Test("A setting that cannot be is named")
    func settings() async throws {
        try await Workplace.fresh { workplace in
            try Data("port: [1\n".utf8).write(to: URL(filePath: "\(workplace.path)/bad.yaml"))
            try Data("port: many\n".utf8).write(to: URL(filePath: "\(workplace.path)/port.yaml"))
            for (arguments, environment, part) in Self.badSettings {
                let output = try await workplace.with(environment).run(["serve", "--data", "none"] + arguments)
                #expect(
                    [1, 64].contains(output.status) && output.isComplaint(output.status, part),
                    "\(arguments) \(environment) \(output)")
                guard environment["GRANARY_ADMIN_PASSWORD"] == nil else { continue }
                #expect(
                    !FileManager.default.fileExists(atPath: "\(workplace.path)/none"), "\(arguments) \(environment)")
            }
        }
    }

    @Test("A server that is told to stop ends what it is doing")
    func drain() async throws {
        try await Workplace.loggedIn { workplace, server in
            try Data(repeating: 65, count: 600_000).write(to: URL(filePath: "\(workplace.path)/upload"))
            let curl = try Program("/usr/bin/curl", folder: workplace.path).start([
                "--silent", "--show-error", "--limit-rate", "200K", "--user", "admin:a password for tests",
                "--write-out",
                "%{http_code}", "--upload-file", "upload", "--output", "answer", "\(server.address)/generic/files/slow"
            ])
            try await Task.sleep(for: .milliseconds(900))
            server.program.terminate()
            try await Task.sleep(for: .milliseconds(300))
            let late = try await Program("/usr/bin/curl", folder: workplace.path).run([
                "--silent", "--max-time", "2", "\(server.address)/readyz"
            ])
            #expect(late.status != 0)
            let uploaded = try await curl.end()
            #expect(uploaded.stdout == "201", "\(uploaded.stderr)")
            let ended = try await server.program.end()
            #expect(ended.status == 0, "\(ended.stderr)")
            let again = try await workplace.serve()
            let get = try await Program("/usr/bin/curl", folder: workplace.path).run([
                "--silent", "--user", "admin:a password for tests", "--output", "down", "--write-out",
                "%{http_code} %{size_download}", "\(again.address)/generic/files/slow"
            ])
            #expect(get.stdout == "200 600000")
            _ = try await again.stop()
        }
    }

    @Test("A server that is killed starts again with all it had")
    func kill() async throws {
        try await Workplace.loggedIn { workplace, server in
            let curl = Program("/usr/bin/curl", folder: workplace.path)
            let common = ["--silent", "--user", "admin:a password for tests", "--write-out", " %{http_code}"]
            let put = try await curl.run(
                common + ["--output", "/dev/null", "--upload-file", "-", "\(server.address)/generic/files/a"],
                input: "kept")
            #expect(put.stdout == " 201")
            server.program.signal(SIGKILL)
            #expect(try await server.program.end().status == 128 + SIGKILL)
            let again = try await workplace.serve()
            let get = try await curl.run(common + ["\(again.address)/generic/files/a"])
            #expect(get.stdout == "kept 200")
            #expect(try await again.stop().status == 0)
        }
    }

    @Test("The log is text for people or JSON for collectors, without secrets")
    func logs() async throws {
        try await Workplace.fresh { workplace in
            let server = try await workplace.serve("--log-format", "json")
            let curl = Program("/usr/bin/curl", folder: workplace.path)
            _ = try await curl.run([
                "--silent", "--user", "admin:not the password", "\(server.address)/generic/files/a%22%0Ab?secret=1"
            ])
            let ended = try await server.stop()
            let line = try #require(
                ended.stderr.split(separator: "\n").first { $0.contains("\"message\":\"request\"") })
            let fields = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
            #expect(
                fields["status"] == "401" && fields["method"] == "GET" && fields["path"] == "/generic/files/a%22%0Ab")
            #expect(!ended.stderr.contains("not the password") && !ended.stderr.contains("secret=1"))
        }
    }
}
