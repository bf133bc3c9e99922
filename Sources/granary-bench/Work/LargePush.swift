/// Pushes of large blobs nobody has, one at a time and four at once; they are on disk when the server says so.
struct LargePush: Work {
    private static let clients = [1, 4]

    let name = "push"
    let title: String
    private let maker: PayloadMaker
    private let size: Int

    init(_ maker: PayloadMaker, _ scale: Scale) {
        self.maker = maker
        size = scale(256 << 20, quick: 64 << 20)
        title = "Push of a blob of \(size >> 20) MiB in one stream"
    }

    var figures: [Figure] {
        [
            Figure("rate-1", "one at a time", "MB/s", .atLeast(3, of: .registry)),
            Figure("cpu-1", "  server CPU", "s/GiB", .atMost(0.35, of: .registry)),
            Figure("peak-1", "  peak memory", "MB"),
            Figure("rate-4", "four at once", "MB/s", .atLeast(2.5, of: .registry)),
            Figure("cpu-4", "  server CPU", "s/GiB", .atMost(0.35, of: .registry)),
            Figure("peak-4", "  peak memory", "MB")
        ]
    }

    func measure(_ station: Station, round: Int) throws -> Readings {
        let peer = try station.peer
        var readings: Readings = [:]
        for count in Self.clients {
            let blobs = try (0..<count).map { _ in try maker.payload(size) }
            Disk.settle()
            let metering = try Metering.of(peer) {
                _ = try concurrently(count) { try Pusher(peer).push(blob: blobs[$0], to: "bench/push") }
            }
            let bytes = count * size
            readings["rate-\(count)"] = Double(bytes) / metering.seconds / 1e6
            readings["cpu-\(count)"] = metering.cpuSecondsPerGibibyte(bytes)
            readings["peak-\(count)"] = metering.peakMegabytes
            if round == 0, let last = blobs.last { try check(last, on: peer) }
        }
        return readings
    }

    private func check(_ blob: Payload, on peer: Peer) throws {
        let request = Request("GET", Peer.path("bench/push", "blobs/\(blob.digest)"))
        guard try peer.connect().exchange(request, expecting: 200, reading: .hash).digest == blob.digest else {
            throw BenchFailure("\(peer.kind.rawValue) answers other bytes than were pushed")
        }
    }
}
