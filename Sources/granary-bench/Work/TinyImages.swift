/// Pushes of images that are next to nothing, so that what counts is the number of requests and of writes to disk.
struct TinyImages: Work {
    private static let clients = 4
    private static let layerSizes = [4096, 4096]
    private static let maximumPerSecond = 1500

    let name = "tiny"
    let title = "Push of an image of three blobs of 4 KiB and a manifest, 4 clients"
    let figures = [
        Figure("rate", "images", "/s", .atLeast(4, of: .registry)), Figure("cpu", "  server CPU", "ms/image")
    ]
    private let maker: PayloadMaker
    private let seconds: Double

    init(_ maker: PayloadMaker, _ scale: Scale) {
        self.maker = maker
        seconds = scale.seconds
    }

    func measure(_ station: Station, round: Int) throws -> Readings {
        let peer = try station.peer
        let perClient = Int(seconds * Double(Self.maximumPerSecond))
        let images = try (0..<Self.clients * perClient).map { _ in
            try Image.unique(layerSizes: Self.layerSizes, configSize: 4096, from: maker)
        }
        var tally = Tally(count: 0, seconds: 1)
        Disk.settle()
        let metering = try Metering.of(peer) {
            tally = try Tally.of(clients: Self.clients, seconds: seconds) { client in
                let pusher = try Pusher(peer)
                return { index in
                    guard index < perClient else { return false }
                    let image = images[client * perClient + index]
                    try pusher.push(image, to: "bench/tiny-\(client)", tag: "v\(round)-\(index)")
                    return true
                }
            }
        }
        let milliseconds = metering.cpuSeconds * 1000
        return ["rate": tally.perSecond, "cpu": milliseconds / Double(max(1, tally.count))]
    }
}
