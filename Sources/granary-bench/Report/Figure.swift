/// One number that is measured of every server in every round.
struct Figure: Sendable {
    /// The name measurements give it.
    let key: String
    let label: String
    let unit: String
    let targets: [Target]

    init(_ key: String, _ label: String, _ unit: String, _ targets: Target...) {
        self.init(key, label, unit, targets)
    }

    init(_ key: String, _ label: String, _ unit: String, _ targets: [Target]) {
        self.key = key
        self.label = label
        self.unit = unit
        self.targets = targets
    }
}

/// What one measurement of one server found, by the keys of the figures.
typealias Readings = [String: Double]

/// What Granary must reach.
enum Target: Sendable {
    /// At least so many times another server's figure.
    case atLeast(Double, of: PeerKind)
    /// At most so many times another server's figure.
    case atMost(Double, of: PeerKind)
    /// A time that is so many times shorter than another server's.
    case faster(Double, than: PeerKind)
    /// No more than this, whatever others need.
    case limit(Double)
    /// At least, or at most, so many times another figure of Granary's, the key of which is given.
    case holds(Double, key: String)
    case grows(Double, key: String)
    /// At most so much more than another figure of Granary's.
    case trails(Double, key: String)

    var text: String {
        switch self {
        case .atLeast(let times, let peer): "≥ \(Numbers.plain(times))× \(peer.rawValue)"
        case .atMost(let times, let peer): "≤ \(Numbers.plain(times))× \(peer.rawValue)"
        case .faster(let times, let peer): "≥ \(Numbers.plain(times))× faster than \(peer.rawValue)"
        case .limit(let value): "≤ \(Numbers.plain(value))"
        case .holds(let times, _): "≥ \(Numbers.plain(times))× the first"
        case .grows(let times, _): "≤ \(Numbers.plain(times))× the first"
        case .trails(let margin, _): "≤ origin + \(Numbers.plain(margin))"
        }
    }

    /// Whether it is reached; nil when something it compares was not measured. `median` answers a figure of a server.
    func isMet(by key: String, median: (String, PeerKind) -> Double?) -> Bool? {
        guard let own = median(key, .granary) else { return nil }
        switch self {
        case .atLeast(let times, let peer): return median(key, peer).map { own >= times * $0 }
        case .atMost(let times, let peer): return median(key, peer).map { own <= times * $0 }
        case .faster(let times, let peer): return median(key, peer).map { own * times <= $0 }
        case .limit(let value): return own <= value
        case .holds(let times, let other): return median(other, .granary).map { own >= times * $0 }
        case .grows(let times, let other): return median(other, .granary).map { own <= times * $0 }
        case .trails(let margin, let other): return median(other, .granary).map { own <= margin + $0 }
        }
    }
}
