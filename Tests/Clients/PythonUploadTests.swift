import Foundation
import GranaryTestKit
import Testing

extension ClientTests {
    @Suite("Uploads of Python packages")
    struct PythonUploads {
        @Test("twine uploads a release, and once more without harm")
        func twine() async throws {
            try await withPythonIndex { index, sandbox in
                let files = try await sandbox.makePythonProject("My.Pkg", "1.0")
                #expect(files.count == 2)
                _ = try await sandbox.twine(index, files).orThrow()
                _ = try await sandbox.twine(index, files).orThrow()
                let page = try await sandbox.curl("-u", index.credentials, "\(index.open)my-pkg/")
                let text = String(decoding: page.body, as: UTF8.self)
                for file in files { #expect(text.contains(URL(filePath: file).lastPathComponent)) }
                #expect(text.contains("data-requires-python=\"&gt;=3.8\""))
            }
        }

        @Test("twine may not put other bytes in place of a file")
        func otherBytes() async throws {
            try await withPythonIndex { index, sandbox in
                try await sandbox.publishPythonProject(index, "my-pkg", "1.0")
                let other = try await sandbox.makePythonProject("my-pkg", "1.0", value: "other")
                let refused = try await sandbox.twine(index, ["--verbose"] + other.filter { $0.hasSuffix(".whl") })
                #expect(!refused.hasSucceeded)
                #expect((refused.stdout + refused.stderr).contains("400"), "\(refused)")
                #expect((refused.stdout + refused.stderr).contains("File already exists"), "\(refused)")
            }
        }

        @Test("twine is refused with a wrong password, and tells so")
        func wrongPassword() async throws {
            try await withPythonIndex { index, sandbox in
                let files = try await sandbox.makePythonProject("my-pkg", "1.0")
                let refused = try await sandbox.twine(index, files, password: "wrong")
                #expect(!refused.hasSucceeded)
                #expect((refused.stdout + refused.stderr).contains("401"), "\(refused)")
                let page = try await sandbox.curl("-u", index.credentials, "\(index.open)my-pkg/")
                #expect(page.status == 404)
            }
        }

        @Test("uv publishes to both spellings of the address, and skips what is there", arguments: ["", "legacy/"])
        func uv(_ path: String) async throws {
            try await withPythonIndex { index, sandbox in
                let files = try await sandbox.makePythonProject("my-pkg", "1.0")
                let arguments = [
                    "publish", "--publish-url", index.url + path, "-u", index.user, "--password=\(index.password)",
                    "--trusted-publishing", "never"
                ]
                try await sandbox.run(Python.uv, arguments + files)
                try await sandbox.run(Python.uv, arguments + files)
                let checked = try await sandbox.run(Python.uv, arguments + ["--check-url", index.open] + files)
                #expect(checked.stderr.contains("already exists"), "\(checked)")
                let refused = try await sandbox.attempt(
                    Python.uv, "publish", "--publish-url", index.url, "-u", index.user, "-p", "wrong",
                    "--trusted-publishing", "never", files[0])
                #expect(!refused.hasSucceeded)
                #expect(refused.stderr.contains("401"), "\(refused)")
            }
        }

        @Test("uv and twine publish with an access token")
        func token() async throws {
            try await withPythonIndex { index, sandbox in
                let made = try await sandbox.curl(
                    "-u", index.credentials, "-H", "Content-Type: application/json", "-d", #"{"name":"ci"}"#,
                    "\(index.server.url)/api/v1/tokens")
                let token = try JSONDecoder().decode(NewToken.self, from: made.body).secret
                let files = try await sandbox.makePythonProject("my-pkg", "1.0")
                try await sandbox.run(
                    Python.uv, "publish", "--publish-url", index.url, "--token", token, "--trusted-publishing", "never",
                    files[0])
                var owner = index
                owner.user = "__token__"
                _ = try await sandbox.twine(owner, [files[1]], password: token).orThrow()
            }
        }

        private struct NewToken: Decodable {
            let secret: String
        }

        @Test("poetry builds and publishes, and skips what is there")
        func poetry() async throws {
            try await withPythonIndex { index, sandbox in
                try sandbox.write(
                    """
                    [project]
                    name = "poem"
                    version = "1.0"
                    description = "A poem"
                    requires-python = ">=3.8"
                    [tool.poetry]
                    packages = [{ include = "poem" }]
                    [build-system]
                    requires = ["poetry-core"]
                    build-backend = "poetry.core.masonry.api"
                    """, to: "poem/pyproject.toml")
                try sandbox.write("value = \"1.0\"\n", to: "poem/poem/__init__.py")
                try await sandbox.run(Python.poetry, "config", "repositories.gran", index.url)
                try await sandbox.run(Python.poetry, "config", "--", "http-basic.gran", index.user, index.password)
                let folder = sandbox.path("poem")
                try await sandbox.run(Python.poetry, "-C", folder, "publish", "--build", "-r", "gran", "-n")
                try await sandbox.run(Python.poetry, "-C", folder, "publish", "-r", "gran", "-n", "--skip-existing")
                // Other bytes under the same name are skipped by the words of the refusal.
                try sandbox.write("value = \"other\"\n", to: "poem/poem/__init__.py")
                try await sandbox.run(
                    Python.poetry, "-C", folder, "publish", "--build", "-r", "gran", "-n", "--skip-existing")
                let refused = try await sandbox.attempt(Python.poetry, "-C", folder, "publish", "-r", "gran", "-n")
                #expect(!refused.hasSucceeded)
                try await sandbox.run(
                    Python.pip, "install", "-q", "--target", sandbox.path("out"), "-i", index.simple, "poem")
                #expect(try await sandbox.value(of: "poem", in: "out") == "1.0")
            }
        }
    }
}
