import Foundation
import GranaryTestKit
import Testing

extension ClientTests {
    @Suite("Helm")
    struct Helm {
        @Test("Reads the index with a password and pulls the newest, a range and an exact version")
        func pull() async throws {
            try await withHelmRepository { repository, sandbox in
                let versions = ["1.2.3", "1.10.0", "2.0.0-rc.1", "1.2.3+build.7"]
                var archives: [String: Data] = [:]
                for version in versions {
                    let archive = try await sandbox.publishChart(repository, "my-chart", version)
                    archives[version] = try Data(contentsOf: URL(filePath: archive))
                }
                let index = try await sandbox.index(repository)
                #expect(index.apiVersion == "v1")
                let entries = try #require(index.entries["my-chart"])
                #expect(entries.map(\.version) == ["2.0.0-rc.1", "1.10.0", "1.2.3+build.7", "1.2.3"])
                #expect(entries.allSatisfy { $0.appVersion == "5.0" && $0.digest.count == 64 })
                for (asked, version) in [
                    ("", "1.10.0"), ("~1.2", "1.2.3+build.7"), ("1.2.3", "1.2.3"), ("1.2.3+build.7", "1.2.3+build.7"),
                    (">0.0.0-0", "2.0.0-rc.1")
                ] {
                    let folder = sandbox.path("got-\(UUID().uuidString)")
                    try await sandbox.helm(
                        "pull", repository.url, "admin", repository.server.password, "my-chart", asked, folder)
                    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
                    #expect(files == ["my-chart-\(version).tgz"], "\(asked)")
                    let content = try Data(contentsOf: URL(filePath: "\(folder)/my-chart-\(version).tgz"))
                    #expect(content == archives[version])
                }
            }
        }

        @Test("A private repository wants a password, and one open to everybody does not")
        func login() async throws {
            try await withHelmRepository { repository, sandbox in
                try await sandbox.publishChart(repository, "my-chart", "1.0.0")
                for password in ["", "wrong"] {
                    let user = password.isEmpty ? "" : "admin"
                    let refused = try await sandbox.attemptHelm("index", repository.url, user, password)
                    #expect(!refused.hasSucceeded)
                    #expect((refused.stdout + refused.stderr).contains("401"), "\(refused)")
                }
                let challenge = try await sandbox.curl("\(repository.url)/index.yaml")
                #expect(challenge.status == 401)
                #expect(challenge.headers["www-authenticate"]?.hasPrefix("Basic") == true)
            }
            try await withHelmRepository(anonymousRead: true) { repository, sandbox in
                try await sandbox.publishChart(repository, "my-chart", "1.0.0")
                try await sandbox.helm("pull", repository.url, "", "", "my-chart", "", sandbox.path("got"))
                let got = try sandbox.read("got/my-chart-1.0.0.tgz")
                #expect(!got.isEmpty)
                let missing = try await sandbox.attemptHelm(
                    "pull", repository.url, "", "", "none", "", sandbox.path("got"))
                #expect(!missing.hasSucceeded)
            }
        }

        @Test("An empty repository can be added")
        func empty() async throws {
            try await withHelmRepository { repository, sandbox in
                let entries = try await sandbox.index(repository).entries
                #expect(entries.isEmpty)
            }
        }

        @Test("A chart finds what it depends on")
        func dependencies() async throws {
            try await withHelmRepository(anonymousRead: true) { repository, sandbox in
                try await sandbox.publishChart(repository, "base", "1.0.0")
                try await sandbox.publishChart(repository, "base", "2.0.0")
                let more = "dependencies: [{name: base, version: ^1, repository: \"\(repository.url)\"}]"
                _ = try? await sandbox.packChart("app", "1.0.0", more: more)
                let files = try await sandbox.helm("dependencies", sandbox.path("app"))
                #expect(files == #"["base-1.0.0.tgz"]"#)
                // With what it depends on inside, it is a chart like every other.
                try await sandbox.publishChart(repository, "app", "1.0.0", more: more)
                let entry = try #require(try await sandbox.index(repository).entries["app"]?.first)
                #expect(entry.dependencies?.map(\.name) == ["base"])
            }
        }

        @Test("A signed chart is verified against what the repository serves")
        func provenance() async throws {
            try await withHelmRepository { repository, sandbox in
                let archive = try await sandbox.packChart("my-chart", "1.0.0", more: "keywords: [a, b]")
                try await sandbox.makeSigningKey()
                try await sandbox.helm("sign", archive, "tests@granary.example", sandbox.path("secret.gpg"))
                let answer = try await sandbox.curl(
                    "-u", repository.credentials, "-F", "chart=@\(archive)", "-F", "prov=@\(archive).prov",
                    "\(repository.url)/api/charts")
                #expect(answer.status == 201 && answer.text == #"{"saved":true}"#, "\(answer.text)")
                for suffix in ["", ".prov"] {
                    try await sandbox.run(
                        "curl", "-sSf", "-u", repository.credentials, "-o", "got.tgz\(suffix)",
                        "\(repository.url)/charts/my-chart-1.0.0.tgz\(suffix)")
                }
                try FileManager.default.createDirectory(
                    atPath: sandbox.path("back"), withIntermediateDirectories: true)
                for suffix in ["", ".prov"] {
                    try await sandbox.run("mv", "got.tgz\(suffix)", "back/my-chart-1.0.0.tgz\(suffix)")
                }
                let verified = try await sandbox.helm(
                    "verify", sandbox.path("back/my-chart-1.0.0.tgz"), sandbox.path("public.gpg"))
                #expect(verified.contains("tests@granary.example"), "\(verified)")
                // The provenance of one chart is not that of another.
                let other = try await sandbox.packChart("other", "1.0.0", into: "other-out")
                let refused = try await sandbox.curl(
                    "-u", repository.credentials, "-F", "chart=@\(other)", "-F", "prov=@\(archive).prov",
                    "\(repository.url)/api/charts")
                #expect(refused.status == 400, "\(refused.text)")
            }
        }

        @Test("Uploads by curl are kept once, and taken away again")
        func uploads() async throws {
            try await withHelmRepository { repository, sandbox in
                let archive = try await sandbox.publishChart(repository, "my-chart", "1.0.0")
                #expect(try await sandbox.uploadChart(archive, to: repository).status == 201)
                let put = try await sandbox.curl(
                    "-u", repository.credentials, "-T", archive, "\(repository.url)/my-chart-1.0.0.tgz")
                #expect(put.status == 201)
                let changed = try await sandbox.packChart("my-chart", "1.0.0", more: "icon: https://x.example/i.png")
                let refused = try await sandbox.uploadChart(changed, to: repository)
                #expect(refused.status == 409 && refused.text.hasPrefix(#"{"error":"#), "\(refused.text)")
                let deleted = try await sandbox.curl(
                    "-u", repository.credentials, "-X", "DELETE", "\(repository.url)/api/charts/my-chart/1.0.0")
                #expect(deleted.status == 200 && deleted.text == #"{"deleted":true}"#)
                let entries = try await sandbox.index(repository).entries
                #expect(entries.isEmpty)
            }
        }

        @Test("The same chart is pushed to and pulled from the registry")
        func registry() async throws {
            try await withHelmRepository { repository, sandbox in
                let server = repository.server
                let archive = try await sandbox.publishChart(repository, "my-chart", "1.2.3+build.7")
                let tags = try await sandbox.helm(
                    "oci", server.host, "admin", server.password, archive, "oci://\(server.host)/docker/charts",
                    sandbox.path("got"))
                #expect(tags == #"["1.2.3+build.7"]"#)
                let content = try Data(contentsOf: URL(filePath: archive))
                #expect(try sandbox.read("got/my-chart-1.2.3+build.7.tgz") == content)
                let classic = try await sandbox.curl(
                    "-u", repository.credentials, "\(repository.url)/charts/my-chart-1.2.3+build.7.tgz")
                #expect(classic.body == content)
            }
        }
    }
}

/// What tests look at of an index, as Helm reads it.
private struct ChartIndex: Decodable {
    struct Entry: Decodable {
        struct Dependency: Decodable {
            let name: String
        }

        let version: String
        let appVersion: String?
        let digest: String
        let dependencies: [Dependency]?
    }

    let apiVersion: String
    let entries: [String: [Entry]]
}

extension Sandbox {
    fileprivate func index(_ repository: HelmRepository) async throws -> ChartIndex {
        let text = try await helm("index", repository.url, "admin", repository.server.password)
        return try JSONDecoder().decode(ChartIndex.self, from: Data(text.utf8))
    }

    /// Makes a key of OpenPGP and writes its halves to `secret.gpg` and `public.gpg`.
    fileprivate func makeSigningKey() async throws {
        let home = folder.appending(path: "home/gnupg").path
        try FileManager.default.createDirectory(
            atPath: home, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let options = ["--homedir", home, "--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", ""]
        try await run(
            "gpg", options + ["--quick-generate-key", "Tests <tests@granary.example>", "rsa3072", "sign", "never"])
        try await run("gpg", options + ["-o", path("secret.gpg"), "--export-secret-keys"])
        try await run("gpg", options + ["-o", path("public.gpg"), "--export"])
        _ = try await attempt("gpgconf", "--homedir", home, "--kill", "gpg-agent")
    }
}
