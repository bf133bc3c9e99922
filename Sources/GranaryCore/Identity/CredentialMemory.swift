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
    private let state = Mutex(State())

    private struct State {
        var entries: [Data: Entry] = [:]
        var generation = 0
    }

    private struct Entry {
        let user: UserName
        let until: Timestamp
    }

    init(key: [UInt8]) { self.key = SymmetricKey(data: key) }

    func user(of credential: String, at now: Timestamp) -> UserName? {
        let name = fingerprint(of: credential)
        return state.withLock { state in
            guard let entry = state.entries[name] else { return nil }
            if entry.until > now { return entry.user }
            state.entries[name] = nil
            return nil
        }
    }

    /// What is to be taken before a credential is checked, for `remember` to know that nothing has changed since.
    var generation: Int { state.withLock { $0.generation } }

    /// Forgets at once what was checked against an older generation.
    func remember(
        _ credential: String, of user: UserName, at now: Timestamp, notAfter limit: Timestamp?, generation: Int
    ) {
        let until = min(now.adding(Self.lifetime), limit ?? now.adding(Self.lifetime))
        let name = fingerprint(of: credential)
        state.withLock { state in
            guard state.generation == generation else { return }
            if state.entries.count >= Self.capacity { state.entries.removeAll() }
            state.entries[name] = Entry(user: user, until: until)
        }
    }

    /// A password, a token or a user has changed.
    func forgetAll() {
        state.withLock { state in
            state.entries.removeAll()
            state.generation += 1
        }
    }

    /// What stands for a credential without telling it.
    func fingerprint(of credential: String) -> Data {
        Data(HMAC<SHA256>.authenticationCode(for: Data(credential.utf8), using: key))
    }
}
