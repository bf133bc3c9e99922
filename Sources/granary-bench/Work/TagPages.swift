import FoundationEssentials

/// Pages of a hundred tags of an image that has very many.
struct TagPages: Work {
    private static let image = "bench/tagged"
    private static let pageSize = 100
    /// As many as Granary takes in one request.
    private static let tagsPerRequest = 64
    private static let maximumPages = 50

    let name = "tags"
    let title: String
    let peers: [PeerKind] = [.granary, .registry]
    let figures = [Figure("page", "page of 100 tags", "ms", .faster(30, than: .registry))]
    private let manifest: Payload
    private let tags: [String]

    init(_ maker: PayloadMaker, _ scale: Scale) {
        manifest = Manifests.emptyIndex(maker.uniqueName())
        tags = (0..<scale(100_000, quick: 10_000)).map { "v\(1_000_000 + $0)" }
        title = "Page of 100 out of \(tags.count) tags"
    }

    func prepare(_ station: Station) throws {
        let peer = try station.peer
        let pusher = try Pusher(peer)
        let type = Manifests.indexType
        if peer.kind == .granary {
            for start in stride(from: 0, to: tags.count, by: Self.tagsPerRequest) {
                let part = tags[start..<min(start + Self.tagsPerRequest, tags.count)]
                let query = part.map { "tag=\($0)" }.joined(separator: "&")
                try pusher.push(
                    manifest: manifest, to: Self.image, reference: "\(manifest.digest)?\(query)", type: type)
            }
        } else {
            try pusher.push(manifest: manifest, to: Self.image, reference: "first", type: type)
            let tree = RegistryTree(data: station.data)
            for tag in tags { try tree.addTag(tag, to: Peer.name(Self.image), digest: manifest.digest) }
        }
        try check(peer)
    }

    /// A page holds what comes next. A server that knows no pages of tags may answer all of them.
    private func check(_ peer: Peer) throws {
        struct Page: Decodable { let tags: [String] }
        let answer = try peer.connect().exchange(request(after: tags.count / 2), expecting: 200, reading: .keep)
        let page = try JSONDecoder().decode(Page.self, from: Data(answer.body)).tags
        let expected = tags[(tags.count / 2 + 1)...].prefix(Self.pageSize)
        guard page == Array(expected) || (peer.kind == .registry && Set(expected).isSubset(of: page)) else {
            throw BenchFailure("\(peer.kind.rawValue) answers a page of \(page.count) other tags")
        }
    }

    private func request(after index: Int) -> Request {
        Request("GET", Peer.path(Self.image, "tags/list?n=\(Self.pageSize)&last=\(tags[index])"))
    }

    func measure(_ station: Station, round: Int) throws -> Readings {
        let connection = try station.peer.connect()
        let stopwatch = Stopwatch()
        var pages = 0
        while pages < Self.maximumPages, pages == 0 || stopwatch.seconds < 1 {
            // Another page each time, from all over the list.
            let index = (pages * 7919 + round * 104_729) % (tags.count - Self.pageSize - 1)
            try connection.exchange(request(after: index), expecting: 200)
            pages += 1
        }
        return ["page": stopwatch.seconds * 1000 / Double(pages)]
    }
}
