/// Something servers do that is measured: the same for each of them, in rounds.
protocol Work: Sendable {
    /// What it is called on the command line.
    var name: String { get }
    /// What is done, in one line.
    var title: String { get }
    var figures: [Figure] { get }
    /// The servers that can do it.
    var peers: [PeerKind] { get }
    /// At most so many rounds, however many are asked for.
    var maximumRounds: Int { get }

    /// Fills a server that has just been started; not measured.
    func prepare(_ station: Station) throws
    /// Measures once.
    func measure(_ station: Station, round: Int) throws -> Readings
}

extension Work {
    var peers: [PeerKind] { PeerKind.ofImages }
    var maximumRounds: Int { .max }
    func prepare(_ station: Station) throws {}
}

/// What the options say of how much is done.
struct Scale: Sendable {
    let isQuick: Bool

    /// How long loops are measured each time.
    var seconds: Double { isQuick ? 0.6 : 2 }

    func callAsFunction<Value>(_ full: Value, quick: Value) -> Value { isQuick ? quick : full }
}
