/// Pulls of one large blob that is in the page cache, over several connections at once.
struct LargePull: Work {
    private static let connections = [1, 4, 16]
    private static let gibibyte = 1 << 30

    let name = "pull"
    let title: String
    private let blob: Payload
    /// Each measurement pulls at least so many bytes.
    private let total: Int

    init(_ maker: PayloadMaker, _ scale: Scale) throws {
        blob = try maker.payload(scale(512 << 20, quick: 64 << 20))
        total = scale(4 * Self.gibibyte, quick: Self.gibibyte)
        title = "Pull of a blob of \(blob.size >> 20) MiB from the page cache"
    }

    var figures: [Figure] {
        Self.connections.flatMap { count in
            let label = count == 1 ? "1 connection" : "\(count) connections"
            let rate = Figure("rate-\(count)", label, "GB/s")
            return [
                count == 1 ? rate : Figure(rate.key, rate.label, rate.unit, .atLeast(1.4, of: .registry)),
                Figure("cpu-\(count)", "  server CPU", "s/GiB", .atMost(0.7, of: .registry)),
                Figure("peak-\(count)", "  peak memory", "MB", .limit(60))
            ]
        }
    }

    func prepare(_ station: Station) throws {
        let peer = try station.peer
        try Pusher(peer).push(blob: blob, to: "bench/large")
        let answer = try peer.connect().exchange(request, expecting: 200, reading: .hash)
        guard answer.digest == blob.digest else {
            throw BenchFailure("\(peer.kind.rawValue) answers other bytes than were pushed")
        }
    }

    private var request: Request { Request("GET", Peer.path("bench/large", "blobs/\(blob.digest)")) }

    func measure(_ station: Station, round: Int) throws -> Readings {
        var readings: Readings = [:]
        for count in Self.connections {
            try pull(from: try station.peer, count, into: &readings)
        }
        return readings
    }

    private func pull(from peer: Peer, _ count: Int, into readings: inout Readings) throws {
        let each = max(1, total / blob.size / count)
        let metering = try Metering.of(peer) {
            _ = try concurrently(count) { [request, blob] _ in
                let connection = try peer.connect()
                for _ in 0..<each {
                    let answer = try connection.exchange(request, expecting: 200)
                    guard answer.length == blob.size else {
                        throw BenchFailure("\(peer.kind.rawValue) answered \(answer.length) of \(blob.size) bytes")
                    }
                }
            }
        }
        let bytes = each * count * blob.size
        readings["rate-\(count)"] = Double(bytes) / metering.seconds / 1e9
        readings["cpu-\(count)"] = metering.cpuSecondsPerGibibyte(bytes)
        readings["peak-\(count)"] = metering.peakMegabytes
    }
}
