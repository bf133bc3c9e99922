/// One small answer again and again, over 32 keep-alive connections.
struct SmallReads: Work {
    /// What is asked for.
    enum Subject: Sendable {
        case manifest, blob, blobHead
    }

    private static let connections = 32
    private static let blobSize = 4096

    let name: String
    let title: String
    let figures: [Figure]
    private let subject: Subject
    private let showsCredentials: Bool
    private let seconds: Double
    private let image: Image

    private init(
        _ name: String, _ title: String, _ subject: Subject, showsCredentials: Bool = false, _ maker: PayloadMaker,
        _ scale: Scale, figures: [Figure]
    ) throws {
        self.name = name
        self.title = title + ", \(Self.connections) connections"
        self.subject = subject
        self.showsCredentials = showsCredentials
        self.figures = figures + [Figure("cpu", "  server CPU", "µs/request")]
        seconds = scale.seconds
        image = try Image.unique(layerSizes: [Self.blobSize], from: maker)
    }

    /// A manifest by its tag.
    static func manifest(_ maker: PayloadMaker, _ scale: Scale) throws -> SmallReads {
        let figures = [
            Figure("rate", "requests", "/s", .atLeast(12, of: .registry), .atLeast(0.5, of: .nginx)),
            Figure("p50", "  latency, median", "µs"),
            Figure("p99", "  latency, 99 %", "µs", .atMost(0.1, of: .registry))
        ]
        return try SmallReads("manifest", "Manifest by tag", .manifest, maker, scale, figures: figures)
    }

    /// The same by somebody who logs in with every request, as most teams pull.
    static func manifestWithCredentials(_ maker: PayloadMaker, _ scale: Scale) throws -> SmallReads {
        try SmallReads(
            "manifest-login", "Manifest by tag with credentials", .manifest, showsCredentials: true, maker, scale,
            figures: figures(atLeast: 12))
    }

    /// Whether a small blob is there.
    static func head(_ maker: PayloadMaker, _ scale: Scale) throws -> SmallReads {
        try SmallReads("head", "HEAD of a blob", .blobHead, maker, scale, figures: figures(atLeast: 12))
    }

    /// A small blob.
    static func blob(_ maker: PayloadMaker, _ scale: Scale) throws -> SmallReads {
        try SmallReads("small", "Blob of 4 KiB", .blob, maker, scale, figures: figures(atLeast: 18))
    }

    private static func figures(atLeast times: Double) -> [Figure] {
        [
            Figure("rate", "requests", "/s", .atLeast(times, of: .registry)),
            Figure("p50", "  latency, median", "µs"), Figure("p99", "  latency, 99 %", "µs")
        ]
    }

    func prepare(_ station: Station) throws {
        let peer = try station.peer
        try Pusher(peer).push(image, to: "bench/small", tag: "v1")
        let answer = try peer.connect().exchange(request(peer), expecting: 200, reading: .hash)
        guard subject == .blobHead || answer.digest == payload.digest else {
            throw BenchFailure("\(peer.kind.rawValue) answers other bytes than were pushed")
        }
    }

    private var payload: Payload { subject == .manifest ? image.manifest : image.layers[0] }

    private func request(_ peer: Peer) -> Request {
        let path = subject == .manifest ? "manifests/v1" : "blobs/\(payload.digest)"
        let accept = subject == .manifest ? [Request.Field(name: "Accept", value: Image.manifestType)] : []
        return Request(
            subject == .blobHead ? "HEAD" : "GET", Peer.path("bench/small", path),
            accept + (showsCredentials ? peer.credentials : []))
    }

    func measure(_ station: Station, round: Int) throws -> Readings {
        let peer = try station.peer
        var result = LoopResult()
        let metering = try Metering.of(peer) {
            result = try RequestLoop(
                port: peer.port, request: request(peer), connections: Self.connections, status: 200,
                length: payload.size, seconds: seconds
            ).run()
        }
        return [
            "rate": result.perSecond, "p50": Double(result.latencies.percentile(0.5)) / 1000,
            "p99": Double(result.latencies.percentile(0.99)) / 1000,
            "cpu": metering.cpuSeconds * 1e6 / Double(max(1, result.answers))
        ]
    }
}
