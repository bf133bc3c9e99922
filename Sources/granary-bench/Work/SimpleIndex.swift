import FoundationEssentials

/// The Simple index of one project with very many files.
struct SimpleIndex: Work {
    private static let project = "bench-project"
    /// As projects have that build for several platforms. devpi-server takes longer for each version there is already.
    private static let filesPerVersion = 25

    let name = "simple-index"
    let title: String
    let peers = PeerKind.ofPython
    let figures: [Figure]
    private let wheels: [Wheel]
    private let seconds: Double

    /// As pip asks, compressed; servers that know no JSON answer HTML.
    private static let json = PageFetching(
        key: "json", label: "as pip asks",
        fields: [
            .init(
                name: "Accept",
                value: """
                    application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01
                    """),
            .init(name: "Accept-Encoding", value: "gzip, deflate"), .init(name: "Cache-Control", value: "max-age=0")
        ])
    private static let html = PageFetching(
        key: "html", label: "as HTML", fields: [.init(name: "Accept", value: "text/html")])

    init(_ maker: PayloadMaker, _ scale: Scale) {
        wheels = (0..<scale(1000, quick: 100)).map { index in
            let (version, build) = index.quotientAndRemainder(dividingBy: Self.filesPerVersion)
            return Wheel(Self.project, "1.\(version)", build: build + 1, mark: maker.uniqueName())
        }
        seconds = scale.seconds
        title = "Simple index of a project with \(wheels.count) files, \(PageFetching.connections) connections"
        figures =
            Self.json.figures(.atLeast(100, of: .pypiserver)) + Self.html.figures(.atLeast(100, of: .pypiserver))
    }

    func prepare(_ station: Station) throws {
        if station.kind == .pypiserver {
            try FileManager.default.createDirectory(atPath: station.data, withIntermediateDirectories: true)
            for wheel in wheels { try Data(wheel.content).write(to: URL(filePath: "\(station.data)/\(wheel.name)")) }
        } else {
            let peer = try station.peer
            if peer.kind == .granary { try Management(peer).makeRepository(Peer.pythonRepository, format: "pypi") }
            // One after the other: with more clients, devpi-server lets some of them wait for minutes.
            let uploader = try WheelUploader(peer)
            for wheel in wheels { try uploader.upload(WheelUploader.form(wheel)) }
        }
        try check(try station.peer)
    }

    /// Each form names every file.
    private func check(_ peer: Peer) throws {
        for fields in [Self.json.fields.filter { $0.name != "Accept-Encoding" }, Self.html.fields] {
            let page = PageFetching(key: "", label: "", fields: fields)
            let answer = try page.page(peer.simplePage(Self.project), of: peer)
            let text = String(decoding: answer.body, as: UTF8.self)
            guard let missing = wheels.first(where: { !text.contains($0.name) }) else { continue }
            throw BenchFailure("the index of \(peer.kind.rawValue) does not have \(missing.name):\n\(answer.quoted)")
        }
    }

    func measure(_ station: Station, round: Int) throws -> Readings {
        let peer = try station.peer
        let target = peer.simplePage(Self.project)
        return try Self.json.measure(target, of: peer, seconds: seconds)
            .merging(Self.html.measure(target, of: peer, seconds: seconds)) { $1 }
    }
}
