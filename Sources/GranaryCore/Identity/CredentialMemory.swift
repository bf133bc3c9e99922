import Crypto
import FoundationEssentials
import GranaryModel
import Synchronization

/// Credentials that were right a moment ago, so that a password is hashed once in minutes and not once a request.
///
/// They are remembered under a keyed hash: the memory of the process never holds a credential longer than a request does.
final class CredentialMemory: Sendable {
    static let lifetime = Duration.seconds(300)
    static let capacity = 10_000

    private let key: SymmetricKey
    private let state = Mutex<[Data: Entry]>([:])

    private struct Entry {
        let user: UserName
        let until: Timestamp
    }

    init(key: [UInt8]) { self.key = SymmetricKey(data: key) }

    func user(of credential: String, at now: Timestamp) -> UserName? {
        let name = hash(credential)
        return state.withLock { entries in
            guard let entry = entries[name] else { return nil }
            if entry.until > now { return entry.user }
            entries[name] = nil
            return nil
        }
    }

    func remember(_ credential: String, of user: UserName, at now: Timestamp, notAfter limit: Timestamp?) {
        let until = min(now.adding(Self.lifetime), limit ?? now.adding(Self.lifetime))
        let name = hash(credential)
        state.withLock { entries in
            if entries.count >= Self.capacity { entries.removeAll() }
            entries[name] = Entry(user: user, until: until)
        }
    }

    /// A password, a token or a user has changed.
    func forgetAll() { state.withLock { $0.removeAll() } }

    private func hash(_ credential: String) -> Data {
        Data(HMAC<SHA256>.authenticationCode(for: Data(credential.utf8), using: key))
    }
}
