package import GranaryModel
package import GranaryPorts
package import Logging

/// What the verbs of the core are built from: the sockets, the clock, chance, and the configuration in memory.
package struct Services: Sendable {
    package let driver: any SQLDriver
    package let blobs: any BlobStore
    package let snapshot: CurrentSnapshot
    package let now: Now
    /// That many unguessable bytes.
    package let random: @Sendable (Int) -> [UInt8]
    package let logger: Logger
    /// What the sweep must leave for a moment.
    package let recentlyAsked: RecentlyAsked
    /// The binary logarithm of the rounds a new password is hashed with.
    package let passwordRounds: Int

    /// Fewer rounds than the standard are for tests, which log in more often than people, and so is a shorter `askedPeriod`.
    package init(
        driver: any SQLDriver, blobs: any BlobStore, snapshot: CurrentSnapshot, now: @escaping Now,
        random: @escaping @Sendable (Int) -> [UInt8], logger: Logger,
        passwordRounds: Int = 14, askedPeriod: Duration = RecentlyAsked.period
    ) {
        self.driver = driver
        self.blobs = blobs
        self.snapshot = snapshot
        self.now = now
        self.random = random
        self.logger = logger
        recentlyAsked = RecentlyAsked(now: now, period: askedPeriod)
        self.passwordRounds = passwordRounds
    }
}
