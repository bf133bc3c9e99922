import GranaryPorts
import FoundationEssentials
import GranaryFormat
import GranaryModel
import GranaryStore
import Synchronization

/// Finds out who makes a request: by password, by access token, or by a short-lived signed token.
///
/// Who shows wrong passwords is slowed down, as `LoginThrottle` says; what was right a moment ago never is. Tokens cannot be
/// guessed, so they are looked at in any case, but wrong ones count against the address.
package final class Authenticator: Sendable {
    /// A longer header is refused before it is decoded.
    package static let maximumHeaderBytes = 16 << 10
    /// User names that come with a token in the place of a password, for clients that insist on one.
    private static let tokenUserNames: Set<String> = ["token", "__token__"]

    private let services: Services
    private let signer: TokenSigner
    private let memory: CredentialMemory
    private let queue: PasswordQueue
    private let throttle = LoginThrottle()
    private let logins = SharedLogins()
    private let metrics: LoginMetrics
    private let uses = Mutex<[String: Timestamp]>([:])

    init(services: Services, signer: TokenSigner, hashing: @escaping BlockingWork) {
        self.services = services
        self.signer = signer
        queue = PasswordQueue(hashing: hashing)
        metrics = LoginMetrics(factory: services.metrics)
        memory = CredentialMemory(key: services.random(32))
    }

    /// The principal of an `Authorization` header that somebody at the address `peer` shows; anonymous when there is none.
    /// Throws `.unauthenticated` when it is wrong, and `.tooMany` after too many wrong ones.
    func authenticate(_ header: String?, from peer: String) async throws(Problem) -> Principal {
        guard let header else { return .anonymous }
        switch try Credential(header) {
        case .login(let user, let secret): return try await authenticate(user: user, secret: secret, from: peer)
        case .bearer(let token): return try await bearer(token, from: peer)
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
    func authenticate(user: String, secret: String, from peer: String) async throws(Problem) -> Principal {
        if let known = try known(user: user, secret: secret) { return known }
        if let token = TokenSecret(secret) {
            return try Self.check(try await principal(of: token, from: peer), is: user)
        }
        let generation = memory.generation
        let key = SharedLogins.Key(
            credential: memory.fingerprint(of: Self.login(user, secret)), peer: peer, generation: generation)
        let verdict = await logins.verdict(on: key) {
            await verify(user: user, secret: secret, from: peer, generation: generation)
        }
        guard let verdict else { throw .unavailable("the password could not be checked", retryAfter: 1) }
        return try principal(of: try verdict.get())
    }

    /// Checks a password that nobody has checked lately, as often as the throttle allows.
    private func verify(
        user: String, secret: String, from peer: String, generation: Int
    ) async -> SharedLogins.Verdict {
        // Whoever was first a moment ago may have ended since.
        if let name = memory.user(of: Self.login(user, secret), at: services.now()) { return .success(name) }
        if let wait = throttle.begin(user, at: peer, now: services.now()) {
            metrics.noteThrottled()
            let seconds = Int((wait + .milliseconds(999)).components.seconds)
            return .failure(.tooMany("too many wrong passwords; try again in \(seconds) s", retryAfter: seconds))
        }
        let verdict = await compare(user, secret)
        var outcome = LoginThrottle.Outcome.unknown
        if case .success(let name) = verdict {
            outcome = .right
            memory.remember(
                Self.login(user, secret), of: name, at: services.now(), notAfter: nil, generation: generation)
        } else if verdict == .failure(Self.wrong) {
            outcome = .wrong
            metrics.noteFailed()
        }
        throttle.end(user, at: peer, outcome, now: services.now())
        return verdict
    }

    /// Hashes even when there is no such user, so that the answer takes as long.
    private func compare(_ user: String, _ secret: String) async -> SharedLogins.Verdict {
        let absent = "scrypt$\(services.passwordRounds)$AAAAAAAAAAAAAAAAAAAAAA==$AAAA"
        do throws(Problem) {
            let name = UserName(user)
            let account = try await services.performing {
                try await services.driver.look { connection in
                    try name.flatMap { try AccountRows(connection).account($0) }
                }
            }
            switch await queue.verify(secret, against: account?.passwordHash ?? absent) {
            case .right:
                guard let name = account?.user.name else { return .failure(Self.wrong) }
                _ = try principal(of: name)
                return .success(name)
            case .wrong: return .failure(Self.wrong)
            case .busy:
                metrics.noteBusy()
                return .failure(.unavailable("too many log in at once", retryAfter: 1))
            case .abandoned: return nil
            }
        } catch {
            // What an account is like cannot be found out by somebody who has gone away.
            return Task.isCancelled ? nil : .failure(error)
        }
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
        guard principal.user?.text == user || tokenUserNames.contains(user) else { throw wrong }
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

    private func bearer(_ credential: String, from peer: String) async throws(Problem) -> Principal {
        if let token = TokenSecret(credential) { return try await principal(of: token, from: peer) }
        switch await signer.verify(credential) {
        case .valid(let claims): return try principal(of: claims)
        case .over: break
        case .forged: noteWrongSecret(from: peer)
        }
        throw .unauthenticated("the token is not valid or no longer valid")
    }

    /// Who shows what was never right may be looking for what is.
    private func noteWrongSecret(from peer: String) {
        metrics.noteFailed()
        throttle.noteFailure(at: peer, now: services.now())
    }

    private func principal(of claims: TokenSigner.Claims) throws(Problem) -> Principal {
        guard let user = UserName(claims.sub) else {
            return Principal(user: nil, isAdministrator: false, scopes: claims.scopes, mayList: claims.list)
        }
        let whole = try principal(of: user)
        return Principal(
            user: user, isAdministrator: whole.isAdministrator, scopes: claims.scopes, mayList: claims.list)
    }

    private func principal(of token: TokenSecret, from peer: String) async throws(Problem) -> Principal {
        if let known = try known(token) { return known }
        let now = services.now()
        let generation = memory.generation
        let stored = try await services.performing {
            try await services.driver.look { try AccountRows($0).token(token.id) }
        }
        let invalid = Problem.unauthenticated("the access token is not valid or no longer valid")
        guard let stored, PasswordHash.constantTimeEqual(stored.secretHash.utf8, token.hash.utf8) else {
            noteWrongSecret(from: peer)
            throw invalid
        }
        guard stored.token.revokedAt == nil, stored.token.expiresAt.map({ $0 > now }) ?? true else { throw invalid }
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
}

private let malformed = Problem.unauthenticated("the Authorization header cannot be read")
