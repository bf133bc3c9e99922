/// Blobs taken over into images that do not have them yet.
struct Mounts: Work {
    private static let clients = 4

    let name = "mounts"
    let title = "Cross-repository mount into an image that is new, 4 connections"
    let peers: [PeerKind] = [.granary, .registry]
    let figures = [
        Figure("rate", "mounts", "/s", .atLeast(10, of: .registry)), Figure("cpu", "  server CPU", "ms/mount")
    ]
    private let blob: Payload
    private let seconds: Double
    private let maker: PayloadMaker

    init(_ maker: PayloadMaker, _ scale: Scale) throws {
        self.maker = maker
        blob = try maker.payload(4096)
        seconds = scale.seconds
    }

    func prepare(_ station: Station) throws {
        try Pusher(try station.peer).push(blob: blob, to: "bench/source")
    }

    func measure(_ station: Station, round: Int) throws -> Readings {
        let peer = try station.peer
        let prefix = "bench/mounted/\(maker.uniqueName())"
        var tally = Tally(count: 0, seconds: 1)
        Disk.settle()
        let metering = try Metering.of(peer) {
            tally = try Tally.of(clients: Self.clients, seconds: seconds) { [blob] client in
                let pusher = try Pusher(peer)
                return { index in
                    try pusher.mount(blob, from: "bench/source", to: "\(prefix)/\(client)-\(index)")
                    return true
                }
            }
        }
        try peer.connect().exchange(
            Request("HEAD", Peer.path("\(prefix)/0-0", "blobs/\(blob.digest)")), expecting: 200)
        return [
            "rate": tally.perSecond, "cpu": metering.cpuSeconds * 1000 / Double(max(1, tally.count))
        ]
    }
}
