import Foundation
import GranaryTestKit
import Testing

extension ClientTests {
    @Suite("npm")
    struct NPM {
        @Test("Publishes, installs, and installs again from the lock file")
        func publishAndInstall() async throws {
            try await withRegistry { npm in
                try npm.package("left", "1.0.0", files: ["index.js": "module.exports = 'left 1.0.0'"])
                try await npm.run("publish", in: "left")
                try npm.package("@acme/right", "0.1.0-beta.1", extra: #","dependencies":{"left":"^1.0.0"}"#)
                try await npm.run("publish", "--access", "restricted", in: "@acme/right")
                try npm.package("app", "1.0.0")
                try await npm.run("install", "left", "@acme/right", in: "app")
                #expect(try npm.read("app/node_modules/left/index.js") == "module.exports = 'left 1.0.0'")
                let lock = try npm.read("app/package-lock.json")
                #expect(lock.contains("\(npm.registry)left/-/left-1.0.0.tgz"))
                #expect(lock.contains("\(npm.registry)@acme/right/-/right-0.1.0-beta.1.tgz"))
                #expect(lock.contains("sha512-"))
                try npm.remove("app/node_modules")
                try await npm.run("ci", "--prefer-online", in: "app")
                #expect(try npm.read("app/node_modules/@acme/right/package.json").contains("0.1.0-beta.1"))
                #expect(try await npm.run("view", "@acme/right", "dependencies.left", in: "app") == "^1.0.0")
                #expect(try await npm.run("view", "left", "dist.fileCount", in: "app") == "2")
            }
        }

        @Test("Moves dist-tags, and says what is outdated")
        func tags() async throws {
            try await withRegistry { npm in
                try await npm.publish("left", "1.0.0")
                try await npm.publish("left", "1.1.0")
                try await npm.publish("left", "2.0.0-rc.1", "--tag", "next")
                #expect(try await npm.run("dist-tag", "ls", "left") == "latest: 1.1.0\nnext: 2.0.0-rc.1")
                try await npm.run("dist-tag", "add", "left@1.0.0", "stable")
                try await npm.run("dist-tag", "rm", "left", "next")
                #expect(try await npm.run("dist-tag", "ls", "left") == "latest: 1.1.0\nstable: 1.0.0")
                #expect(try await npm.attempt("dist-tag", "rm", "left", "latest").hasSucceeded == false)
                #expect(try await npm.attempt("dist-tag", "add", "left@9.9.9", "stable").hasSucceeded == false)
                try npm.package("app", "1.0.0", extra: #","dependencies":{"left":"1.0.0"}"#)
                try await npm.run("install", in: "app")
                let outdated = try await npm.attempt("outdated", "--json", in: "app")
                #expect(outdated.text.contains(#""latest": "1.1.0""#))
            }
        }

        @Test("Deprecates and takes it back")
        func deprecation() async throws {
            try await withRegistry { npm in
                try await npm.publish("left", "1.0.0")
                try await npm.publish("left", "1.1.0")
                try await npm.run("deprecate", "left@<1.1", "use 1.1, \"please\"")
                #expect(try await npm.run("view", "left@1.0.0", "deprecated") == #"use 1.1, "please""#)
                #expect(try await npm.run("view", "left@1.1.0", "deprecated").isEmpty)
                try npm.package("app", "1.0.0")
                let installed = try await npm.attempt("install", "left@1.0.0", in: "app")
                #expect(installed.hasSucceeded)
                #expect(installed.log.contains("deprecated left@1.0.0"))
                try await npm.run("deprecate", "left@1.0.0", "")
                #expect(try await npm.run("view", "left@1.0.0", "deprecated").isEmpty)
            }
        }

        @Test("A version is published once, also after it was unpublished")
        func immutability() async throws {
            try await withRegistry { npm in
                try await npm.publish("left", "1.0.0")
                try await npm.publish("left", "1.1.0")
                try npm.package("left", "1.0.0", files: ["index.js": "others"])
                let again = try await npm.attempt("publish", in: "left")
                #expect(again.hasSucceeded == false)
                #expect(again.log.contains("cannot publish over the previously published versions"))
                try await npm.run("unpublish", "left@1.0.0")
                #expect(try await npm.run("view", "left", "versions", "--json").contains("1.1.0"))
                #expect(try await npm.attempt("view", "left@1.0.0", "name").text.isEmpty)
                #expect(try await npm.attempt("publish", in: "left").hasSucceeded == false)
                try await npm.run("unpublish", "left", "--force")
                #expect(try await npm.attempt("view", "left").log.contains("E404"))
            }
        }

        @Test("Logs in with a password, and works with the token until it is revoked")
        func accounts() async throws {
            try await withRegistry { npm in
                let npmrc = try npm.read("home/.npmrc")
                try npm.write("registry=\(npm.registry)\n", to: "home/.npmrc")
                #expect(try await npm.attempt("whoami").hasSucceeded == false)
                #expect(try await npm.logIn(password: "wrong").hasSucceeded == false)
                let login = try await npm.logIn(password: npm.server.password)
                #expect(login.hasSucceeded, "\(login.text)")
                #expect(try await npm.run("whoami") == "admin")
                #expect(try npm.read("home/.npmrc").contains("_authToken="))
                try await npm.publish("left", "1.0.0")
                #expect(try await npm.run("token", "list", "--json").contains(#""readonly": false"#))
                #expect(try await npm.run("profile", "get", "name") == "admin")
                let old = try npm.read("home/.npmrc")
                try await npm.run("logout")
                try npm.write(old, to: "home/.npmrc")
                #expect(try await npm.attempt("whoami").hasSucceeded == false)
                // An old token in the way of a new login is no hindrance.
                let again = try await npm.logIn(password: npm.server.password)
                #expect(again.hasSucceeded, "\(again.text)")
                #expect(try await npm.run("whoami") == "admin")
                try npm.write(npmrc, to: "home/.npmrc")
            }
        }

        @Test("Nobody reads a private registry without a credential, and a wrong password is refused")
        func privacy() async throws {
            try await withRegistry { npm in
                try await npm.publish("left", "1.0.0")
                try npm.write("registry=\(npm.registry)\n", to: "home/.npmrc")
                #expect(try await npm.attempt("view", "left").log.contains("E401"))
                try npm.configure(user: "admin", password: "wrong")
                #expect(try await npm.attempt("view", "left").log.contains("E401"))
                try npm.package("right", "1.0.0")
                #expect(try await npm.attempt("publish", in: "right").log.contains("E401"))
            }
        }

        @Test("Finds packages by words, and answers pings")
        func search() async throws {
            try await withRegistry { npm in
                try npm.package("left", "1.0.0", extra: #","description":"Pads to the left","keywords":["padding"]"#)
                try await npm.run("publish", in: "left")
                try await npm.publish("other", "1.0.0")
                #expect(try await npm.run("search", "--json", "pads").contains(#""name":"left""#))
                #expect(try await npm.run("search", "--json", "padding").contains(#""name":"left""#))
                #expect(try await npm.run("search", "--json", "nothing-of-it") == "[]")
                try await npm.run("ping")
            }
        }

        @Test("A tarball that is not what its document says is refused")
        func confusion() async throws {
            try await withRegistry { npm in
                try npm.package("left", "1.0.0")
                let packed = try await npm.run("pack", "--json", in: "left")
                #expect(packed.contains("left-1.0.0.tgz"))
                for (name, version, expected) in [
                    ("other", "1.0.0", "400"), ("left", "2.0.0", "400"), ("left", "1.0.0", "201")
                ] {
                    let status = try await npm.sandbox.run(
                        "python3", Sandbox.fixture("npm-publish.py"), npm.registry, npm.server.credentials, name,
                        version,
                        npm.sandbox.path("left-1.0.0.tgz"))
                    #expect(status.text == expected, "\(name) \(version)")
                }
            }
        }
    }
}

/// A registry that is private, and an npm that is logged in to it.
private func withRegistry(_ body: (Registry) async throws -> Void) async throws {
    try await withServer { server, sandbox in
        try await sandbox.run(
            "curl", "-sf", "-u", server.credentials, "-H", "Content-Type: application/json", "-d",
            #"{"name":"web","format":"npm","kind":"local"}"#, "\(server.url)/api/v1/repositories")
        var own = sandbox
        own.limit = .seconds(120)
        let registry = Registry(server: server, sandbox: own)
        try registry.configure(user: "admin", password: server.password)
        try await body(registry)
    }
}

private struct Registry {
    let server: Server
    let sandbox: Sandbox

    var registry: String { "\(server.url)/npm/web/" }

    func configure(user: String, password: String) throws {
        let credential = Data("\(user):\(password)".utf8).base64EncodedString()
        let text = "registry=\(registry)\n//\(server.host)/npm/web/:_auth=\(credential)\nupdate-notifier=false\n"
        try sandbox.write(text, to: "home/.npmrc")
    }

    /// A folder with a package in it.
    func package(_ name: String, _ version: String, extra: String = "", files: [String: String] = [:]) throws {
        try sandbox.write(#"{"name":"\#(name)","version":"\#(version)"\#(extra)}"#, to: "\(name)/package.json")
        for (file, text) in files { try sandbox.write(text, to: "\(name)/\(file)") }
    }

    func publish(_ name: String, _ version: String, _ arguments: String...) async throws {
        try package(name, version)
        _ = try await attempt(["publish"] + arguments, in: name).orThrow()
    }

    @discardableResult
    func run(_ arguments: String..., in folder: String = ".") async throws -> String {
        try await attempt(arguments, in: folder).orThrow().text
    }

    func attempt(_ arguments: String..., in folder: String = ".") async throws -> Program.Output {
        try await attempt(arguments, in: folder)
    }

    private func attempt(_ arguments: [String], in folder: String) async throws -> Program.Output {
        try await sandbox.attempt(
            "npm",
            arguments + ["--prefix", sandbox.path(folder), "--no-audit", "--no-fund", "--loglevel", "warn"]
                + (arguments.first == "publish" || arguments.first == "pack" ? [sandbox.path(folder)] : []))
    }

    func logIn(password: String) async throws -> Program.Output {
        try await sandbox.attempt(
            "python3", Sandbox.fixture("npm-login.py"), try sandbox.find("npm"), registry, "admin", password)
    }

    func read(_ name: String) throws -> String {
        let folder = name.hasPrefix("home/") ? sandbox.folder : sandbox.work
        return try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    func write(_ text: String, to name: String) throws { try sandbox.write(text, to: name) }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: sandbox.path(name)) }
}
