/// Whether Granary stays as quick as it is when its database grows: the same requests with different numbers of versions
/// in the database. Versions are seeded; what is asked for has been pushed.
struct Growth: Work {
    private static let connections = 32
    private static let image = "bench/real"
    private static let pages = 50

    let name: String
    let title: String
    let peers: [PeerKind] = [.granary]
    let maximumRounds = 3
    let figures: [Figure]
    private let sizes: [Int]
    private let seconds: Double
    private let maker: PayloadMaker
    private let manifest: Payload

    /// `sizes` are the numbers of versions; the first is what the others are compared with.
    init(_ name: String, _ sizes: [Int], _ maker: PayloadMaker, _ scale: Scale) {
        self.name = name
        self.sizes = sizes
        self.maker = maker
        seconds = scale.seconds / 2
        manifest = Manifests.emptyIndex(maker.uniqueName())
        let names = sizes.map { Self.text($0) }
        title = "Growth: \(names.joined(separator: ", ")) versions in the database"
        figures = Self.subjects.flatMap { subject in
            sizes.map { size in
                let label = "\(subject.label), \(Self.text(size))"
                let key = "\(subject.key)-\(size)"
                guard let first = sizes.first, size != first else { return Figure(key, label, subject.unit) }
                return Figure(key, label, subject.unit, subject.target("\(subject.key)-\(first)"))
            }
        }
    }

    private struct Subject: Sendable {
        let key: String
        let label: String
        let unit: String
        /// Beside the figure of this key.
        let target: @Sendable (String) -> Target
    }

    private static let subjects = [
        Subject(key: "manifest", label: "manifest by tag", unit: "/s") { .holds(0.8, key: $0) },
        Subject(key: "push", label: "push of manifest and tag", unit: "/s") { .holds(0.8, key: $0) },
        Subject(key: "page", label: "page of 100 tags", unit: "ms") { .grows(1.25, key: $0) },
        Subject(key: "start", label: "start to first answer", unit: "ms") { .grows(1.5, key: $0) },
        Subject(key: "memory", label: "memory 2 s after the start", unit: "MB") { .grows(1.25, key: $0) }
    ]

    private static func text(_ size: Int) -> String {
        size % 1_000_000 == 0 ? "\(size / 1_000_000) M" : size % 1000 == 0 ? "\(size / 1000) k" : "\(size)"
    }

    private func place(_ size: Int, _ station: Station) -> Station {
        Station(.granary, in: "\(station.folder)/\(size)", station.installation)
    }

    func prepare(_ station: Station) throws {
        for size in sizes {
            let place = place(size, station)
            try Pusher(try place.peer).push(
                manifest: manifest, to: Self.image, reference: "v1", type: Manifests.indexType)
            place.stop()
            try Seed(database: "\(place.data)/granary.db", versions: size).write(in: place.folder)
        }
    }

    func measure(_ station: Station, round: Int) throws -> Readings {
        var readings: Readings = [:]
        for offset in sizes.indices {
            let size = sizes[(round + offset) % sizes.count]
            let place = place(size, station)
            defer { place.stop() }
            for (key, value) in try measure(place) { readings["\(key)-\(size)"] = value }
        }
        return readings
    }

    private func measure(_ place: Station) throws -> Readings {
        let start = try place.installation.startTime(.granary, in: place.folder)
        let peer = try place.peer
        rest(seconds: 2)
        let memory = peer.usage.residentBytes
        let request = Request("GET", Peer.path(Self.image, "manifests/v1"))
        let reads = try RequestLoop(
            port: peer.port, request: request, connections: Self.connections, status: 200, length: manifest.size,
            seconds: seconds
        ).run()
        Disk.settle()
        let pushes = try Tally.of(clients: 1, seconds: seconds) { [maker] _ in
            let pusher = try Pusher(peer)
            return { _ in
                let mark = maker.uniqueName()
                try pusher.push(
                    manifest: Manifests.emptyIndex(mark), to: Self.image, reference: mark, type: Manifests.indexType)
                return true
            }
        }
        return [
            "start": start, "memory": Double(memory) / 1e6, "manifest": reads.perSecond, "push": pushes.perSecond,
            "page": try pageMilliseconds(peer)
        ]
    }

    private func pageMilliseconds(_ peer: Peer) throws -> Double {
        let connection = try peer.connect()
        let stopwatch = Stopwatch()
        for index in 0..<Self.pages {
            let path = Peer.path(Seed.firstImage, "tags/list?n=100&last=\(Seed.tag(index * 15))")
            try connection.exchange(Request("GET", path), expecting: 200)
        }
        return stopwatch.seconds * 1000 / Double(Self.pages)
    }
}
