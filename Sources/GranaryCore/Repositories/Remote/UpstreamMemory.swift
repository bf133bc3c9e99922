import GranaryModel
import GranaryPolicy
package import GranaryPorts
import GranaryStore
import ServiceLifecycle
import Synchronization

/// What is known of upstreams and of what was fetched from them, in memory; and the hands that fetch.
///
/// All changes of a cache's rows go through here, so what is remembered is what the database has.
package final class UpstreamMemory: Service {
    /// How many things in caches are remembered.
    private static let capacity = 65_536
    /// How many things that are not there are remembered.
    private static let absentCapacity = 65_536
    /// How many servers are remembered to have failed.
    private static let breakerCapacity = 4096
    /// How many fetches may wait to be begun.
    private static let maximumErrands = 100_000

    let client: any UpstreamClient
    private let state = Mutex(State())
    private let errands: AsyncStream<@Sendable () async -> Void>
    private let queue: AsyncStream<@Sendable () async -> Void>.Continuation

    private struct State {
        var items = RecentMap<CacheKey, CachedItem>(capacity: UpstreamMemory.capacity)
        var absent = RecentMap<CacheKey, Timestamp>(capacity: UpstreamMemory.absentCapacity)
        var transfers: [CacheKey: Transfer] = [:]
        var breakers = RecentMap<String, CircuitBreaker>(capacity: UpstreamMemory.breakerCapacity)
        var uses: [Int64: Timestamp] = [:]
        /// By the key of the index that says so.
        var alarms: [CacheKey: String] = [:]
        /// Raised when a cache is emptied: what was read from the database before does not count.
        var generation = 0
    }

    package init(client: any UpstreamClient) {
        self.client = client
        (errands, queue) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.maximumErrands))
    }

    /// Fetches until the server stops.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for await errand in self.errands { group.addTask { await errand() } }
                group.cancelAll()
            }
        }
    }

    /// Has something done by the service, whoever leaves; answers whether it will be.
    func submit(_ errand: @escaping @Sendable () async -> Void) -> Bool {
        if case .enqueued = queue.yield(errand) { true } else { false }
    }

    // MARK: Things

    var generation: Int { state.withLock { $0.generation } }

    func item(_ key: CacheKey) -> CachedItem? { state.withLock { $0.items.find(key) } }

    /// Remembers what the database has, unless the cache was emptied since `generation`.
    func remember(_ item: CachedItem, as key: CacheKey, since generation: Int) {
        state.withLock { state in
            if state.generation == generation { state.items.insert(item, for: key) }
        }
    }

    /// What was fetched is there, unless the cache was emptied since `generation`.
    func keep(_ item: CachedItem, as key: CacheKey, since generation: Int) {
        state.withLock { state in
            if state.generation == generation { state.items.insert(item, for: key) }
            state.absent.remove(key)
            state.alarms[key] = item.alarm
        }
    }

    /// It is not in the cache any more.
    func forget(_ key: CacheKey) { state.withLock { $0.items.remove(key) } }

    /// Forgets everything about the content of caches, which is read again from the database.
    func forgetItems() {
        state.withLock { state in
            state.generation += 1
            state.items = RecentMap(capacity: Self.capacity)
            state.absent = RecentMap(capacity: Self.absentCapacity)
        }
    }

    /// Forgets what a repository's upstream has said: it has another one. What comes from the last one is nobody's any more.
    func forgetUpstream(of repository: RepositoryID) {
        state.withLock { state in
            state.alarms = state.alarms.filter { $0.key.repository != repository }
            state.transfers = state.transfers.filter { $0.key.repository != repository }
        }
    }

    /// Why nothing of the package of an index may be served; nil where it may.
    func alarm(_ index: CacheKey) -> String? { state.withLock { $0.alarms[index] } }

    /// Reads what has been found to be malware. To be called before anything is served.
    package func load(from driver: any SQLDriver) async throws {
        let alarms = try await driver.read { try CacheRows($0).alarms() }
        state.withLock { state in
            state.alarms = Dictionary(alarms.map { ($0.key, $0.reason) }, uniquingKeysWith: { first, _ in first })
        }
    }

    // MARK: Absence

    func isAbsent(_ key: CacheKey, now: Timestamp) -> Bool {
        state.withLock { $0.absent.find(key).map { $0 > now } ?? false }
    }

    func noteAbsent(_ key: CacheKey, until moment: Timestamp) { state.withLock { $0.absent.insert(moment, for: key) } }

    // MARK: Use

    func noteUse(_ item: CachedItem, at time: Timestamp) { state.withLock { $0.uses[item.id] = time } }

    /// When which rows were used since the last time this was asked.
    func takeUses() -> [Int64: Timestamp] {
        state.withLock { state in
            defer { state.uses = [:] }
            return state.uses
        }
    }

    // MARK: Fetching

    /// How a fetch comes about.
    enum Entry {
        /// It is under way, or begins now.
        case follow(Transfer)
        /// It has come, and is only being stored: by now it may be older than it may be.
        case storing(Transfer)
        /// It has come since the caller looked for it: look again.
        case come
        case wait(seconds: Int)
    }

    /// The transfer of a key, which `begin` starts where there is none. `known` is what the caller found; `origin` is the server that
    /// would be asked.
    func join(
        _ key: CacheKey, _ known: CachedItem?, origin: String, now: Timestamp, begin: (Transfer) -> Bool
    ) -> Entry {
        state.withLock { state in
            if let transfer = state.transfers[key] {
                return transfer.isVerified ? .storing(transfer) : .follow(transfer)
            }
            // A transfer is remembered before it leaves.
            if let item = state.items.find(key), item != known { return .come }
            var breaker = state.breakers.find(origin) ?? CircuitBreaker()
            let verdict = breaker.enter(now: now)
            state.breakers.insert(breaker, for: origin)
            if case .wait(let seconds) = verdict { return .wait(seconds: seconds) }
            let transfer = Transfer()
            guard begin(transfer) else {
                breaker.abandon()
                state.breakers.insert(breaker, for: origin)
                return .wait(seconds: 5)
            }
            state.transfers[key] = transfer
            return .follow(transfer)
        }
    }

    /// For how many seconds a server is not asked, because it has failed; nil where it is.
    func pause(of origin: String, now: Timestamp) -> Int? {
        state.withLock { $0.breakers.find(origin)?.pause(now: now) }
    }

    /// A transfer is over; whoever comes next begins another.
    func leave(_ key: CacheKey, _ transfer: Transfer) {
        state.withLock { state in
            if state.transfers[key] === transfer { state.transfers[key] = nil }
        }
    }

    /// Notes how an upstream did.
    func note(_ origin: String, _ change: (inout CircuitBreaker) -> Void) {
        state.withLock { state in
            var breaker = state.breakers.find(origin) ?? CircuitBreaker()
            change(&breaker)
            state.breakers.insert(breaker, for: origin)
        }
    }
}

/// For servers without remote repositories: nobody is asked.
package struct NoUpstream: UpstreamClient {
    package init() {}

    package func send(_ request: UpstreamRequest) async throws(UpstreamFailure) -> UpstreamAnswer {
        throw .refused("this server asks no others")
    }
}
