package import GranaryModel

/// Whether what is in a cache may be served, or the upstream is to be asked first.
package enum Freshness {
    /// What to do about a request.
    package enum Verdict: Sendable, Equatable {
        case serve
        /// Ask; what is in the cache is served if there is no answer.
        case revalidate
        /// There is nothing to serve.
        case fetch
        /// There is nothing to serve, and nobody is asked.
        case absent
    }

    /// What is known of something in the cache.
    package struct Facts: Sendable {
        /// When the upstream last said that it is this; nil where it is not in the cache.
        package let checkedAt: Timestamp?
        /// For how long it is taken as it is; nil for what never changes.
        package let lifetime: Duration?
        package let isOffline: Bool

        package init(checkedAt: Timestamp?, lifetime: Duration?, isOffline: Bool) {
            self.checkedAt = checkedAt
            self.lifetime = lifetime
            self.isOffline = isOffline
        }
    }

    /// What is fresh is served; what is not is asked about, unless nobody may ask.
    package static func decide(_ facts: Facts, now: Timestamp) -> Verdict {
        guard let checkedAt = facts.checkedAt else { return facts.isOffline ? .absent : .fetch }
        guard !facts.isOffline, let lifetime = facts.lifetime else { return .serve }
        // A clock that was put back must not make things fresh for years.
        return checkedAt <= now && now < checkedAt.adding(lifetime) ? .serve : .revalidate
    }
}

/// Whether an upstream that has failed is asked again: not for a while that grows, and then by one request first.
package struct CircuitBreaker: Sendable, Equatable {
    package static let firstPause = Duration.seconds(1)
    package static let longestPause = Duration.seconds(60)
    /// What an upstream may ask for by `Retry-After`.
    package static let longestRetryAfter = Duration.seconds(3600)
    /// Failures in a row that close it.
    package static let tolerance = 3

    private var failures = 0
    /// Nil while everybody may ask.
    private var closedUntil: Timestamp?
    /// When the upstream has said to come back. An answer that was under way by then does not change that.
    private var statedUntil: Timestamp?
    private var isProbing = false

    package init() {}

    /// Whether somebody who wants to ask may.
    package enum Verdict: Sendable, Equatable {
        case ask
        /// Not before that many seconds have passed.
        case wait(seconds: Int)
    }

    /// Whether to ask now. Of those who want to after a pause, the first one is let through.
    package mutating func enter(now: Timestamp) -> Verdict {
        if let seconds = pause(now: now) { return .wait(seconds: seconds) }
        guard closedUntil != nil else { return .ask }
        if isProbing { return .wait(seconds: 1) }
        isProbing = true
        return .ask
    }

    /// How many seconds of a pause are left; nil where there is none.
    package func pause(now: Timestamp) -> Int? {
        guard let until = [closedUntil, statedUntil].compactMap(\.self).max() else { return nil }
        let remaining = until.milliseconds - now.milliseconds
        guard remaining > 0 else { return nil }
        return Int((remaining + 999) / 1000)
    }

    /// The upstream has answered, whatever it said.
    package mutating func succeed() {
        let stated = statedUntil
        self = CircuitBreaker()
        statedUntil = stated
    }

    /// The upstream has not answered, or not as a server in health does; it may have said when to come back.
    package mutating func fail(retryAfter: Duration?, now: Timestamp) {
        failures += 1
        isProbing = false
        if let retryAfter {
            let until = now.adding(min(retryAfter, Self.longestRetryAfter))
            (closedUntil, statedUntil) = (until, until)
        } else if failures >= Self.tolerance {
            let doubled = Self.firstPause * (1 << min(failures - Self.tolerance, 10))
            closedUntil = now.adding(min(doubled, Self.longestPause))
        }
    }

    /// Whoever was let through has left without knowing.
    package mutating func abandon() { isProbing = false }
}
