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
        switch try Credential(header) {
        case .login(let user, let secret): return try await authenticate(user: user, secret: secret)
        case .bearer(let token): return try await bearer(token)
        }
    }

    /// The principal of a header that was right a moment ago; nil leaves it to `authenticate`.
    func knownPrincipal(_ header: String?) -> Principal? {
        guard let header else { return .anonymous }
        switch try? Credential(header) {
        case .login(let user, let secret): return try? known(user: user, secret: secret)
        case .bearer(let text):
            if let token = TokenSecret(text) { return try? known(token) }
            return signer.known(text).flatMap { try? principal(of: $0) }
        case nil: return nil
        }
    }

    /// What an `Authorization` header shows.
    private enum Credential {
        case login(user: String, secret: String)
        case bearer(String)

        /// Throws `.unauthenticated` for what cannot be read.
        init(_ header: String) throws(Problem) {
            let parts = header.split(separator: " ", maxSplits: 1)
            guard header.utf8.count <= Authenticator.maximumHeaderBytes, parts.count == 2 else { throw malformed }
            let credential = String(parts[1].drop { $0 == " " })
            switch parts[0].lowercased() {
            case "basic":
                guard let decoded = Data(base64Encoded: credential),
                    let text = String(validating: decoded, as: UTF8.self), let colon = text.firstIndex(of: ":")
                else { throw malformed }
                self = .login(user: String(text[..<colon]), secret: String(text[text.index(after: colon)...]))
            case "bearer":
                self = .bearer(credential)
            default:
                throw .unauthenticated("the authentication scheme is Basic or Bearer")
            }
        }
    }

    /// The principal of a user name with a password or an access token.
    func authenticate(user: String, secret: String) async throws(Problem) -> Principal {
        if let known = try known(user: user, secret: secret) { return known }
        if let token = TokenSecret(secret) { return try Self.check(try await principal(of: token), is: user) }
        let generation = memory.generation
        let name = UserName(user)
        let account = try await services.performing {
            try await services.driver.read { connection in
                try name.flatMap { try AccountRows(connection).account($0) }
            }
        }
        guard await isRight(secret, account?.passwordHash), let account else { throw Self.wrong }
        memory.remember(
            Self.login(user, secret), of: account.user.name, at: services.now(), notAfter: nil, generation: generation)
        return try principal(of: account.user.name)
    }

    /// Nil for a login that nobody has checked lately.
    private func known(user: String, secret: String) throws(Problem) -> Principal? {
        if let token = TokenSecret(secret) {
            guard let principal = try known(token) else { return nil }
            return try Self.check(principal, is: user)
        }
        guard let name = memory.user(of: Self.login(user, secret), at: services.now()) else { return nil }
        return try principal(of: name)
    }

    /// A token may come with the name of its user, or with one that stands for nobody.
    private static func check(_ principal: Principal, is user: String) throws(Problem) -> Principal {
        guard principal.user?.text == user || placeholderUsers.contains(user) else { throw wrong }
        return principal
    }

    /// What a login is remembered by.
    private static func login(_ user: String, _ secret: String) -> String { "\(user)\u{0}\(secret)" }

    /// A password, a token or a user has changed: nothing that was right before is taken on trust.
    func forgetAll() { memory.forgetAll() }

    /// Takes the notes of which tokens were used when, to be written down.
    func takeUses() -> [String: Timestamp] {
        uses.withLock { uses in
            defer { uses = [:] }
            return uses
        }
    }

    private static let wrong = Problem.unauthenticated("the user name or the password is wrong")

    private func bearer(_ credential: String) async throws(Problem) -> Principal {
        if let token = TokenSecret(credential) { return try await principal(of: token) }
        guard let claims = await signer.verify(credential) else {
            throw .unauthenticated("the token is not valid or no longer valid")
        }
        return try principal(of: claims)
    }

    private func principal(of claims: TokenSigner.Claims) throws(Problem) -> Principal {
        guard let user = UserName(claims.sub) else {
            return Principal(user: nil, isAdministrator: false, scopes: claims.scopes, mayList: claims.list)
        }
        let whole = try principal(of: user)
        return Principal(
            user: user, isAdministrator: whole.isAdministrator, scopes: claims.scopes, mayList: claims.list)
    }

    private func principal(of token: TokenSecret) async throws(Problem) -> Principal {
        if let known = try known(token) { return known }
        let now = services.now()
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

    /// Nil for a token that nobody has checked lately.
    private func known(_ token: TokenSecret) throws(Problem) -> Principal? {
        let now = services.now()
        guard let user = memory.user(of: token.text, at: now) else { return nil }
        noteUse(of: token, at: now)
        return try principal(of: user)
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

private let malformed = Problem.unauthenticated("the Authorization header cannot be read")
