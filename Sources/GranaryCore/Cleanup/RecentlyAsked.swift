package import GranaryModel
import Synchronization

/// Which files somebody has asked for of late, in bounded memory and without false negatives.
///
/// A client that finds a blob in place does not send it again, and names it in a manifest a moment later. What it asked for
/// must not go in between, even where nothing needs it at that moment.
///
/// Two bit sets of one hash each take turns: a note holds for at least one period and at most two.
///
/// Who finds a file in the database notes it only then. A removal that looked at the notes in between has missed it, which is
/// why removals run inside `removing`, and whoever notes asks `mayHaveMissed` afterwards.
package final class RecentlyAsked: Sendable {
    /// Notes hold at least as long.
    package static let period = Duration.seconds(600)
    /// Each of the two sets takes 128 KiB.
    private static let bits = 1 << 20

    private struct State {
        var current = [UInt64](repeating: 0, count: bits / 64)
        var previous = [UInt64](repeating: 0, count: bits / 64)
        var began: Timestamp
        var removals = Removals()
    }

    private struct Removals {
        var began: UInt64 = 0
        var ended: UInt64 = 0
    }

    /// A moment before somebody looks for a file.
    package struct Moment: Sendable {
        /// How many removals had begun; nil when one had not ended.
        fileprivate let removals: UInt64?
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

    /// The present moment.
    package var moment: Moment {
        state.withLock { Moment(removals: $0.removals.began == $0.removals.ended ? $0.removals.began : nil) }
    }

    /// Whether a removal under way since `moment` may not have seen a note that was just made.
    package func mayHaveMissed(since moment: Moment) -> Bool {
        state.withLock { $0.removals.began != moment.removals }
    }

    /// Runs a transaction that takes away what `contains` denies, to its end.
    package func removing<Value: Sendable>(_ removal: () async throws -> Value) async rethrows -> Value {
        state.withLock { $0.removals.began += 1 }
        defer { state.withLock { $0.removals.ended += 1 } }
        return try await removal()
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
