import GranaryFormat
import GranaryModel
import Synchronization

/// The text of the `Date` header, made once a second.
final class CurrentDate: Sendable {
    private let last = Mutex<(second: Int64, text: String)>((-1, ""))

    func text(at time: Timestamp) -> String {
        last.withLock { last in
            if last.second != time.seconds { last = (time.seconds, HTTPDate.format(time)) }
            return last.text
        }
    }
}
