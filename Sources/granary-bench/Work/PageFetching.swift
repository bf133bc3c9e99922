/// One large page that several clients fetch again and again.
struct PageFetching: Sendable {
    static let connections = 8

    /// Begins the keys of its figures.
    let key: String
    let label: String
    let fields: [Request.Field]

    /// What is told of it, under these targets of the rate.
    func figures(_ targets: Target...) -> [Figure] {
        [
            Figure("\(key)-rate", label, "/s", targets), Figure("\(key)-p50", "  latency, median", "ms"),
            Figure("\(key)-p99", "  latency, 99 %", "ms"), Figure("\(key)-cpu", "  server CPU", "ms/request"),
            Figure("\(key)-size", "  size as sent", "kB")
        ]
    }

    /// The page as a whole.
    func page(_ target: String, of peer: Peer) throws -> Answer {
        try peer.connect().exchange(Request("GET", target, fields), expecting: 200, reading: .keep)
    }

    /// Fetches it for some seconds.
    func measure(_ target: String, of peer: Peer, seconds: Double) throws -> Readings {
        let length = try page(target, of: peer).length
        var result = LoopResult()
        let metering = try Metering.of(peer) {
            result = try PageLoop(
                port: peer.port, request: Request("GET", target, fields), connections: Self.connections,
                length: length, seconds: seconds
            ).run()
        }
        return [
            "\(key)-rate": result.perSecond, "\(key)-p50": Double(result.latencies.percentile(0.5)) / 1e6,
            "\(key)-p99": Double(result.latencies.percentile(0.99)) / 1e6,
            "\(key)-cpu": metering.cpuSeconds * 1000 / Double(max(1, result.answers)),
            "\(key)-size": Double(length) / 1000
        ]
    }
}
