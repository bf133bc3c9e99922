import FoundationEssentials

/// The packument of a package with many versions. No registry of npm packages is at hand to compare with; nginx serves the
/// same documents as files.
struct PackumentReads: Work {
    private static let repository = "node"
    private static let package = "bench-package"
    private static let publishingClients = 4

    let name = "packument"
    let title: String
    let peers: [PeerKind] = [.granary, .nginx]
    let figures: [Figure]
    private let versions: Int
    private let seconds: Double

    /// As npm asks for the one and for the other.
    private static let full = PageFetching(
        key: "full", label: "in full", fields: [.init(name: "Accept", value: "application/json"), compressed])
    private static let abbreviated = PageFetching(
        key: "short", label: "abbreviated",
        fields: [
            .init(name: "Accept", value: "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*"),
            compressed
        ])
    private static let compressed = Request.Field(name: "Accept-Encoding", value: "gzip,deflate")

    init(_ scale: Scale) {
        versions = scale(500, quick: 100)
        seconds = scale.seconds
        title = "Packument of a package of \(versions) versions, \(PageFetching.connections) connections"
        figures = Self.full.figures() + Self.abbreviated.figures()
    }

    func prepare(_ station: Station) throws {
        if station.kind == .granary {
            try publish(try station.peer)
        } else {
            try copyDocuments(to: station)
        }
    }

    private func publish(_ peer: Peer) throws {
        try Management(peer).makeRepository(Self.repository, format: "npm")
        let type = Request.Field(name: "Content-Type", value: "application/json")
        let target = Self.target(Self.full, of: peer)
        _ = try concurrently(Self.publishingClients) { [versions] client in
            let connection = try peer.connect()
            for index in stride(from: client, to: versions, by: Self.publishingClients) {
                let package = NodePackage(Self.package, "1.\(index / 10).\(index % 10)")
                try connection.exchange(
                    Request("PUT", target, peer.credentials + [type]), body: package.publication, expecting: 201)
            }
        }
        try check(peer)
    }

    /// The documents as a Granary of its own answers them, which is gone afterwards.
    private func copyDocuments(to station: Station) throws {
        let source = Station(.granary, in: "\(station.folder)/source", station.installation)
        defer { source.stop() }
        let peer = try source.peer
        try publish(peer)
        try FileManager.default.createDirectory(atPath: station.data, withIntermediateDirectories: true)
        for page in [Self.full, Self.abbreviated] {
            let answer = try page.page(Self.target(page, of: peer), of: peer)
            try Data(answer.body).write(to: URL(filePath: "\(station.data)/\(page.key)"))
        }
    }

    private static func target(_ page: PageFetching, of peer: Peer) -> String {
        peer.kind == .granary ? "/npm/\(repository)/\(package)" : "/\(page.key)"
    }

    /// Both forms have every version.
    private func check(_ peer: Peer) throws {
        struct Packument: Decodable {
            struct Version: Decodable {}
            let versions: [String: Version]
        }
        for page in [Self.full, Self.abbreviated] {
            let plain = PageFetching(key: page.key, label: "", fields: Array(page.fields.prefix(1)))
            let answer = try plain.page(Self.target(page, of: peer), of: peer)
            let count = try JSONDecoder().decode(Packument.self, from: Data(answer.body)).versions.count
            guard count == versions else { throw BenchFailure("the packument has \(count) of \(versions) versions") }
        }
    }

    func measure(_ station: Station, round: Int) throws -> Readings {
        let peer = try station.peer
        return try [Self.full, Self.abbreviated].reduce(into: Readings()) { readings, page in
            let found = try page.measure(Self.target(page, of: peer), of: peer, seconds: seconds)
            readings.merge(found) { $1 }
        }
    }
}
