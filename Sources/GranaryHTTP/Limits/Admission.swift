import GranaryFormat
import NIOCore
import NIOPosix
import Synchronization

/// Bounds how many requests are worked on at once. Those that come when all places are taken wait a while for one, in the
/// order they came; those of an address that has taken its share are refused at once, so that they cannot make others wait.
final class Admission: Sendable {
    /// What a place is for. They are counted apart: uploads that take long must not keep anybody from reading.
    enum Kind: String, Sendable {
        case request, upload, download

        fileprivate var refusals: (ofAll: LimitMetrics.Refusal, ofAddress: LimitMetrics.Refusal) {
            switch self {
            case .request: (.requests, .addressRequests)
            case .upload: (.uploads, .addressUploads)
            case .download: (.downloads, .addressDownloads)
            }
        }
    }

    let limits: Limits
    private let metrics: LimitMetrics
    private let requests: Mutex<Places>
    private let uploads: Mutex<Places>
    private let downloads: Mutex<Places>
    private let clock = ContinuousClock()
    private let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.any()

    private struct Places {
        let share: Limits.Share
        /// Those who have a place and those who wait for one.
        var known = PlaceCounts()
        var working = 0
        var queue = CircularBuffer<Waiter>()
        /// Whether somebody looks after those who wait too long.
        var isWatched = false

        init(_ share: Limits.Share) { self.share = share }

        mutating func dropFirst() -> Waiter {
            let waiter = queue.removeFirst()
            known.giveBack(waiter.address)
            return waiter
        }
    }

    private struct Waiter {
        let address: String
        let until: ContinuousClock.Instant
        let continuation: CheckedContinuation<Bool, Never>
    }

    private enum Entry { case taken, full, addressFull, queued }

    init(_ limits: Limits, metrics: LimitMetrics) {
        self.limits = limits
        self.metrics = metrics
        requests = Mutex(Places(limits.requests))
        uploads = Mutex(Places(limits.uploads))
        downloads = Mutex(Places(limits.downloads))
    }

    /// How many uploads are under way.
    var uploading: Int { uploads.withLock { $0.working } }

    /// How many wait for a place.
    func waiting(for kind: Kind) -> Int { withPlaces(kind) { $0.queue.count } }

    /// Takes a place, which `leave` must give back. Throws when there is none.
    func enter(_ kind: Kind, _ address: String) async throws(Problem) {
        let entry = withPlaces(kind) { take(&$0, address) }
        let isIn = entry == .queued ? await wait(kind, address) : entry == .taken
        guard !isIn else { return }
        if entry == .addressFull {
            metrics.note(kind.refusals.ofAddress)
            throw .tooMany("this address has too many \(kind)s under way", retryAfter: 1)
        }
        metrics.note(kind.refusals.ofAll)
        throw .unavailable("the server has too many \(kind)s under way", retryAfter: 1)
    }

    /// Gives a place back, which whoever waits first gets.
    func leave(_ kind: Kind, _ address: String) {
        let next = withPlaces(kind) { places -> Waiter? in
            places.known.giveBack(address)
            if let next = places.queue.popFirst() { return next }
            places.working -= 1
            return nil
        }
        next?.continuation.resume(returning: true)
    }

    private func withPlaces<Value>(_ kind: Kind, _ body: (inout Places) -> Value) -> Value {
        switch kind {
        case .request: requests.withLock { body(&$0) }
        case .upload: uploads.withLock { body(&$0) }
        case .download: downloads.withLock { body(&$0) }
        }
    }

    private func take(_ places: inout Places, _ address: String) -> Entry {
        guard places.known.take(address, atMost: places.share.ofAddress) else { return .addressFull }
        if places.working < places.share.total {
            places.working += 1
            return .taken
        }
        if places.queue.count < limits.waiting { return .queued }
        places.known.giveBack(address)
        return .full
    }

    /// True once there is a place; false when none came in time.
    private func wait(_ kind: Kind, _ address: String) async -> Bool {
        await withCheckedContinuation { continuation in
            let waiter = Waiter(address: address, until: clock.now + limits.patience, continuation: continuation)
            let (isIn, mustWatch) = withPlaces(kind) { places -> (Bool, Bool) in
                if places.working < places.share.total {
                    places.working += 1
                    return (true, false)
                }
                places.queue.append(waiter)
                defer { places.isWatched = true }
                return (false, !places.isWatched)
            }
            if isIn { continuation.resume(returning: true) }
            if mustWatch { refuseLate(kind, in: limits.patience) }
        }
    }

    /// Refuses those who have waited too long, after a while and then until nobody waits.
    private func refuseLate(_ kind: Kind, in delay: Duration) {
        loop.scheduleTask(in: TimeAmount(delay)) { [self] in
            let now = clock.now
            let (late, next) = withPlaces(kind) { places -> ([Waiter], ContinuousClock.Instant?) in
                var late: [Waiter] = []
                while let first = places.queue.first, first.until <= now { late.append(places.dropFirst()) }
                places.isWatched = !places.queue.isEmpty
                return (late, places.queue.first?.until)
            }
            for waiter in late { waiter.continuation.resume(returning: false) }
            if let next { refuseLate(kind, in: next - now) }
        }
    }
}
