import Crypto
import FormatPyPI
import GranaryCore
import GranaryModel
import GranaryTestKit
import Testing

/// Serves repositories of Python packages, by name, from a fresh folder.
func withDistributions<Value: Sendable>(
    _ repositories: [String: RepositorySettings] = ["py": RepositorySettings()], format: PyPI = PyPI(),
    _ body: @escaping @Sendable (TestServer) async throws -> Value
) async throws -> Value {
    let folder = try TemporaryDirectory()
    defer { folder.remove() }
    let new = try repositories.map { name, settings in
        NewRepository(name: try name.parsed(), format: format.name, kind: .local, settings: settings)
    }
    return try await TestServer.run(formats: [format], repositories: new, in: folder, body)
}

/// A distribution that is as small as can be, and the form that uploads it.
struct TestDistribution: Sendable {
    var name = "my-pkg"
    var version = "1.0"
    var isWheel = true
    var metadataVersion = "2.1"
    /// More lines of the metadata.
    var metadata = "Requires-Python: >=3.8\nSummary: one\n"
    var description = "# Hello\n"
    /// What the module says, so that two can differ.
    var content = "x = 1\n"
    /// Fields of the form that are to be other ones; nil takes one away.
    var changes: [String: String?] = [:]
    var filename: String?
    /// Where the file stands among the fields.
    var isFileFirst = false

    var stem: String { "\(name.replacing("-", with: "_"))-\(version)" }
    var file: String { filename ?? (isWheel ? "\(stem)-py3-none-any.whl" : "\(stem).tar.gz") }
    var metadataText: String {
        "Metadata-Version: \(metadataVersion)\nName: \(name)\nVersion: \(version)\n\(metadata)\n\(description)"
    }
    var url: String { "packages/\(name)/\(version.replacing("+", with: "%2B"))/\(file.replacing("+", with: "%2B"))" }

    var bytes: [UInt8] {
        guard isWheel else {
            return Archives.gzip(
                Archives.tar([.init("\(stem)/PKG-INFO", metadataText), .init("\(stem)/a.py", content)]))
        }
        let info = "\(stem).dist-info"
        let record = ["a.py", "\(info)/METADATA", "\(info)/WHEEL", "\(info)/RECORD"].map { "\($0),,\n" }.joined()
        return Archives.zip([
            .init("a.py", content), .init("\(info)/METADATA", metadataText),
            .init("\(info)/WHEEL", "Wheel-Version: 1.0\n"),
            .init("\(info)/RECORD", record)
        ])
    }

    static let contentType = ["Content-Type": "multipart/form-data; boundary=frontier"]

    var form: [UInt8] {
        let bytes = bytes
        var fields: [String: String] = [
            ":action": "file_upload", "protocol_version": "1", "name": name, "version": version,
            "filetype": isWheel ? "bdist_wheel" : "sdist", "pyversion": isWheel ? "py3" : "source",
            "metadata_version": metadataVersion, "sha256_digest": hexadecimal(SHA256.hash(data: bytes)),
            "description": description
        ]
        for (name, value) in changes { fields[name] = value }
        let texts = fields.sorted { $0.key < $1.key }.flatMap { Self.part("name=\"\($0.key)\"", Array($0.value.utf8)) }
        let content = Self.part("name=\"content\"; filename=\"\(file)\"", bytes)
        return (isFileFirst ? content + texts : texts + content) + Array("--frontier--\r\n".utf8)
    }

    private static func part(_ disposition: String, _ content: [UInt8]) -> [UInt8] {
        Array("--frontier\r\nContent-Disposition: form-data; \(disposition)\r\n\r\n".utf8) + content
            + Array("\r\n".utf8)
    }
}

extension TestServer {
    /// Sends a distribution as the administrator.
    func upload(
        _ distribution: TestDistribution, to path: String = "py/",
        authorization: String? = basic(administrator.user, administrator.password)
    ) async throws -> TestAnswer {
        try await send(
            "POST", "/pypi/\(path)", TestDistribution.contentType, body: distribution.form, authorization: authorization
        )
    }

    /// Uploads what a test needs to be there.
    func publish(_ distribution: TestDistribution) async throws {
        let answer = try await upload(distribution)
        try #require(answer.status == 200, "\(answer.text)")
    }

    /// The page of a project as JSON.
    func simplePage(
        _ project: String, authorization: String? = basic(administrator.user, administrator.password)
    ) async throws -> SimplePage {
        let accept = ["Accept": "application/vnd.pypi.simple.v1+json"]
        let answer = try await send("GET", "/pypi/py/simple/\(project)/", accept, authorization: authorization)
        try #require(answer.status == 200, "\(answer.text)")
        return try answer.json()
    }
}

/// What tests look at of the page of a project.
struct SimplePage: Decodable {
    struct File: Decodable {
        let filename: String
        let url: String
        let hashes: [String: String]
        let size: Int
    }

    let name: String
    let versions: [String]
    let files: [File]
}
