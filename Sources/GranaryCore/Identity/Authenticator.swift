import GranaryPorts
import FoundationEssentials
import GranaryFormat
import GranaryModel
import GranaryStore
import Synchronization

/// Finds out who makes a request: by password, by access token, or by a short-lived signed token.
package final class Authenticator: Sendable {
    /// A longer header is refused before it is decoded.
    package static let maximumHeaderBytes = 16 << 10
    /// User names that come with a token in the place of a password, for clients that insist on one.
    private static let placeholderUsers: Set<String> = ["token", "__token__"]

    private let services: Services
    private let signer: TokenSigner
    private let memory: CredentialMemory
    private let hashing: BlockingWork
    private let uses = Mutex<[String: Timestamp]>([:])

    init(services: Services, signer: TokenSigner, hashing: @escaping BlockingWork) {
        self.services = services
        self.signer = signer
        self.hashing = hashing
        memory = CredentialMemory(key: services.random(32))
    }

    /// The principal of an `Authorization` header; anonymous when there is none. Throws `.unauthenticated` when it is wrong.
    func authenticate(_ header: String?) async throws(Problem) -> Principal {
        guard let header else { return .anonymous }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard header.utf8.count <= Self.maximumHeaderBytes, parts.count == 2 else { throw Self.malformed }
        let credential = parts[1].trimmingPrefix { $0 == " " }
        switch parts[0].lowercased() {
        case "basic":
            guard let decoded = Data(base64Encoded: String(credential)),
                let text = String(validating: decoded, as: UTF8.self), let colon = text.firstIndex(of: ":")
            else { throw Self.malformed }
            return try await authenticate(
                user: String(text[..<colon]), secret: String(text[text.index(after: colon)...]))
        case "bearer":
            return try await bearer(String(credential))
        default:
            throw .unauthenticated("the authentication scheme is Basic or Bearer")
        }
    }

    /// The principal of a user name with a password or an access token.
    func authenticate(user: String, secret: String) async throws(Problem) -> Principal {
        if let token = TokenSecret(secret) {
            let principal = try await principal(of: token)
            guard principal.user?.text == user || Self.placeholderUsers.contains(user) else { throw Self.wrong }
            return principal
        }
        let credential = "\(user)\u{0}\(secret)"
        if let known = memory.user(of: credential, at: services.now()) { return try principal(of: known) }
        let generation = memory.generation
        let name = UserName(user)
        let account = try await services.performing {
            try await services.driver.read { connection in
                try name.flatMap { try AccountRows(connection).account($0) }
            }
        }
        guard await isRight(secret, account?.passwordHash), let account else { throw Self.wrong }
        memory.remember(credential, of: account.user.name, at: services.now(), notAfter: nil, generation: generation)
        return try principal(of: account.user.name)
    }

    /// A password, a token or a user has changed: nothing that was right before is taken on trust.
    func forgetAll() { memory.forgetAll() }

    /// Takes the notes of which tokens were used when, to be written down.
    func takeUses() -> [String: Timestamp] {
        uses.withLock { uses in
            defer { uses = [:] }
            return uses
        }
    }

    private static let malformed = Problem.unauthenticated("the Authorization header cannot be read")
    private static let wrong = Problem.unauthenticated("the user name or the password is wrong")

    private func bearer(_ credential: String) async throws(Problem) -> Principal {
        if let token = TokenSecret(credential) { return try await principal(of: token) }
        guard let claims = await signer.verify(credential) else {
            throw .unauthenticated("the token is not valid or no longer valid")
        }
        guard let user = UserName(claims.sub) else {
            return Principal(user: nil, isAdministrator: false, scopes: claims.scopes, mayList: claims.list)
        }
        let whole = try principal(of: user)
        return Principal(
            user: user, isAdministrator: whole.isAdministrator, scopes: claims.scopes, mayList: claims.list)
    }

    private func principal(of token: TokenSecret) async throws(Problem) -> Principal {
        let now = services.now()
        if let known = memory.user(of: token.text, at: now) {
            noteUse(of: token, at: now)
            return try principal(of: known)
        }
        let generation = memory.generation
        let stored = try await services.performing {
            try await services.driver.read { try AccountRows($0).token(token.id) }
        }
        guard let stored, PasswordHash.constantTimeEqual(stored.secretHash.utf8, token.hash.utf8),
            stored.token.revokedAt == nil, stored.token.expiresAt.map({ $0 > now }) ?? true
        else { throw .unauthenticated("the access token is not valid or no longer valid") }
        memory.remember(
            token.text, of: stored.token.user, at: now, notAfter: stored.token.expiresAt,
            generation: generation)
        noteUse(of: token, at: now)
        return try principal(of: stored.token.user)
    }

    /// Only of tokens that were right: there are as many as were made, and what is shown of a leaked one is true.
    private func noteUse(of token: TokenSecret, at now: Timestamp) {
        uses.withLock { $0[token.id] = now }
    }

    private func principal(of name: UserName) throws(Problem) -> Principal {
        guard let user = services.snapshot.value.users[name], !user.isDisabled else { throw Self.wrong }
        return Principal(user: name, isAdministrator: user.isAdministrator, scopes: nil)
    }

    /// Hashes even when there is no such user, so that the answer takes as long.
    private func isRight(_ secret: String, _ stored: String?) async -> Bool {
        let absent = "scrypt$\(services.passwordRounds)$AAAAAAAAAAAAAAAAAAAAAA==$AAAA"
        let hash = stored ?? absent
        return await hashing { PasswordHash.verify(secret, against: hash) }
    }
}
