import GranaryFormat
import GranaryModel
import GranaryPolicy
import GranaryPorts
import GranaryStore
import NIOCore
import Synchronization

/// The cache of one remote repository: what is in it, and what is asked of the upstream instead.
struct RemoteCache: Sendable {
    /// Who would get something older waits this long for news.
    static let patience = Duration.seconds(5)
    /// For how long something is taken as absent that the upstream does not have.
    private static let absence = Duration.seconds(60)

    let services: Services
    let repository: Repository
    let upstream: UpstreamSettings
    /// Where it is noted that something older than it should be was served.
    let staleness: Staleness

    private var memory: UpstreamMemory { services.upstreams }

    /// How something can be served.
    enum Opening: Sendable {
        case stored(CachedItem)
        case arriving(Transfer, Transfer.Beginning)
    }

    func key(_ package: String, _ name: String) -> CacheKey {
        CacheKey(repository: repository.id, package: package, name: name)
    }

    /// What is in the cache, however old; nil where nothing is.
    func find(_ key: CacheKey) async throws(Problem) -> CachedItem? {
        if let item = memory.item(key) { return item }
        let generation = memory.generation
        let item = try await services.performing { try await services.driver.look { try CacheRows($0).find(key) } }
        if let item { memory.remember(item, as: key, since: generation) }
        return item
    }

    /// What is in memory and needs no question; nil leaves it to `open`.
    func known(_ key: CacheKey, lifetime: Duration?) -> CachedItem? {
        let now = services.now()
        guard let item = memory.item(key), !isGone(item, now) else { return nil }
        let facts = Freshness.Facts(
            checkedAt: item.checkedAt, lifetime: item.isFixed ? nil : lifetime ?? .zero, isOffline: upstream.isOffline)
        guard Freshness.decide(facts, now: now) == .serve else { return nil }
        memory.noteUse(item, at: now)
        return item
    }

    /// As `open`, once all of it is here.
    func whole(
        _ key: CacheKey, _ want: () async throws(Problem) -> Want
    ) async throws(Problem) -> CachedItem {
        switch try await open(key, want) {
        case .stored(let item): return item
        case .arriving(let transfer, _):
            switch await transfer.outcome() {
            case .stored(let item): return item
            case .missing: throw Self.missing
            case .failed(let problem): throw problem
            }
        }
    }

    /// Finds something in the cache or fetches it. Throws `.unknown(.file, …)` where the upstream does not have it, and
    /// `.unavailable` where nobody knows.
    func open(
        _ key: CacheKey, _ makeWant: () async throws(Problem) -> Want
    ) async throws(Problem) -> Opening {
        let now = services.now()
        guard let item = try await find(key) else {
            let facts = Freshness.Facts(checkedAt: nil, lifetime: nil, isOffline: upstream.isOffline)
            guard !memory.isAbsent(key, now: now), Freshness.decide(facts, now: now) == .fetch else {
                throw Self.missing
            }
            switch join(key, try await makeWant(), nil, now) {
            case .wait(let seconds):
                throw .unavailable("the upstream of '\(repository.name)' does not answer", retryAfter: seconds)
            case .storing(let transfer):
                if case .failed(let problem) = await transfer.outcome() { throw problem }
                return try await open(key, makeWant)
            case .come: return try await open(key, makeWant)
            case .follow(let transfer):
                return try await follow(transfer, key, now)
            }
        }
        memory.noteUse(item, at: now)
        if item.isFixed { return .stored(item) }
        let want = try await makeWant()
        let facts = Freshness.Facts(
            checkedAt: item.checkedAt, lifetime: want.lifetime, isOffline: upstream.isOffline)
        guard Freshness.decide(facts, now: now) == .serve else {
            return try await revalidate(item, key, want, now)
        }
        guard !isGone(item, now) else { throw Self.missing }
        return .stored(item)
    }

    /// Whether the upstream has said often enough that it is not there any more.
    private func isGone(_ item: CachedItem, _ now: Timestamp) -> Bool {
        UpstreamRemoval.isConfirmed(since: item.missingSince, count: item.missingCount, now: now)
    }

    private static let missing = Problem.unknown(.file, "the upstream has no such file")

    private func follow(_ transfer: Transfer, _ key: CacheKey, _ now: Timestamp) async throws(Problem) -> Opening {
        if let beginning = await transfer.beginning() { return .arriving(transfer, beginning) }
        switch await transfer.outcome() {
        case .stored(let item): return .stored(item)
        case .failed(let problem): throw problem
        case .missing:
            memory.noteAbsent(key, until: now.adding(Self.absence))
            throw Self.missing
        }
    }

    /// Asks whether something has changed. Without an answer, what is here is served.
    private func revalidate(
        _ item: CachedItem, _ key: CacheKey, _ want: Want, _ now: Timestamp
    ) async throws(Problem) -> Opening {
        switch join(key, want, item, now) {
        case .wait: return .stored(try stale(item))
        case .storing(let transfer):
            // It was asked for before this, and may be older by now than it may be.
            _ = await transfer.outcome()
            return try await open(key) { want }
        case .come: return try await open(key) { want }
        case .follow(let transfer):
            switch await transfer.outcomeUnlessLate() {
            case .stored(let item): return .stored(item)
            case .missing: throw Self.missing
            case .failed, nil: return .stored(try stale(item))
            }
        }
    }

    private func stale(_ item: CachedItem) throws(Problem) -> CachedItem {
        guard !isGone(item, services.now()) else { throw Self.missing }
        staleness.note(item.checkedAt)
        services.upstreamMetrics.stale(repository.name)
        return item
    }

    private func join(_ key: CacheKey, _ want: Want, _ known: CachedItem?, _ now: Timestamp) -> UpstreamMemory.Entry {
        let url = UpstreamFetch.url(of: want.location, below: upstream.url)
        let generation = memory.generation
        return memory.join(key, known, origin: UpstreamFetch.origin(of: url), now: now) { transfer in
            let fetch = UpstreamFetch(
                services: services, repository: repository, upstream: upstream, key: key, want: want, known: known,
                transfer: transfer, generation: generation, begunAt: now)
            guard memory.submit({ await fetch.run() }) else { return false }
            guard known != nil else { return true }
            return memory.submit {
                try? await Task.sleep(for: Self.patience)
                transfer.beLate()
            }
        }
    }
}

/// Whether something older than it should be was served to one request, and how old it is.
final class Staleness: Sendable {
    private let oldest = Mutex<Timestamp?>(nil)

    /// Something was served that was last known to be right at that moment.
    func note(_ moment: Timestamp) { oldest.withLock { $0 = min($0 ?? moment, moment) } }

    var since: Timestamp? { oldest.withLock { $0 } }
}
