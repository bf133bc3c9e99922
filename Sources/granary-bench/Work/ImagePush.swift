/// Pushes of whole images by several clients at once: every layer is new, so that no server has it already.
struct ImagePush: Work {
    /// 31 MiB in eight layers, as images have them: a large base and smaller layers on top.
    static let layerSizes = [16 << 20, 8 << 20, 4 << 20, 2 << 20, 1 << 19, 1 << 18, 1 << 17, 1 << 17]
    private static let clients = 4

    let name = "images"
    let title = "Push of an image of 31 MiB in 8 layers, 4 clients"
    let figures = [
        Figure("rate", "images", "/s", .atLeast(4, of: .registry)), Figure("cpu", "  server CPU", "s/GiB"),
        Figure("peak", "  peak memory", "MB")
    ]
    private let maker: PayloadMaker
    private let perClient: Int

    init(_ maker: PayloadMaker, _ scale: Scale) {
        self.maker = maker
        perClient = scale(4, quick: 1)
    }

    func measure(_ station: Station, round: Int) throws -> Readings {
        let peer = try station.peer
        let images = try (0..<Self.clients * perClient).map { _ in
            try Image.unique(layerSizes: Self.layerSizes, from: maker)
        }
        Disk.settle()
        let metering = try Metering.of(peer) {
            _ = try concurrently(Self.clients) { [perClient] client in
                let pusher = try Pusher(peer)
                for index in 0..<perClient {
                    let image = images[client * perClient + index]
                    try pusher.push(image, to: "bench/app-\(client)", tag: "v\(round)-\(index)")
                }
            }
        }
        return [
            "rate": Double(images.count) / metering.seconds,
            "cpu": metering.cpuSecondsPerGibibyte(images.reduce(0) { $0 + $1.size }), "peak": metering.peakMegabytes
        ]
    }
}
