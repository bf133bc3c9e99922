/// Pulls of large bodies through a cache: of files whose origin is an nginx, and of blobs whose origin is a docker-registry.
struct PullThrough: Work {
    /// What is pulled from where.
    private struct Route: Sendable {
        /// Begins the keys of its figures.
        let key: String
        let label: String
        let origin: PeerKind
        /// What Granary is measured beside, which is a cache of the origin's kind.
        let rival: PeerKind
        /// Granary's repository, and how the path of what is in it begins.
        let repository: String
        let format: String
        let prefix: String
        let cold: Double
        let warm: Double
    }

    private static let routes = [
        Route(
            key: "file", label: "file", origin: .nginx, rival: .nginx, repository: "files-cache", format: "generic",
            prefix: "/generic/files-cache/", cold: 0.7, warm: 1),
        Route(
            key: "blob", label: "blob", origin: .registry, rival: .registry, repository: "images-cache", format: "oci",
            prefix: "/v2/images-cache/", cold: 1.2, warm: 1.2)
    ]
    private static let crowd = 8
    private static let image = "bench/large"
    /// How much later than from the origin itself the first byte may come, in milliseconds.
    private static let headStart = 50.0
    private static let logLimitSeconds = 5.0

    let name = "pull-through"
    let title: String
    let maximumRounds = 5
    private let maker: PayloadMaker
    private let size: Int
    private let warmPulls: Int

    init(_ maker: PayloadMaker, _ scale: Scale) {
        self.maker = maker
        size = scale(256 << 20, quick: 64 << 20)
        warmPulls = scale(8, quick: 4)
        title = "Pull of \(size >> 20) MiB through a cache: a file of an nginx, a blob of a docker-registry"
    }

    var figures: [Figure] {
        Self.routes.flatMap { route in
            let (key, rival) = (route.key, route.rival)
            return [
                Figure("\(key)-cold", "\(route.label), cold", "GB/s", .atLeast(route.cold, of: rival)),
                Figure("\(key)-cold-cpu", "  server CPU", "s/GiB"),
                Figure(
                    "\(key)-first", "  first byte after", "ms", .trails(Self.headStart, key: "\(key)-first-origin")),
                Figure("\(key)-first-origin", "  from its origin", "ms"),
                Figure(
                    "\(key)-crowd", "\(route.label), cold, \(Self.crowd) clients", "GB/s",
                    .atLeast(route.cold, of: rival)),
                Figure("\(key)-crowd-cpu", "  server CPU", "s/GiB"),
                Figure("\(key)-crowd-peak", "  peak memory", "MB"),
                Figure("\(key)-transfers", "  transfers from its origin", "", .limit(1)),
                Figure("\(key)-warm", "\(route.label), warm", "GB/s", .atLeast(route.warm, of: rival)),
                Figure("\(key)-warm-cpu", "  server CPU", "s/GiB")
            ]
        }
    }

    private func routes(_ kind: PeerKind) -> [Route] { Self.routes.filter { kind == .granary || kind == $0.rival } }

    func prepare(_ station: Station) throws {
        for route in routes(station.kind) {
            guard station.kind == .granary else {
                station.beCache(of: route.origin)
                continue
            }
            let origin = try station.origin(route.origin).peer
            try Management(try station.peer).makeRepository(
                route.repository, format: route.format, upstream: "http://127.0.0.1:\(origin.port)/")
        }
    }

    func measure(_ station: Station, round: Int) throws -> Readings {
        var readings: Readings = [:]
        for route in routes(station.kind) {
            try measureAlone(route, station, into: &readings)
            let blob = try measureCrowd(route, station, into: &readings)
            try measureWarm(route, station, blob, into: &readings)
        }
        return readings
    }

    /// A blob that the origin has and nobody has asked for.
    private func place(_ route: Route, _ station: Station) throws -> Payload {
        let blob = try maker.payload(size)
        try Pusher(try station.origin(route.origin).peer).push(blob: blob, to: Self.image)
        Disk.settle()
        return blob
    }

    private func path(_ blob: Payload) -> String { Peer.path(Self.image, "blobs/\(blob.digest)") }

    private func request(_ blob: Payload, _ route: Route, of kind: PeerKind) -> Request {
        guard kind == .granary else { return Request("GET", path(blob)) }
        // The name of an image in a remote repository is the origin's.
        let own = route.format == "oci" ? path(blob).dropFirst("/v2/".count) : path(blob).dropFirst()
        return Request("GET", route.prefix + own)
    }

    private func pull(
        _ request: Request, over connection: HTTPConnection, reading: Answer.Reading = .discard
    ) throws -> Answer {
        let answer = try connection.exchange(request, expecting: 200, reading: reading)
        guard answer.length == size else { throw BenchFailure("\(request.target) has \(answer.length) bytes") }
        return answer
    }

    /// One client.
    private func measureAlone(_ route: Route, _ station: Station, into readings: inout Readings) throws {
        let (peer, origin) = (try station.peer, try station.origin(route.origin).peer)
        let blob = try place(route, station)
        let request = request(blob, route, of: peer.kind)
        let connection = try peer.connect()
        var first = 0.0
        let metering = try Metering.of(peer) { first = try firstByte(request, over: connection) }
        readings["\(route.key)-cold"] = Double(size) / metering.seconds / 1e9
        readings["\(route.key)-cold-cpu"] = metering.cpuSecondsPerGibibyte(size)
        readings["\(route.key)-first"] = first
        readings["\(route.key)-first-origin"] = try firstByte(Request("GET", path(blob)), over: origin.connect())
        guard try pull(request, over: connection, reading: .hash).digest == blob.digest else {
            throw BenchFailure("\(peer.kind.rawValue) answers other bytes than its origin has")
        }
    }

    /// Milliseconds until it came; the rest is pulled, too.
    private func firstByte(_ request: Request, over connection: HTTPConnection) throws -> Double {
        let sentAt = Stopwatch.now
        return Double(try pull(request, over: connection).firstByteAt - sentAt) / 1e6
    }

    /// Several clients at once, and how often the origin was asked for the whole of it.
    private func measureCrowd(_ route: Route, _ station: Station, into readings: inout Readings) throws -> Payload {
        let peer = try station.peer
        let blob = try place(route, station)
        let request = request(blob, route, of: peer.kind)
        let metering = try Metering.of(peer) {
            _ = try concurrently(Self.crowd) { _ in try pull(request, over: peer.connect()) }
        }
        let bytes = Self.crowd * size
        readings["\(route.key)-crowd"] = Double(bytes) / metering.seconds / 1e9
        readings["\(route.key)-crowd-cpu"] = metering.cpuSecondsPerGibibyte(bytes)
        readings["\(route.key)-crowd-peak"] = metering.peakMegabytes
        readings["\(route.key)-transfers"] = try transfers(of: blob, from: station.origin(route.origin))
        return blob
    }

    /// What the origin has sent of a blob, in sizes of the blob; it notes an answer when that is over.
    private func transfers(of blob: Payload, from origin: Station) throws -> Double {
        let waiting = Stopwatch()
        var sent = 0
        repeat {
            rest(seconds: 0.2)
            sent = AccessLog(text: origin.accessLog).bytesSent(path(blob))
        } while sent < size && waiting.seconds < Self.logLimitSeconds
        guard sent >= size else {
            let log = origin.accessLog.suffix(2000)
            throw BenchFailure("the origin of \(path(blob)) has sent \(sent) bytes of it; it says:\n\(log)")
        }
        return Double(sent) / Double(size)
    }

    private func measureWarm(
        _ route: Route, _ station: Station, _ blob: Payload, into readings: inout Readings
    ) throws {
        let peer = try station.peer
        let request = request(blob, route, of: peer.kind)
        let connection = try peer.connect()
        Disk.settle()
        let metering = try Metering.of(peer) {
            for _ in 0..<warmPulls { _ = try pull(request, over: connection) }
        }
        let bytes = warmPulls * size
        readings["\(route.key)-warm"] = Double(bytes) / metering.seconds / 1e9
        readings["\(route.key)-warm-cpu"] = metering.cpuSecondsPerGibibyte(bytes)
    }
}
