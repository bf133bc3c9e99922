package import GranaryModel
package import GranaryPorts
package import Logging
package import Metrics

/// What the verbs of the core are built from: the sockets, the clock, chance, and the configuration in memory.
package struct Services: Sendable {
    /// Every change goes through it, which is how the memory of files knows.
    package var driver: any SQLDriver { remembered }
    package let blobs: any BlobStore
    package let snapshot: CurrentSnapshot
    package let now: Now
    /// That many unguessable bytes.
    package let random: @Sendable (Int) -> [UInt8]
    package let logger: Logger
    /// Where what happens is counted.
    let metrics: any MetricsFactory
    /// What the sweep must leave for a moment.
    package let recentlyAsked: RecentlyAsked
    /// What is told of the upkeep.
    let upkeep: UpkeepMetrics
    /// What bounds the upload sessions of a user.
    package let openUploads: OpenUploads
    /// The bytes of small blobs. Whoever takes a blob out of use drops it here.
    package let smallBlobs = SmallBlobs()
    /// What is known of upstreams; the service that fetches from them.
    package let upstreams: UpstreamMemory
    let upstreamMetrics: UpstreamMetrics
    /// Keeps the secrets that upstreams are shown.
    package let secrets: SecretBox
    let documents = DocumentMemo()
    let indexes = IndexMemo()
    let files: FileMemory
    let remembered: RememberedDriver
    /// The binary logarithm of the rounds a new password is hashed with.
    package let passwordRounds: Int

    /// Fewer rounds than the standard are for tests, which log in more often than people, and so is a shorter `askedPeriod`.
    /// `secret` is the installation's: what is encrypted with it is of no use without.
    package init(
        driver: any SQLDriver, blobs: any BlobStore, snapshot: CurrentSnapshot, now: @escaping Now,
        random: @escaping @Sendable (Int) -> [UInt8], logger: Logger,
        metrics: any MetricsFactory = NOOPMetricsHandler.instance, uploadLimit: Int = OpenUploads.standardLimit,
        passwordRounds: Int = 14, askedPeriod: Duration = RecentlyAsked.period,
        upstream: any UpstreamClient = NoUpstream(), secret: [UInt8] = []
    ) {
        files = FileMemory()
        remembered = RememberedDriver(base: driver, memory: files)
        self.blobs = blobs
        self.snapshot = snapshot
        self.now = now
        self.random = random
        self.logger = logger
        self.metrics = metrics
        upkeep = UpkeepMetrics(factory: metrics)
        upstreams = UpstreamMemory(client: upstream)
        upstreamMetrics = UpstreamMetrics(factory: metrics)
        secrets = SecretBox(secret: secret)
        openUploads = OpenUploads(limit: uploadLimit)
        recentlyAsked = RecentlyAsked(now: now, period: askedPeriod)
        self.passwordRounds = passwordRounds
    }
}
