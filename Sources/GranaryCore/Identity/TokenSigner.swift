import FoundationEssentials
import GranaryFormat
package import GranaryModel
import JWTKit
import Synchronization

/// Issues and verifies the short-lived tokens of the Bearer flow (distribution specification, "Token Authentication").
/// Verification asks no database.
package struct TokenSigner: Sendable {
    package static let lifetimeSeconds = 300
    private static let issuer = "granary"

    private let keys: JWTKeyCollection
    private let now: Now
    private let random: @Sendable (Int) -> [UInt8]
    private let verified = VerifiedTokens()

    /// What a token says.
    struct Claims: JWTPayload {
        let iss: String
        /// The user's name; empty for somebody unknown.
        let sub: String
        let iat: Int64
        let exp: Int64
        let jti: String
        let scopes: [Scope]
        let list: Bool

        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    /// `key` is the secret that signs: 32 random bytes that only this installation has.
    package init(key: [UInt8], now: @escaping Now, random: @escaping @Sendable (Int) -> [UInt8]) async {
        keys = await JWTKeyCollection().add(hmac: HMACKey(from: Data(key)), digestAlgorithm: .sha256)
        self.now = now
        self.random = random
    }

    func issue(
        to user: UserName?, scopes: [Scope], mayList: Bool, granted: [ScopeRequest]
    ) async throws(Problem) -> IssuedToken {
        let issued = now()
        let claims = Claims(
            iss: Self.issuer, sub: user?.text ?? "", iat: issued.seconds,
            exp: issued.seconds + Int64(Self.lifetimeSeconds), jti: hexadecimal(random(16)), scopes: scopes,
            list: mayList)
        do {
            return IssuedToken(
                token: try await keys.sign(claims), issuedAt: issued, expiresInSeconds: Self.lifetimeSeconds,
                granted: granted)
        } catch {
            throw .unavailable("a token could not be signed", retryAfter: 5)
        }
    }

    /// What a look at a token comes to.
    enum Verdict {
        case valid(Claims)
        /// It was valid.
        case over
        /// It is not ours, or was changed.
        case forged
    }

    /// What a token says.
    func verify(_ token: String) async -> Verdict {
        if let claims = known(token) { return .valid(claims) }
        guard let claims = try? await keys.verify(token, as: Claims.self), claims.iss == Self.issuer else {
            return .forged
        }
        guard claims.exp > now().seconds else { return .over }
        verified.remember(claims, of: token)
        return .valid(claims)
    }
}

extension TokenSigner {
    /// What a token says whose signature was checked already; nil when it was not, and when the token is over.
    func known(_ token: String) -> Claims? {
        verified[token].flatMap { $0.exp > now().seconds ? $0 : nil }
    }
}

/// Tokens whose signatures were checked already.
private final class VerifiedTokens: Sendable {
    /// When as many are remembered, all are forgotten: they live for minutes.
    static let capacity = 10_000

    private let tokens = Mutex<[String: TokenSigner.Claims]>([:])

    subscript(token: String) -> TokenSigner.Claims? { tokens.withLock { $0[token] } }

    func remember(_ claims: TokenSigner.Claims, of token: String) {
        tokens.withLock { tokens in
            if tokens.count >= Self.capacity { tokens.removeAll() }
            tokens[token] = claims
        }
    }
}
