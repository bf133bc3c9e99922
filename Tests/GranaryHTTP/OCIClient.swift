import Crypto
import FormatOCI
import FoundationEssentials
import GranaryCore
import GranaryModel
import GranaryTestKit
import HTTPTypes
import Testing

/// Serves OCI repositories from a fresh folder while `body` runs.
func withOCI(
    _ repositories: [NewRepository]? = nil, _ body: @escaping @Sendable (TestServer) async throws -> Void
) async throws {
    let folder = try TemporaryDirectory()
    defer { folder.remove() }
    try await runOCI(repositories, in: folder, body)
}

/// Serves from a folder; called again on the same one it is a restart. Without `repositories` there is one, the private
/// default `docker`.
func runOCI<Value: Sendable>(
    _ repositories: [NewRepository]? = nil, in folder: TemporaryDirectory,
    uploadLimit: Int = OpenUploads.standardLimit,
    _ body: @escaping @Sendable (TestServer) async throws -> Value
) async throws -> Value {
    try await TestServer.run(
        formats: [OCI()], repositories: try repositories ?? [.oci("docker", isDefault: true)], in: folder,
        uploadLimit: uploadLimit, body)
}

extension NewRepository {
    static func oci(
        _ name: String, isPublic: Bool = false, isDefault: Bool = false,
        writePolicy: RepositorySettings.WritePolicy = .allow, sparseIndexes: Bool = true
    ) throws -> NewRepository {
        NewRepository(
            name: try #require(RepositoryName(name)), format: FormatName(checked: "oci"), kind: .local,
            settings: RepositorySettings(
                anonymousRead: isPublic, isDefault: isDefault, writePolicy: writePolicy, sparseIndexes: sparseIndexes))
    }
}

extension TestServer {
    static let adminBasic = basic(administrator.user, administrator.password)

    /// An image as the administrator sees it.
    func image(_ name: String = "docker/app", as authorization: String? = adminBasic) -> OCIImage {
        OCIImage(server: self, name: name, authorization: authorization)
    }

    /// A user with rights on the packages of a repository; answers the `Authorization` of an access token of theirs.
    func member(
        _ name: String, _ rights: Rights = [], on repository: String = "docker", package: String = "**"
    ) async throws -> String {
        let user = try #require(UserName(name))
        _ = try await management.createUser(user, password: nil, isAdministrator: false, by: admin)
        if !rights.isEmpty {
            _ = try await management.createGrant(
                to: user, repository: try #require(Pattern(repository)), package: try #require(Pattern(package)),
                rights: rights, by: admin)
        }
        let token = try await management.createToken("test", for: name, expiresAt: nil, by: admin)
        return TestServer.basic(name, token.secret)
    }
}

/// An image name and a credential: what a client has.
struct OCIImage: Sendable {
    let server: TestServer
    let name: String
    var authorization: String?

    /// Sends to a path of the image.
    func send(
        _ method: String, _ path: String, _ headers: [String: String] = [:], body: [UInt8]? = nil
    ) async throws -> TestAnswer {
        try await follow(method, "/v2/\(name)/\(path)", headers, body: body)
    }

    /// Sends to a path the server has named.
    func follow(
        _ method: String, _ path: String, _ headers: [String: String] = [:], body: [UInt8]? = nil
    ) async throws -> TestAnswer {
        try await server.send(method, path, headers, body: body, authorization: authorization)
    }

    /// Pushes a blob in one request; answers its descriptor.
    @discardableResult
    func push(_ bytes: [UInt8], mediaType: String = OCIDescriptor.layer) async throws -> OCIDescriptor {
        let descriptor = OCIDescriptor(bytes, mediaType: mediaType)
        let answer = try await send("POST", "blobs/uploads/?digest=\(descriptor.digest)", body: bytes)
        try #require(answer.status == 201, "\(answer.text)")
        return descriptor
    }

    /// Puts a manifest under a tag or digest; by its digest when none is given.
    func put(_ manifest: OCIDocument, at reference: String? = nil, query: String = "") async throws -> TestAnswer {
        try await send(
            "PUT", "manifests/\(reference ?? manifest.digest)\(query)", ["Content-Type": manifest.contentType],
            body: manifest.bytes)
    }

    /// Pushes a whole image whose content follows from `seed`, under a tag where one is given.
    @discardableResult
    func pushImage(_ seed: String, tag: String? = nil) async throws -> OCIDocument {
        let config = try await push(Array(#"{"seed":"\#(seed)"}"#.utf8), mediaType: OCIDescriptor.config)
        let layer = try await push(Array("layer \(seed)".utf8))
        let manifest = OCIDocument.image(config: config, layers: [layer])
        let answer = try await put(manifest, at: tag)
        try #require(answer.status == 201, "\(answer.text)")
        return manifest
    }

    /// Opens an upload session; answers its path.
    func openUpload(_ query: String = "") async throws -> String {
        let answer = try await send("POST", "blobs/uploads/\(query)")
        try #require(answer.status == 202, "\(answer.text)")
        return try #require(answer["Location"])
    }
}

/// The error body of the distribution specification.
struct OCIErrors: Decodable, Sendable {
    struct Entry: Decodable, Sendable {
        let code: String
        let message: String
        let detail: [String]?
    }

    let errors: [Entry]
}

extension TestAnswer {
    /// The status, and the code of the one error in a body that has the specification's shape.
    var refusal: String {
        let entries = (try? json(OCIErrors.self))?.errors ?? []
        let isJSON = self["Content-Type"] == "application/json"
        return entries.count == 1 && isJSON ? "\(status) \(entries[0].code)" : "\(status) without an error: \(text)"
    }

    func all(_ name: String) -> [String] { HTTPField.Name(name).map { headers[values: $0] } ?? [] }
}

func sha256(_ bytes: [UInt8]) -> String { "sha256:" + hexadecimal(SHA256.hash(data: bytes)) }

func sha512(_ bytes: [UInt8]) -> String { "sha512:" + hexadecimal(SHA512.hash(data: bytes)) }
