package import GranaryModel
import Synchronization

/// A clock that a test moves.
package final class ManualClock: Sendable {
    private let time: Mutex<Timestamp>

    package init(at time: Timestamp = Timestamp(milliseconds: 1_700_000_000_000)) { self.time = Mutex(time) }

    /// What it shows.
    package var now: Timestamp { time.withLock { $0 } }

    /// Moves it on.
    package func advance(by duration: Duration) { time.withLock { $0 = $0.adding(duration) } }
}
