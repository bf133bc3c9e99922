/// What the rounds of one work item found.
struct Outcome: Sendable {
    let name: String
    let title: String
    let figures: [Figure]
    /// The servers that were measured.
    let peers: [PeerKind]
    private var values: [String: [PeerKind: [Double]]] = [:]

    init(_ work: any Work, of peers: [PeerKind]) {
        (name, title, figures, self.peers) = (work.name, work.title, work.figures, peers)
    }

    mutating func add(_ readings: Readings, of peer: PeerKind) {
        for (key, value) in readings { values[key, default: [:]][peer, default: []].append(value) }
    }

    /// One value a round, in the order of the rounds.
    func values(_ key: String, _ peer: PeerKind) -> [Double] { values[key]?[peer] ?? [] }

    func median(_ key: String, _ peer: PeerKind) -> Double? { Statistics.median(values(key, peer)) }

    /// Granary's figure divided by another server's.
    func ratio(_ key: String, to peer: PeerKind) -> Double? {
        guard let own = median(key, .granary), let other = median(key, peer), other != 0 else { return nil }
        return own / other
    }

    /// The largest relative deviation of any server's values.
    func spread(_ key: String) -> Double? {
        peers.compactMap { Statistics.relativeDeviation(values(key, $0)) }.max()
    }

    /// Each target of a figure, and whether it is reached.
    func verdicts(_ figure: Figure) -> [(target: Target, isMet: Bool?)] {
        figure.targets.map { ($0, $0.isMet(by: figure.key, median: median)) }
    }

    /// The first figure of every server, to see a run going on.
    var lastRound: String {
        guard let figure = figures.first else { return "" }
        return peers.compactMap { peer in
            values(figure.key, peer).last.map { "\(peer.rawValue) \(Numbers.significant($0)) \(figure.unit)" }
        }.joined(separator: ", ")
    }
}
