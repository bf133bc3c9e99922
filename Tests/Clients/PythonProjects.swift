import Foundation
import GranaryTestKit

/// The clients of Python packages, each by its path below `.build/clients`.
enum Python {
    static let python = "python/bin/python"
    static let pip = "python/bin/pip"
    static let twine = "python/bin/twine"
    static let uv = "python/bin/uv"
    static let poetry = "python/bin/poetry"
    static let hatchling = "python/bin/hatchling"
}

/// A repository of Python packages on a server, as one user sees it.
struct PythonIndex: Sendable {
    let server: Server
    let name: String
    var user: String
    var password: String

    /// Where uploads go.
    var url: String { "\(server.url)/pypi/\(name)/" }
    /// For installers, which take the credentials from the address.
    var simple: String { "http://\(user):\(password)@\(server.host)/pypi/\(name)/simple/" }
    /// The same without credentials.
    var open: String { "\(url)simple/" }
    /// For curl's `-u`.
    var credentials: String { "\(user):\(password)" }
}

/// Runs `body` with a server that has a repository of Python packages, and with a sandbox whose clients know of nothing else.
func withPythonIndex(
    anonymousRead: Bool = false, _ body: (PythonIndex, Sandbox) async throws -> Void
) async throws {
    try await withServer { server, sandbox in
        var sandbox = sandbox
        let home = sandbox.folder.appending(path: "home").path
        sandbox.environment.merge([
            "PIP_CONFIG_FILE": "/dev/null", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_CACHE_DIR": "1",
            "PIP_NO_INPUT": "1", "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "UV_NO_CONFIG": "1", "UV_CACHE_DIR": "\(home)/uv", "UV_PYTHON_DOWNLOADS": "never",
            "UV_PYTHON": try sandbox.find(Python.python),
            "POETRY_CONFIG_DIR": "\(home)/poetry/config", "POETRY_DATA_DIR": "\(home)/poetry/data",
            "POETRY_CACHE_DIR": "\(home)/poetry/cache", "POETRY_NO_INTERACTION": "1",
            "POETRY_KEYRING_ENABLED": "false", "POETRY_VIRTUALENVS_IN_PROJECT": "true"
        ]) { _, new in new }
        let index = PythonIndex(server: server, name: "py", user: "admin", password: server.password)
        let settings = #"{"name":"py","format":"pypi","kind":"local","settings":{"anonymousRead":\#(anonymousRead)}}"#
        let made = try await sandbox.curl(
            "-u", server.credentials, "-H", "Content-Type: application/json", "-d", settings,
            "\(server.url)/api/v1/repositories")
        guard made.status == 201 else { throw ServerFailure(description: "no repository was made: \(made)") }
        try await body(index, sandbox)
    }
}

extension Sandbox {
    /// Builds a wheel and a source distribution into `work/NAME-VERSION/dist` and answers their paths. The module `NAME` (with
    /// underscores) has the version as its `value`, unless a value is given.
    func makePythonProject(
        _ name: String, _ version: String, requires: [String] = [], value: String? = nil, settings: String = ""
    ) async throws -> [String] {
        let folder = "\(name)-\(version)"
        let module = name.replacingOccurrences(of: "-", with: "_").replacingOccurrences(of: ".", with: "_").lowercased()
        let requirements = requires.map { "\"\($0)\"" }.joined(separator: ", ")
        try write(
            """
            [build-system]
            requires = ["hatchling"]
            build-backend = "hatchling.build"
            [project]
            name = "\(name)"
            version = "\(version)"
            description = "What tests install"
            requires-python = ">=3.8"
            dependencies = [\(requirements)]
            [tool.hatch.build.targets.wheel]
            packages = ["\(module)"]
            \(settings)
            """, to: "\(folder)/pyproject.toml")
        try write("value = \"\(value ?? version)\"\n", to: "\(folder)/\(module)/__init__.py")
        try await run("env", "-C", path(folder), try find(Python.hatchling), "build")
        let dist = path("\(folder)/dist")
        return try FileManager.default.contentsOfDirectory(atPath: dist).sorted().map { "\(dist)/\($0)" }
    }

    /// Uploads files by twine, whatever comes of it.
    func twine(_ index: PythonIndex, _ files: [String], password: String? = nil) async throws -> Program.Output {
        try await attempt(
            Python.twine,
            [
                "upload", "--non-interactive", "--disable-progress-bar", "--repository-url", index.url, "-u",
                index.user,
                // In one word, because a password may begin with a hyphen.
                "--password=\(password ?? index.password)"
            ] + files)
    }

    /// Makes a project and uploads it.
    func publishPythonProject(
        _ index: PythonIndex, _ name: String, _ version: String, requires: [String] = [], settings: String = ""
    ) async throws {
        let files = try await makePythonProject(name, version, requires: requires, settings: settings)
        _ = try await twine(index, files).orThrow()
    }

    /// What the module in a folder says its value is.
    func value(of module: String, in folder: String) async throws -> String {
        try await run(
            Python.python, "-c",
            "import sys; sys.path.insert(0, sys.argv[1]); import \(module); print(\(module).value)",
            path(folder)
        ).text
    }

    /// Withdraws a release.
    func yank(_ index: PythonIndex, _ project: String, _ version: String, reason: String) async throws {
        let answer = try await curl(
            "-u", index.credentials, "--data-urlencode", "reason=\(reason)", "\(index.url)yank/\(project)/\(version)")
        guard answer.status == 204 else { throw ServerFailure(description: "not withdrawn: \(answer)") }
    }
}
