package import GranaryModel

/// When something that an upstream once had counts as gone: one answer may be a fault of the upstream, or a burst of them.
package enum UpstreamRemoval {
    /// Answers that say so, at least `interval` apart from each other.
    package static let confirmations: Int64 = 3
    package static let interval = Duration.seconds(3600)

    /// Whether another answer counts as a confirmation.
    package static func counts(since: Timestamp?, count: Int64, now: Timestamp) -> Bool {
        guard let since else { return true }
        return now >= since.adding(interval * Int(count))
    }

    /// Whether it has been said often enough, over long enough.
    package static func isConfirmed(since: Timestamp?, count: Int64, now: Timestamp) -> Bool {
        count >= confirmations && since.map { now >= $0.adding(interval * Int(confirmations - 1)) } ?? false
    }
}
