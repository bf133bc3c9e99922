import FoundationEssentials

/// The whole catalog, page by page.
struct CatalogPages: Work {
    private static let pageSize = 1000
    private static let clients = 8
    private static let maximumPages = 100

    let name = "catalog"
    let title: String
    let peers: [PeerKind] = [.granary, .registry]
    let maximumRounds = 3
    let figures = [Figure("catalog", "all pages", "s", .faster(20, than: .registry))]
    private let images: [String]

    init(_ scale: Scale) {
        images = (0..<scale(10_000, quick: 2_000)).map { "bench/image-\(100_000 + $0)" }
        title = "Catalog of \(images.count) repositories in pages of \(Self.pageSize)"
    }

    func prepare(_ station: Station) throws {
        let peer = try station.peer
        if peer.kind == .registry {
            let tree = RegistryTree(data: station.data)
            for image in images { try tree.addRepository(Peer.name(image)) }
        } else {
            _ = try concurrently(Self.clients) { [images] client in
                let pusher = try Pusher(peer)
                let manifest = Manifests.emptyIndex("catalog")
                for index in stride(from: client, to: images.count, by: Self.clients) {
                    try pusher.push(
                        manifest: manifest, to: images[index], reference: "v1", type: Manifests.indexType)
                }
            }
        }
    }

    func measure(_ station: Station, round: Int) throws -> Readings {
        struct Page: Decodable { let repositories: [String] }
        let peer = try station.peer
        let connection = try peer.connect()
        var pages: [Answer] = []
        var next: String? = "/v2/_catalog?n=\(Self.pageSize)"
        let stopwatch = Stopwatch()
        while let target = next, pages.count < Self.maximumPages {
            let answer = try connection.exchange(Request("GET", target), expecting: 200, reading: .keep)
            pages.append(answer)
            next = answer.field("link").flatMap(Self.target)
        }
        let seconds = stopwatch.seconds
        let names = try pages.flatMap {
            try JSONDecoder().decode(Page.self, from: Data($0.body)).repositories
        }
        // Granary leaves the name of the default repository out.
        let isWhole = names == images.map(Peer.name) || (peer.kind == .granary && names == images)
        guard isWhole else {
            throw BenchFailure("\(peer.kind.rawValue) lists other repositories, such as \(names.first ?? "none")")
        }
        return ["catalog": seconds]
    }

    /// What stands between the angle brackets of a `Link`.
    private static func target(_ link: String) -> String? {
        guard let start = link.firstIndex(of: "<"), let end = link.firstIndex(of: ">"), start < end else { return nil }
        return String(link[link.index(after: start)..<end])
    }
}
