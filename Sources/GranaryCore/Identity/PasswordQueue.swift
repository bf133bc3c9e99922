import Synchronization

/// Runs work that keeps a thread busy for long, away from the threads that serve requests; nil when it could not run.
package typealias BlockingWork = @Sendable (_ work: @escaping @Sendable () -> Bool) async -> Bool?

/// The passwords that wait to be hashed, each for tens of milliseconds. They are bounded, so that nobody waits for long.
final class PasswordQueue: Sendable {
    /// How many may be in it, those that are being hashed included.
    static let capacity = 64

    enum Answer: Equatable {
        case right, wrong
        /// There are too many already.
        case busy
        /// Whoever asked went away, or the server is stopping.
        case abandoned
    }

    private let hashing: BlockingWork
    private let count = Mutex(0)

    init(hashing: @escaping BlockingWork) { self.hashing = hashing }

    /// Whether a password is the one that was hashed.
    func verify(_ password: String, against stored: String) async -> Answer {
        let hasRoom = count.withLock { count in
            guard count < Self.capacity else { return false }
            count += 1
            return true
        }
        guard hasRoom else { return .busy }
        defer { count.withLock { $0 -= 1 } }
        switch await hashing({ PasswordHash.verify(password, against: stored) }) {
        case true?: return .right
        case false?: return .wrong
        case nil: return .abandoned
        }
    }
}
