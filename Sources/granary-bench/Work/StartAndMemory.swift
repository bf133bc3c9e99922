/// How soon a server answers, and how much memory it takes, idle and while it takes a large body.
struct StartAndMemory: Work {
    private static let starts = 3
    private static let idleSeconds = 2.0

    let name = "start"
    let title: String
    let maximumRounds = 3
    let figures: [Figure]
    private let maker: PayloadMaker
    private let size: Int

    init(_ maker: PayloadMaker, _ scale: Scale) {
        self.maker = maker
        size = scale(1 << 30, quick: 256 << 20)
        title = "Start with the empty data folder of an earlier one, and memory"
        figures = [
            Figure("start", "start to first answer", "ms", .limit(100)),
            Figure("idle", "memory 2 s after the start", "MB", .limit(50)),
            Figure("push", "peak memory, push of \(size >> 20) MiB", "MB", .limit(80))
        ]
    }

    func measure(_ station: Station, round: Int) throws -> Readings {
        // The first start of all makes the data folder.
        _ = try station.peer
        station.stop()
        let times = try (0..<Self.starts).map { _ in
            try station.installation.startTime(station.kind, in: station.folder)
        }
        let peer = try station.peer
        rest(seconds: Self.idleSeconds)
        let idle = peer.usage
        let blob = try maker.payload(size)
        let metering = try Metering.of(peer) { try Pusher(peer).push(blob: blob, to: "bench/memory") }
        return [
            "start": Statistics.median(times) ?? 0, "idle": Double(idle.residentBytes) / 1e6,
            "push": metering.peakMegabytes
        ]
    }
}
