/// Pulls of whole images by several clients at once: the manifest by its tag, then each blob it lists.
struct ImagePull: Work {
    private static let clients = 8

    let name = "image-pulls"
    let title = "Pull of an image of 31 MiB in 8 layers, 8 clients"
    let figures = [
        Figure("rate", "images", "/s", .atLeast(2.5, of: .registry)), Figure("cpu", "  server CPU", "s/GiB"),
        Figure("peak", "  peak memory", "MB")
    ]
    private let images: [Image]
    private let seconds: Double

    init(_ maker: PayloadMaker, _ scale: Scale) throws {
        images = try (0..<scale(16, quick: 8)).map { _ in
            try Image.unique(layerSizes: ImagePush.layerSizes, from: maker)
        }
        seconds = scale.seconds
    }

    func prepare(_ station: Station) throws {
        let peer = try station.peer
        let pusher = try Pusher(peer)
        for (index, image) in images.enumerated() { try pusher.push(image, to: "bench/app", tag: "v\(index)") }
        try Puller(peer).pull(images[0], from: "bench/app", tag: "v0", checkingDigests: true)
    }

    func measure(_ station: Station, round: Int) throws -> Readings {
        let peer = try station.peer
        var tally = Tally(count: 0, seconds: 1)
        let metering = try Metering.of(peer) {
            tally = try Tally.of(clients: Self.clients, seconds: seconds) { [images] client in
                let puller = try Puller(peer)
                return { index in
                    // The clients begin with different images and meet all of them.
                    let number = (client * 5 + index) % images.count
                    try puller.pull(images[number], from: "bench/app", tag: "v\(number)")
                    return true
                }
            }
        }
        return [
            "rate": tally.perSecond, "cpu": metering.cpuSecondsPerGibibyte(tally.count * images[0].size),
            "peak": metering.peakMegabytes
        ]
    }
}
