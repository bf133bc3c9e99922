package import GranaryModel
import Synchronization

/// Which files somebody has asked for of late, in bounded memory and without false negatives.
///
/// A client that finds a blob in place does not send it again, and names it in a manifest a moment later. What it asked for
/// must not go in between, even where nothing needs it at that moment.
///
/// Two bit sets of one hash each take turns: a note holds for at least one period and at most two.
package final class RecentlyAsked: Sendable {
    /// Notes hold at least as long.
    package static let period = Duration.seconds(600)
    /// Each of the two sets takes 128 KiB.
    private static let bits = 1 << 20

    private struct State {
        var current = [UInt64](repeating: 0, count: bits / 64)
        var previous = [UInt64](repeating: 0, count: bits / 64)
        var began: Timestamp
    }

    private let period: Duration
    private let now: Now
    private let state: Mutex<State>

    package init(now: @escaping Now, period: Duration = RecentlyAsked.period) {
        self.now = now
        self.period = period
        state = Mutex(State(began: now()))
    }

    /// Notes that somebody has asked for a file, or has just stored it.
    package func note(_ path: FilePath, in package: PackageName, of repository: RepositoryID) {
        let (word, bit) = Self.place(path, package, repository)
        state.withLock { state in
            turn(&state)
            state.current[word] |= bit
        }
    }

    /// Whether somebody may have asked for a file within the last period.
    package func contains(_ path: FilePath, in package: PackageName, of repository: RepositoryID) -> Bool {
        let (word, bit) = Self.place(path, package, repository)
        return state.withLock { state in
            turn(&state)
            return (state.current[word] | state.previous[word]) & bit != 0
        }
    }

    private func turn(_ state: inout State) {
        let time = now()
        guard state.began.adding(period) <= time else { return }
        swap(&state.current, &state.previous)
        let isStale = state.began.adding(period + period) <= time
        for index in state.current.indices {
            state.current[index] = 0
            if isStale { state.previous[index] = 0 }
        }
        state.began = time
    }

    private static func place(
        _ path: FilePath, _ package: PackageName, _ repository: RepositoryID
    ) -> (word: Int, bit: UInt64) {
        var hasher = Hasher()
        hasher.combine(repository)
        hasher.combine(package)
        hasher.combine(path)
        let hash = UInt(bitPattern: hasher.finalize()) % UInt(bits)
        return (Int(hash / 64), 1 << UInt64(hash % 64))
    }
}
