import Foundation
import GranaryTestKit
import Testing

extension ClientTests {
    @Suite("Installing Python packages")
    struct PythonInstalls {
        @Test(
            "pip resolves by metadata files and installs what a package needs",
            arguments: [[], ["--use-feature=fast-deps"]])
        func pip(_ options: [String]) async throws {
            try await withPythonIndex { index, sandbox in
                try await sandbox.publishPythonProject(index, "base-lib", "1.0")
                try await sandbox.publishPythonProject(index, "base-lib", "2.0")
                try await sandbox.publishPythonProject(index, "app", "1.0", requires: ["base-lib<2"])
                let installed = try await sandbox.run(
                    Python.pip,
                    ["install", "-v", "--target", sandbox.path("out"), "-i", index.simple] + options + ["app"])
                #expect(try await sandbox.value(of: "base_lib", in: "out") == "1.0")
                #expect(installed.stdout.contains(".metadata"), "\(installed)")
                try await sandbox.run(
                    Python.pip, "download", "-q", "-d", sandbox.path("down"), "-i", index.simple, "--no-deps",
                    "base-lib")
                let files = try FileManager.default.contentsOfDirectory(atPath: sandbox.path("down"))
                #expect(files == ["base_lib-2.0-py3-none-any.whl"])
            }
        }

        @Test("pip installs sources whose metadata it cannot rely on")
        func withoutMetadata() async throws {
            try await withPythonIndex { index, sandbox in
                let settings = "[tool.hatch.build.targets.sdist]\ncore-metadata-version = \"2.1\""
                let files = try await sandbox.makePythonProject("old-lib", "1.0", settings: settings)
                _ = try await sandbox.twine(index, files.filter { $0.hasSuffix(".tar.gz") }).orThrow()
                let page = try await sandbox.curl("-u", index.credentials, "\(index.open)old-lib/")
                #expect(!String(decoding: page.body, as: UTF8.self).contains("data-core-metadata"))
                try await sandbox.run(
                    Python.pip, "install", "-q", "--no-build-isolation", "--target", sandbox.path("out"), "-i",
                    index.simple, "old-lib")
                #expect(try await sandbox.value(of: "old_lib", in: "out") == "1.0")
            }
        }

        @Test("uv installs, locks and syncs")
        func uv() async throws {
            try await withPythonIndex { index, sandbox in
                try await sandbox.publishPythonProject(index, "base-lib", "1.0")
                try await sandbox.publishPythonProject(index, "app", "1.0", requires: ["base-lib"])
                try await sandbox.run(
                    Python.uv, "pip", "install", "--no-cache", "--target", sandbox.path("out"), "--default-index",
                    index.simple, "app")
                #expect(try await sandbox.value(of: "base_lib", in: "out") == "1.0")
                let early = try await sandbox.attempt(
                    Python.uv, "pip", "install", "--no-cache", "--target", sandbox.path("early"), "--default-index",
                    index.simple, "--exclude-newer", "2023-01-01", "app")
                #expect(!early.hasSucceeded)
                var locking = sandbox
                locking.environment["UV_NO_CONFIG"] = nil
                locking.environment["UV_INDEX_GRAN_USERNAME"] = index.user
                locking.environment["UV_INDEX_GRAN_PASSWORD"] = index.password
                try sandbox.write(
                    """
                    [project]
                    name = "user"
                    version = "1.0"
                    requires-python = ">=3.8"
                    dependencies = ["app"]
                    [[tool.uv.index]]
                    name = "gran"
                    url = "\(index.open)"
                    default = true
                    """, to: "user/pyproject.toml")
                try await locking.run(Python.uv, "lock", "--project", sandbox.path("user"))
                let lock = String(decoding: try sandbox.read("user/uv.lock"), as: UTF8.self)
                #expect(lock.contains("\(index.url)packages/base-lib/1.0/base_lib-1.0-py3-none-any.whl"))
                try await locking.run(Python.uv, "sync", "--project", sandbox.path("user"), "--no-install-project")
                let found = try await sandbox.run(
                    "find", sandbox.path("user/.venv"), "-path", "*site-packages/base_lib/__init__.py")
                #expect(found.lines.count == 1)
            }
        }

        @Test("poetry adds and locks")
        func poetry() async throws {
            try await withPythonIndex { index, sandbox in
                try await sandbox.publishPythonProject(index, "base-lib", "1.0")
                try await sandbox.publishPythonProject(index, "app", "1.0", requires: ["base-lib"])
                try sandbox.write(
                    """
                    [project]
                    name = "user"
                    version = "1.0"
                    requires-python = ">=3.8,<4"
                    [tool.poetry]
                    package-mode = false
                    [[tool.poetry.source]]
                    name = "gran"
                    url = "\(index.open)"
                    priority = "primary"
                    """, to: "user/pyproject.toml")
                try await sandbox.run(Python.poetry, "config", "--", "http-basic.gran", index.user, index.password)
                try await sandbox.run(Python.poetry, "-C", sandbox.path("user"), "add", "-n", "app")
                let lock = String(decoding: try sandbox.read("user/poetry.lock"), as: UTF8.self)
                #expect(lock.contains("base_lib-1.0-py3-none-any.whl"))
                try await sandbox.run(Python.poetry, "-C", sandbox.path("user"), "lock", "-n", "--regenerate")
            }
        }

        @Test("A withdrawn release is chosen only where it is pinned")
        func yanked() async throws {
            try await withPythonIndex { index, sandbox in
                try await sandbox.publishPythonProject(index, "base-lib", "1.0")
                try await sandbox.publishPythonProject(index, "base-lib", "2.0")
                try await sandbox.yank(index, "base-lib", "2.0", reason: "breaks <everything>")
                func pip(_ requirement: String, _ folder: String) async throws -> Program.Output {
                    try await sandbox.run(
                        Python.pip, "install", "--target", sandbox.path(folder), "-i", index.simple, requirement)
                }
                _ = try await pip("base-lib", "out")
                #expect(try await sandbox.value(of: "base_lib", in: "out") == "1.0")
                let pinned = try await pip("base-lib==2.0", "pinned")
                #expect(try await sandbox.value(of: "base_lib", in: "pinned") == "2.0")
                #expect((pinned.stdout + pinned.stderr).contains("breaks <everything>"), "\(pinned)")
                try await sandbox.run(
                    Python.uv, "pip", "install", "--no-cache", "--target", sandbox.path("uv"), "--default-index",
                    index.simple, "base-lib")
                #expect(try await sandbox.value(of: "base_lib", in: "uv") == "1.0")
                let undone = try await sandbox.curl(
                    "-u", index.credentials, "-X", "DELETE", "\(index.url)yank/base-lib/2.0")
                #expect(undone.status == 204)
                _ = try await pip("base-lib", "again")
                #expect(try await sandbox.value(of: "base_lib", in: "again") == "2.0")
            }
        }

        @Test("A private repository wants a password, and pip finds it in netrc")
        func privateIndex() async throws {
            try await withPythonIndex { index, sandbox in
                try await sandbox.publishPythonProject(index, "base-lib", "1.0")
                let challenge = try await sandbox.curl("\(index.open)base-lib/")
                #expect(challenge.status == 401)
                #expect(challenge.headers["www-authenticate"]?.hasPrefix("Basic") == true)
                let download = ["download", "-q", "-d", sandbox.path("down"), "-i", index.open, "base-lib"]
                #expect(!(try await sandbox.attempt(Python.pip, download).hasSucceeded))
                let netrc = "machine 127.0.0.1 login \(index.user) password \(index.password)\n"
                try sandbox.write(netrc, to: "home/.netrc")
                try await sandbox.run("chmod", "600", sandbox.folder.appending(path: "home/.netrc").path)
                try await sandbox.run(Python.pip, download)
                try await sandbox.run(
                    Python.uv, "pip", "install", "--no-cache", "--target", sandbox.path("uv"), "--default-index",
                    index.open, "base-lib")
            }
        }

        @Test("A repository open to everybody is read without a password")
        func openIndex() async throws {
            try await withPythonIndex(anonymousRead: true) { index, sandbox in
                try await sandbox.publishPythonProject(index, "base-lib", "1.0")
                try await sandbox.run(
                    Python.pip, "install", "-q", "--target", sandbox.path("out"), "-i", index.open, "base-lib")
                #expect(try await sandbox.value(of: "base_lib", in: "out") == "1.0")
                let missing = try await sandbox.attempt(
                    Python.pip, "install", "-q", "--target", sandbox.path("no"), "-i", index.open, "no-such-lib")
                #expect(missing.stderr.contains("No matching distribution"), "\(missing)")
            }
        }
    }
}
