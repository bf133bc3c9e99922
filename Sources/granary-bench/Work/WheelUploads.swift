/// Uploads of small wheels by several clients, each of a project of its own; stored when the server says so.
struct WheelUploads: Work {
    private static let clients = 4
    private static let maximumPerSecond = 500

    let name = "wheels"
    let title = "Upload of a wheel of 3 KiB as twine does, 4 clients"
    let peers = PeerKind.ofPython
    let figures = [
        Figure("rate", "files", "/s", .atLeast(3, of: .pypiserver)), Figure("cpu", "  server CPU", "ms/file"),
        Figure("peak", "  peak memory", "MB")
    ]
    private let maker: PayloadMaker
    private let seconds: Double

    init(_ maker: PayloadMaker, _ scale: Scale) {
        self.maker = maker
        seconds = scale.seconds
    }

    func prepare(_ station: Station) throws {
        let peer = try station.peer
        if peer.kind == .granary { try Management(peer).makeRepository(Peer.pythonRepository, format: "pypi") }
    }

    func measure(_ station: Station, round: Int) throws -> Readings {
        let peer = try station.peer
        let perClient = Int(seconds * Double(Self.maximumPerSecond))
        let forms = (0..<Self.clients).map { client in
            (0..<perClient).map { index in
                WheelUploader.form(Wheel("bench-\(client)", "1.\(round).\(index)", mark: maker.uniqueName()))
            }
        }
        var tally = Tally(count: 0, seconds: 1)
        Disk.settle()
        let metering = try Metering.of(peer) {
            tally = try Tally.of(clients: Self.clients, seconds: seconds) { client in
                let uploader = try WheelUploader(peer)
                return { index in
                    guard index < perClient else { return false }
                    try uploader.upload(forms[client][index])
                    return true
                }
            }
        }
        try check(peer, "bench-0", version: "1.\(round).0")
        return [
            "rate": tally.perSecond, "cpu": metering.cpuSeconds * 1000 / Double(max(1, tally.count)),
            "peak": metering.peakMegabytes
        ]
    }

    /// What was uploaded first is in the index.
    private func check(_ peer: Peer, _ project: String, version: String) throws {
        let request = Request("GET", peer.simplePage(project), [.init(name: "Accept", value: "text/html")])
        let answer = try peer.connect().exchange(request, expecting: 200, reading: .keep)
        guard String(decoding: answer.body, as: UTF8.self).contains("-\(version)-") else {
            throw BenchFailure("\(peer.kind.rawValue) does not have \(project) \(version):\n\(answer.quoted)")
        }
    }
}
