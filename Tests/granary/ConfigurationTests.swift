import Foundation
import GranaryTestKit
import Testing

@Suite("Command line: configuration")
struct ConfigurationTests {
    private struct Setting: Decodable {
        let key: String
        let value: String
        let source: String
    }

    @Test("Every setting says where it comes from, and the strongest wins")
    func sources() async throws {
        try await Workplace.fresh { workplace in
            let text = "port: 1111\nhost: 0.0.0.0\nidle:\n  timeout: 33\nlog:\n  level: debug\nproxy:\n  trust: true\n"
            try Data(text.utf8).write(to: URL(filePath: "\(workplace.path)/my.yaml"))
            let program = workplace.with([
                "GRANARY_PORT": "2222", "GRANARY_LOG_LEVEL": "error", "GRANARY_ADMIN_PASSWORD": "very secret",
                "GRANARY_PUBLIC_URL": "https://a.example"
            ])
            let output = try await program.run("config", "--config", "my.yaml", "--port", "3333", "--json")
            #expect(output.status == 0, "\(output.stderr)")
            let settings = try JSONDecoder().decode([Setting].self, from: Data(output.stdout.utf8))
            let found = Dictionary(uniqueKeysWithValues: settings.map { ($0.key, [$0.value, $0.source]) })
            #expect(found["port"] == ["3333", "command line"])
            #expect(found["host"] == ["0.0.0.0", "my.yaml"])
            #expect(found["idle.timeout"] == ["33", "my.yaml"])
            #expect(found["proxy.trust"] == ["true", "my.yaml"])
            #expect(found["log.level"] == ["error", "GRANARY_LOG_LEVEL"])
            #expect(found["public.url"] == ["https://a.example", "GRANARY_PUBLIC_URL"])
            #expect(found["drain.timeout"] == ["30", "default"])
            #expect(found["admin.password"] == ["********", "GRANARY_ADMIN_PASSWORD"])
            let table = try await program.run("config", "--config", "my.yaml")
            #expect(!(output.stdout + table.stdout).contains("very secret"))
            #expect(table.stdout.hasPrefix("SETTING") && table.stdout.contains("GRANARY_PORT"))
        }
    }

    @Test("A file named granary.yaml is read without being asked for, and the environment may name another")
    func files() async throws {
        try await Workplace.fresh { workplace in
            try Data("port: 1111\n".utf8).write(to: URL(filePath: "\(workplace.path)/granary.yaml"))
            try Data("port: 2222\n".utf8).write(to: URL(filePath: "\(workplace.path)/other.yaml"))
            #expect(try await workplace.run("config").stdout.contains(/port +1111 +granary.yaml/))
            let named = workplace.with(["GRANARY_CONFIG": "other.yaml"])
            #expect(try await named.run("config").stdout.contains(/port +2222 +other.yaml/))
        }
    }

    @Test("A setting that cannot be, or that nobody knows, is refused")
    func refusals() async throws {
        try await Workplace.fresh { workplace in
            let port = try await workplace.with(["GRANARY_PORT": "x"]).run("config")
            #expect(port.isComplaint(64, "port must be a whole number (GRANARY_PORT)"), "\(port)")
            let missing = try await workplace.run("config", "--config", "none.yaml")
            #expect(missing.isComplaint(64, "'none.yaml' cannot be read"), "\(missing)")
            let trust = try await workplace.with(["GRANARY_PROXY_TRUST": "perhaps"]).run("config")
            #expect(trust.isComplaint(64, "proxy.trust must be true or false (GRANARY_PROXY_TRUST)"), "\(trust)")
            let file = URL(filePath: "\(workplace.path)/misspelt.yaml")
            try Data("tls:\n  certficate: a.pem\n  key: b.pem\n".utf8).write(to: file)
            let misspelt = try await workplace.run("config", "--config", "misspelt.yaml")
            #expect(misspelt.isComplaint(64, "there is no setting 'tls.certficate'"), "\(misspelt)")
        }
    }
}
