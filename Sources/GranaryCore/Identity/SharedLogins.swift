import FoundationEssentials
import GranaryFormat
import GranaryModel
import Synchronization

/// Requests that come at once with the same credential share one look at it: clients open several connections before any of
/// them has an answer.
final class SharedLogins: Sendable {
    /// Whose credential it is, or what is wrong; nil when nobody could find out.
    typealias Verdict = Result<UserName, Problem>?

    /// A credential, where it comes from, since the pace is that of an address, and the state of the accounts it is compared
    /// with: what was right before a change tells nothing after it.
    struct Key: Hashable {
        let credential: Data
        let peer: String
        let generation: Int
    }

    private enum Turn {
        case first
        case told(Verdict)
    }

    /// Those that wait for the first of theirs.
    private let waiting = Mutex<[Key: [CheckedContinuation<Turn, Never>]]>([:])

    /// What `verify` answers, or answers somebody else who came a moment earlier.
    func verdict(on key: Key, _ verify: () async -> Verdict) async -> Verdict {
        while !Task.isCancelled {
            switch await turn(key) {
            case .told(let verdict?): return verdict
            // The first gave up; somebody else has to be.
            case .told(nil): continue
            case .first:
                let verdict = await verify()
                let others = waiting.withLock { $0.removeValue(forKey: key) } ?? []
                for other in others { other.resume(returning: .told(verdict)) }
                return verdict
            }
        }
        return nil
    }

    private func turn(_ key: Key) async -> Turn {
        await withCheckedContinuation { continuation in
            let isFirst = waiting.withLock { waiting in
                guard waiting[key] != nil else {
                    waiting[key] = []
                    return true
                }
                waiting[key]?.append(continuation)
                return false
            }
            if isFirst { continuation.resume(returning: .first) }
        }
    }
}
