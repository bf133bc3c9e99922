/// Half of many images are deleted, and then the space they took is given back.
struct Deletion: Work {
    private static let clients = 4
    private static let pushingClients = 16
    private static let imagesPerName = 100
    private static let layerSizes = [4096, 4096]

    let name = "delete"
    let title: String
    let peers: [PeerKind] = [.granary, .registry]
    let maximumRounds = 1
    let figures = [
        Figure("rate", "deletions", "/s", .atLeast(4, of: .registry)),
        Figure("collection", "collection", "s", .atMost(1, of: .registry)),
        Figure("failed", "  reads that failed meanwhile", "", .limit(0)),
        Figure("reads", "  reads answered meanwhile", ""), Figure("files", "  files removed", "")
    ]
    private let images: [Image]

    init(_ maker: PayloadMaker, _ scale: Scale) throws {
        images = try (0..<scale(5_000, quick: 400)).map { _ in
            try Image.unique(layerSizes: Self.layerSizes, from: maker)
        }
        title =
            "Deletion of half of \(images.count) images of 3 blobs each, 4 clients, and collection of what is left over"
    }

    func prepare(_ station: Station) throws {
        let peer = try station.peer
        if peer.kind == .registry {
            let tree = RegistryTree(data: station.data)
            for (index, image) in images.enumerated() {
                try tree.add(image, to: Peer.name(Self.name(index)), tag: "v\(index)")
            }
            return
        }
        _ = try concurrently(Self.pushingClients) { [images] client in
            let pusher = try Pusher(peer)
            for index in stride(from: client, to: images.count, by: Self.pushingClients) {
                try pusher.push(images[index], to: Self.name(index), tag: "v\(index)")
            }
        }
    }

    private static func name(_ index: Int) -> String { "bench/app-\(index / imagesPerName)" }

    func measure(_ station: Station, round: Int) throws -> Readings {
        let peer = try station.peer
        Disk.settle()
        let stopwatch = Stopwatch()
        _ = try concurrently(Self.clients) { [images] client in
            let connection = try peer.connect()
            for index in stride(from: client * 2, to: images.count, by: Self.clients * 2) {
                let path = Peer.path(Self.name(index), "manifests/\(images[index].manifest.digest)")
                try connection.exchange(Request("DELETE", path, peer.credentials), expecting: 202)
            }
        }
        let seconds = stopwatch.seconds
        let before = Disk.files(below: station.data)
        let collection = Collection(station: station, image: images[1], name: Self.name(1), tag: "v1")
        var readings = try collection.run()
        readings["rate"] = Double((images.count + 1) / 2) / seconds
        if readings["collection"] != nil {
            readings["files"] = Double(before - Disk.files(below: station.data))
        }
        try check(station)
        return readings
    }

    /// What was deleted is gone, and what was not is whole.
    private func check(_ station: Station) throws {
        let peer = try station.peer
        let accept = Request.Field(name: "Accept", value: Image.manifestType)
        let path = Peer.path(Self.name(0), "manifests/\(images[0].manifest.digest)")
        try peer.connect().exchange(Request("GET", path, [accept]), expecting: 404)
        let puller = try Puller(peer)
        for index in stride(from: 1, to: images.count, by: 50) where index % 2 == 1 {
            try puller.pull(images[index], from: Self.name(index), tag: "v\(index)", checkingDigests: true)
        }
    }
}
