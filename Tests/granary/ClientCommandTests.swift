import Foundation
import GranaryTestKit
import Testing

@Suite("Command line: commands that speak to a server", .serialized)
struct ClientCommandTests {
    private static func json(_ output: Program.Output) throws -> [[String: Any]] {
        let value = try JSONSerialization.jsonObject(with: Data(output.stdout.utf8))
        return value as? [[String: Any]] ?? [value as? [String: Any] ?? [:]]
    }

    @Test("Logging in keeps a token, logging out revokes it")
    func login() async throws {
        try await Workplace.loggedIn { workplace, server in
            #expect(workplace.permissions(workplace.loginFile) == "600")
            let kept = try String(contentsOfFile: workplace.loginFile, encoding: .utf8)
            #expect(kept.contains("grn_") && !kept.contains("a password for tests"))
            let wrong = try await workplace.run(
                "login", server.address, "--user", "admin", "--password-stdin", input: "a wrong password\n")
            #expect(wrong.isComplaint(4, "the user name or the password is wrong"), "\(wrong)")
            #expect(try String(contentsOfFile: workplace.loginFile, encoding: .utf8) == kept)
            let odd = try await workplace.run("login", "localhost:8080", "--user", "admin", "--password-stdin")
            #expect(odd.isComplaint(64, "http://"), "\(odd)")
            let token = try #require(kept.firstMatch(of: /grn_[0-9a-f]+_[0-9a-f]+/).map { String($0.0) })
            #expect(try await workplace.run("logout").status == 0)
            #expect(!FileManager.default.fileExists(atPath: workplace.loginFile))
            #expect(try await workplace.run("logout").isComplaint(3, "nobody is logged in"))
            let none = try await workplace.run("repo", "list")
            #expect(none.isComplaint(64, "log in first"), "\(none)")
            let revoked = workplace.with(["GRANARY_TOKEN": token, "GRANARY_SERVER": server.address])
            #expect(try await revoked.run("repo", "list").isComplaint(4, "the access token is not valid"))
        }
    }

    @Test("Repositories are made, shown, changed and deleted")
    func repositories() async throws {
        try await Workplace.loggedIn { workplace, _ in
            let list = try await workplace.run("repo")
            #expect(list.status == 0 && list.stderr.isEmpty)
            #expect(
                list.stdout.split(separator: "\n").map { $0.split(separator: " ").first } == ["NAME", "docker", "files"]
            )
            let made = try await workplace.run(
                "repo", "create", "web", "--format", "generic", "--anonymous-read", "true", "--description", "For all",
                "--json")
            #expect(made.status == 0, "\(made.stderr)")
            let document = try #require(try Self.json(made).first)
            #expect(document["name"] as? String == "web")
            let set = try await workplace.run("repo", "set", "web", "--write-policy", "once")
            #expect(set.status == 0 && set.stdout.contains("once") && set.stdout.contains("For all"))
            let show = try await workplace.run("repo", "show", "web", "--json")
            let settings = try #require(try Self.json(show).first?["settings"] as? [String: Any])
            #expect(settings["writePolicy"] as? String == "once" && settings["anonymousRead"] as? Bool == true)
            #expect(
                try await workplace.run("repo", "create", "web", "--format", "generic").isComplaint(
                    5, "'web' exists already"))
            #expect(
                try await workplace.run("repo", "create", "Web", "--format", "generic").isComplaint(1, "lower-case"))
            #expect(
                try await workplace.run("repo", "create", "x", "--format", "odd").isComplaint(1, "generic, helm, maven")
            )
            #expect(
                try await workplace.run("repo", "set", "web", "--write-policy", "odd").isComplaint(
                    64, "allow, once or deny"))
            #expect(try await workplace.run("repo", "delete", "web").status == 0)
            #expect(try await workplace.run("repo", "delete", "web").isComplaint(3, "no repository 'web'"))
            #expect(try await workplace.run("repo", "show", "../x").status == 3)
        }
    }

    @Test("A remote repository says how others call its upstream, and how that calls short names")
    func mirrors() async throws {
        try await Workplace.loggedIn { workplace, _ in
            let made = try await workplace.run(
                "repo", "create", "hub", "--format", "oci", "--kind", "remote", "--upstream", "https://far.example",
                "--upstream-namespace", "registry.example", "--short-name-prefix", "library")
            #expect(made.status == 0, "\(made.stderr)")
            for (prefix, namespace) in [("library", "registry.example"), (nil, "registry.example"), (nil, nil)] {
                let show = try await workplace.run("repo", "show", "hub", "--json")
                let settings = try #require(try Self.json(show).first?["settings"] as? [String: Any])
                let upstream = try #require(settings["upstream"] as? [String: Any])
                #expect(upstream["shortNamePrefix"] as? String == prefix)
                #expect(upstream["namespace"] as? String == namespace)
                // What is empty is taken away, and what is left out stays.
                let option = prefix == nil ? "--upstream-namespace" : "--short-name-prefix"
                #expect(try await workplace.run("repo", "set", "hub", option, "").status == 0)
            }
            let odd = try await workplace.run("repo", "set", "hub", "--upstream-namespace", "a/b")
            #expect(odd.isComplaint(1, "host or host:port"), "\(odd)")
        }
    }

    @Test("Users are made, changed, disabled and deleted")
    func users() async throws {
        try await Workplace.loggedIn { workplace, server in
            let add = try await workplace.run("user", "add", "ann", input: "first password\n")
            #expect(add.status == 0 && add.stdout.contains("ann") && !add.stdout.contains("first password"), "\(add)")
            #expect(try await workplace.run("user", "add", "ann", input: "first password\n").status == 5)
            #expect(
                try await workplace.run("user", "add", "bob", input: "short\n").isComplaint(1, "at least 8 characters"))
            #expect(try await workplace.run("user", "add", "bot", "--no-password").status == 0)
            let list = try await workplace.run("user", "list", "--json")
            #expect(try Self.json(list).compactMap { $0["name"] as? String } == ["admin", "ann", "bot"])
            #expect(try await workplace.run("user", "password", "ann", input: "second password\n").status == 0)
            let other = workplace.with(["XDG_CONFIG_HOME": "\(workplace.path)/ann"])
            func login(_ password: String) async throws -> Int32 {
                try await other.run(
                    "login", server.address, "--user", "ann", "--password-stdin", input: "\(password)\n"
                ).status
            }
            #expect(try await login("first password") == 4)
            #expect(try await login("second password") == 0)
            #expect(try await other.run("user", "list").isComplaint(4, "only an administrator"))
            #expect(try await other.run("repo", "list").status == 0)
            let disabled = try await workplace.run("user", "disable", "ann")
            #expect(disabled.status == 0 && disabled.stdout.contains("disabled"))
            #expect(try await other.run("repo", "list").status == 4)
            #expect(try await workplace.run("user", "enable", "ann").status == 0)
            #expect(try await other.run("repo", "list").status == 0)
            #expect(try await workplace.run("user", "delete", "ann").status == 0)
            #expect(try await workplace.run("user", "delete", "ann").isComplaint(3, "no user 'ann'"))
            #expect(try await workplace.run("user", "delete", "admin").isComplaint(5, "last administrator"))
        }
    }

    @Test("Tokens are made, listed and revoked, and stand for their user")
    func tokens() async throws {
        try await Workplace.loggedIn { workplace, server in
            let made = try await workplace.run("token", "create", "build server", "--days", "90")
            let secret = made.stdout.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(made.status == 0 && secret.wholeMatch(of: /grn_[0-9a-f]{16}_[0-9a-f]{48}/) != nil)
            let list = try await workplace.run("token", "list", "--user", "admin")
            #expect(list.stdout.contains("build server") && !list.stdout.contains(secret))
            let bare = workplace.with([
                "XDG_CONFIG_HOME": "\(workplace.path)/none", "GRANARY_SERVER": server.address, "GRANARY_TOKEN": secret
            ])
            #expect(try await bare.run("user", "list").status == 0)
            let id = String(secret.dropFirst(4).prefix(16))
            #expect(try await workplace.run("token", "revoke", id).status == 0)
            #expect(try await workplace.run("token", "revoke", id).isComplaint(3, "no token"))
            #expect(try await bare.run("user", "list").status == 4)
            #expect(try await workplace.run("token").stdout.contains("revoked"))
            #expect(try await workplace.run("token", "create", "x", "--days", "0").status == 64)
            #expect(try await workplace.run("token", "create", "x", "--user", "nobody").status == 3)
        }
    }

    @Test("Grants are added, listed and removed")
    func grants() async throws {
        try await Workplace.loggedIn { workplace, _ in
            #expect(try await workplace.run("user", "add", "ann", "--no-password").status == 0)
            let add = try await workplace.run(
                "grant", "add", "--user", "ann", "--repository", "files", "--package", "a/**", "--rights",
                "read, write", "--json")
            #expect(add.status == 0, "\(add.stderr)")
            let grant = try #require(try Self.json(add).first)
            #expect(grant["rights"] as? [String] == ["read", "write"] && grant["user"] as? String == "ann")
            #expect(
                try await workplace.run("grant", "add", "--everybody", "--repository", "**", "--rights", "read").status
                    == 0)
            let list = try await workplace.run("grant", "list")
            #expect(list.stdout.contains("(everybody)") && list.stdout.contains("a/**"))
            let id = try #require(grant["id"] as? Int)
            #expect(try await workplace.run("grant", "remove", "\(id)").status == 0)
            #expect(try await workplace.run("grant", "remove", "\(id)").isComplaint(3, "no grant"))
            #expect(try await workplace.run("grant", "remove", "x").status == 64)
            #expect(try await workplace.run("grant", "add", "--repository", "x", "--rights", "read").status == 64)
            let odd = try await workplace.run("grant", "add", "--everybody", "--repository", "x", "--rights", "fly")
            #expect(odd.isComplaint(1, "read, write, delete, admin"), "\(odd)")
        }
    }

    @Test("A server that is not there is said so")
    func unreachable() async throws {
        try await Workplace.fresh { workplace in
            let gone = try await workplace.run("repo", "list", "--server", "http://127.0.0.1:1")
            #expect(gone.isComplaint(6, "http://127.0.0.1:1 cannot be reached"), "\(gone)")
            let odd = try await workplace.run("repo", "list", "--server", "nonsense")
            #expect(odd.isComplaint(64, "http://"), "\(odd)")
        }
    }

    @Test("The version is told, and the server's where there is one")
    func version() async throws {
        try await Workplace.fresh { workplace in
            let version = try await workplace.run("version")
            #expect(version.status == 0 && version.stdout.wholeMatch(of: /granary \d+\.\d+\.\d+\n/) != nil)
            let flag = try await workplace.run("--version")
            #expect(flag.status == 0 && "granary \(flag.stdout)" == version.stdout)
        }
        try await Workplace.loggedIn { workplace, _ in
            let version = try await workplace.run("version", "--json")
            let document = try #require(try Self.json(version).first)
            #expect(document["client"] as? String == document["server"] as? String)
        }
    }

    @Test(
        "Wrong usage ends with 64 and says how it goes",
        arguments: [["nonsense"], ["repo", "create"], ["serve", "--port", "x"]])
    func usage(_ arguments: [String]) async throws {
        try await Workplace.fresh { workplace in
            let output = try await workplace.run(arguments)
            #expect(output.status == 64 && output.stderr.contains("Usage: granary"), "\(output)")
        }
    }
}
