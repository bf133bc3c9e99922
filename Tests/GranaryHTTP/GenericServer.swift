import Crypto
import FormatGeneric
import FoundationEssentials
import GranaryCore
import GranaryFormat
import GranaryHTTP
import GranaryModel
import GranaryTestKit
import NIOSSL
import Testing

/// Serves generic repositories, by name, from a folder: a fresh one unless it is given.
func withFiles<Value: Sendable>(
    _ repositories: [String: RepositorySettings] = ["files": RepositorySettings()],
    format: Generic = Generic(), in folder: TemporaryDirectory? = nil, tls: TLSConfiguration? = nil,
    idleTimeout: Duration = .seconds(20), patience: Duration = .seconds(30), limits: Limits = Limits(),
    trustsForwarded: Bool = false,
    log: CapturedLog? = nil,
    _ body: @escaping @Sendable (TestServer) async throws -> Value
) async throws -> Value {
    let fresh = try folder ?? TemporaryDirectory()
    defer { if folder == nil { fresh.remove() } }
    let new = try repositories.map { name, settings in
        NewRepository(name: try name.parsed(), format: format.name, kind: .local, settings: settings)
    }
    return try await TestServer.run(
        formats: [format], repositories: new, in: fresh, tls: tls, idleTimeout: idleTimeout, patience: patience,
        limits: limits, trustsForwarded: trustsForwarded, log: log?.handler, body)
}

extension String {
    /// As a name; a test that uses a malformed one fails.
    func parsed<Value: Name>(as type: Value.Type = Value.self) throws -> Value { try #require(Value(self)) }

    var bytes: [UInt8] { Array(utf8) }
}

extension TestServer {
    static let password = "quite a long secret"

    /// Makes a user with rights on packages of repositories and answers their `Authorization`.
    func user(
        _ name: String, _ grants: (repository: String, package: String, rights: Rights)...
    ) async throws -> String {
        _ = try await management.createUser(
            try name.parsed(), password: Self.password, isAdministrator: false, by: admin)
        for grant in grants { try await self.grant(name, grant.repository, grant.package, grant.rights) }
        return Self.basic(name, Self.password)
    }

    func grant(_ user: String, _ repository: String, _ package: String, _ rights: Rights) async throws {
        _ = try await management.createGrant(
            to: try user.parsed(), repository: try repository.parsed(), package: try package.parsed(), rights: rights,
            by: admin)
    }

    /// Uploads text as the administrator, to be there for what a test is about.
    func put(_ path: String, _ text: String = "content", _ headers: [String: String] = [:]) async throws {
        let answer = try await send("PUT", "/generic/\(path)", headers, body: text.bytes)
        try #require(answer.status == 201, "\(answer.text)")
    }

    /// The listing of a directory, with its slash; nil where there is none for the caller.
    func list(
        _ path: String, _ query: String = "list",
        authorization: String? = basic(administrator.user, administrator.password)
    ) async throws -> ListedDirectory? {
        let answer = try await send("GET", "/generic/\(path)?\(query)", authorization: authorization)
        return answer.status == 200 ? try answer.json() : nil
    }

    /// Sends a request line and headers exactly as they are and answers the status; 0 where nothing came back.
    func rawStatus(_ head: String, body: [UInt8] = []) async throws -> Int {
        let credentials = Self.basic(Self.administrator.user, Self.administrator.password)
        let text = head + "\r\nHost: localhost\r\nAuthorization: \(credentials)\r\nConnection: close\r\n\r\n"
        return statusCode(try await raw(text.bytes + body))
    }
}

/// The status of the first answer in `bytes`; 0 where there is none.
func statusCode(_ bytes: [UInt8]) -> Int {
    let words = String(decoding: bytes.prefix(64), as: UTF8.self).split(separator: " ")
    return words.count > 1 && words[0].hasPrefix("HTTP/1.") ? Int(words[1].prefix(3)) ?? 0 : 0
}

/// A directory as `?list` tells of it.
struct ListedDirectory: Decodable {
    struct Child: Decodable {
        let name: String
        let folder: Bool
        let size: Int?
        let sha256: String?
    }

    let path: String
    let children: [Child]
    let next: String?

    /// Names, with a slash after those of folders.
    var names: [String] { children.map { $0.folder ? "\($0.name)/" : $0.name } }
}

/// Hashes of test content, in lower-case hexadecimal.
enum Hash {
    static func sha256(_ text: String) -> String { hexadecimal(SHA256.hash(data: text.bytes)) }
    static func sha512(_ text: String) -> String { hexadecimal(SHA512.hash(data: text.bytes)) }
    static func sha1(_ text: String) -> String { hexadecimal(Insecure.SHA1.hash(data: text.bytes)) }
    static func md5(_ text: String) -> String { hexadecimal(Insecure.MD5.hash(data: text.bytes)) }

    static func base64SHA256(_ text: String) -> String { Data(SHA256.hash(data: text.bytes)).base64EncodedString() }
    static func base64MD5(_ text: String) -> String { Data(Insecure.MD5.hash(data: text.bytes)).base64EncodedString() }
}
