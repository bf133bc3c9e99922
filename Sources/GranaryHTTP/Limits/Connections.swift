import NIOCore
import Synchronization

/// The open connections of a server: how many there are, and of whom.
final class Connections: Sendable {
    /// Refused connections that wait until their client has read why. Beyond them clients are not told.
    private static let maximumRefused = 256

    private let limits: Limits
    private let metrics: LimitMetrics
    private let counts = Mutex(Counts())
    private let watches: [ObjectIdentifier: NIOLoopBoundBox<ConnectionWatches?>]

    private struct Counts {
        var open = PlaceCounts()
        var refused = 0
    }

    init(_ limits: Limits, metrics: LimitMetrics, group: any EventLoopGroup) {
        self.limits = limits
        self.metrics = metrics
        let pairs = group.makeIterator().map { loop in
            (ObjectIdentifier(loop), NIOLoopBoundBox.makeEmptyBox(valueType: ConnectionWatches.self, eventLoop: loop))
        }
        watches = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    /// Takes a connection, or says which limit does not let it in. What is taken must be given back.
    func take(_ address: String) -> LimitMetrics.Refusal? {
        let (refusal, open) = counts.withLock { counts -> (LimitMetrics.Refusal?, Int) in
            guard counts.open.total < limits.connections.total else { return (.connections, counts.open.total) }
            guard counts.open.take(address, atMost: limits.connections.ofAddress) else {
                return (.addressConnections, counts.open.total)
            }
            return (nil, counts.open.total)
        }
        if let refusal { metrics.note(refusal) } else { metrics.noteOpen(open) }
        return refusal
    }

    func giveBack(_ address: String) {
        let open = counts.withLock { counts in
            counts.open.giveBack(address)
            return counts.open.total
        }
        metrics.noteOpen(open)
    }

    /// Whether a refused client can be told so.
    func takeRefused() -> Bool {
        counts.withLock { counts in
            guard counts.refused < Self.maximumRefused else { return false }
            counts.refused += 1
            return true
        }
    }

    func giveBackRefused() { counts.withLock { $0.refused -= 1 } }

    /// The connections of a loop. To be called on it.
    func watches(on loop: any EventLoop) -> ConnectionWatches? {
        guard let box = watches[ObjectIdentifier(loop)] else { return nil }
        let known = box.value ?? ConnectionWatches(limits: limits, metrics: metrics, loop: loop)
        box.value = known
        return known
    }
}

/// How many places are taken, in all and by whom.
struct PlaceCounts: Sendable {
    private(set) var total = 0
    private var byAddress: [String: Int] = [:]

    /// False when the address has that many.
    mutating func take(_ address: String, atMost limit: Int) -> Bool {
        guard byAddress[address, default: 0] < limit else { return false }
        byAddress[address, default: 0] += 1
        total += 1
        return true
    }

    mutating func giveBack(_ address: String) {
        total -= 1
        byAddress[address, default: 0] -= 1
        if byAddress[address] == 0 { byAddress[address] = nil }
    }
}
