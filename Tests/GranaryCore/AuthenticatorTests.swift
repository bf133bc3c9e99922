import FoundationEssentials
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

@testable import GranaryCore

@Suite("Passwords and tokens")
struct AuthenticatorTests {
    @Test("A password is recognised, and nothing like it")
    func password() throws {
        let stored = try PasswordHash.make("correct horse", salt: Array(repeating: 3, count: 16), logRounds: 10)
        #expect(PasswordHash.verify("correct horse", against: stored))
        #expect(!PasswordHash.verify("correct horse ", against: stored))
        #expect(!PasswordHash.verify("", against: stored))
        #expect(!stored.contains("horse"))
    }

    @Test(
        "A stored hash that cannot be read fits no password",
        arguments: ["", "scrypt$14$AAAA", "scrypt$99$AAAA$AAAA", "plain$x$y$z", "scrypt$14$!!$!!"])
    func unreadable(stored: String) {
        #expect(!PasswordHash.verify("", against: stored))
    }

    @Test("An access token reads back from its text, and nothing else does")
    func secret() throws {
        let token = TokenSecret(random: Array(0..<32))
        let again = try #require(TokenSecret(token.text))
        #expect(again.id == token.id)
        #expect(again.hash == token.hash)
        for text in ["", "grn_", "grn_a_b", token.text + "_x", String(token.text.dropLast()), "x" + token.text] {
            #expect(TokenSecret(text) == nil)
        }
    }

    @Test("A remembered credential is forgotten in time, at once when told, and never past its own end")
    func memory() throws {
        let memory = CredentialMemory(key: Array(repeating: 1, count: 32))
        let ann = try #require(UserName("ann"))
        let now = Timestamp(milliseconds: 1_000_000)
        memory.remember("secret", of: ann, at: now, notAfter: nil, generation: memory.generation)
        #expect(memory.user(of: "secret", at: now) == ann)
        #expect(memory.user(of: "other", at: now) == nil)
        #expect(memory.user(of: "secret", at: now.adding(.seconds(301))) == nil)
        memory.remember("token", of: ann, at: now, notAfter: now.adding(.seconds(5)), generation: memory.generation)
        #expect(memory.user(of: "token", at: now.adding(.seconds(6))) == nil)
        memory.remember("secret", of: ann, at: now, notAfter: nil, generation: memory.generation)
        let before = memory.generation
        memory.forgetAll()
        #expect(memory.user(of: "secret", at: now) == nil)
        // What was checked before a change must not be remembered after it.
        memory.remember("secret", of: ann, at: now, notAfter: nil, generation: before)
        #expect(memory.user(of: "secret", at: now) == nil)
    }

    @Test("A signed token holds for its time and under its key only")
    func signer() async throws {
        let random: @Sendable (Int) -> [UInt8] = { Array(repeating: 5, count: $0) }
        let now = Timestamp(milliseconds: 1_700_000_000_000)
        let key = Array(repeating: UInt8(1), count: 32)
        let signer = await TokenSigner(key: key, now: { now }, random: random)
        let scope = Scope(
            repository: try #require(RepositoryName("docker")), package: try #require(PackageName("team/api")),
            rights: [.read, .write])
        let issued = try await signer.issue(to: UserName("ann"), scopes: [scope], mayList: false, granted: [])
        guard case .valid(let claims) = await signer.verify(issued.token) else {
            Issue.record("a token that was just issued is not valid")
            return
        }
        #expect(claims.sub == "ann")
        #expect(claims.scopes == [scope])
        let later = await TokenSigner(key: key, now: { now.adding(.seconds(301)) }, random: random)
        guard case .over = await later.verify(issued.token) else {
            Issue.record("a token is valid after its time")
            return
        }
        let other = await TokenSigner(key: Array(repeating: 2, count: 32), now: { now }, random: random)
        #expect(await other.verify(issued.token).isForged)
        #expect(await signer.verify(issued.token + "x").isForged)
        #expect(await signer.verify("a.b.c").isForged)
    }

    @Test("A token without a signature is never taken")
    func unsigned() async throws {
        let now = Timestamp(milliseconds: 1_700_000_000_000)
        let signer = await TokenSigner(
            key: Array(repeating: 1, count: 32), now: { now }, random: { Array(0..<UInt8($0)) })
        let header = Data(#"{"alg":"none","typ":"JWT"}"#.utf8).base64EncodedString()
        let body = Data(
            #"{"iss":"granary","sub":"admin","iat":1,"exp":9999999999,"jti":"x","scopes":[],"list":true}"#.utf8
        )
        .base64EncodedString()
        let token = "\(header).\(body).".replacing("=", with: "")
        #expect(await signer.verify(token).isForged)
    }
}

extension TokenSigner.Verdict {
    fileprivate var isForged: Bool {
        if case .forged = self { true } else { false }
    }
}
