/// A server's place during one work item: its folder, and the server while it runs there. It is used by one thread.
final class Station {
    let kind: PeerKind
    let folder: String
    let installation: Installation
    private var running: Peer?
    private var origins: [PeerKind: Station] = [:]
    private var upstream: PeerKind?

    init(_ kind: PeerKind, in folder: String, _ installation: Installation) {
        self.kind = kind
        self.folder = folder
        self.installation = installation
    }

    var data: String { "\(folder)/data" }

    /// The server; it is started when it does not run.
    var peer: Peer {
        get throws {
            if let running { return running }
            let port = try upstream.map { try origin($0).peer.port }
            let started = try installation.start(kind, in: folder, upstream: port)
            running = started
            return started
        }
    }

    /// A server beside this one that it fetches from, and that is not measured. It logs its requests in any case, and stops
    /// with this one.
    func origin(_ kind: PeerKind) -> Station {
        if let station = origins[kind] { return station }
        var installation = installation
        installation.logsRequests = true
        let station = Station(kind, in: "\(folder)/origin-\(kind.rawValue)", installation)
        origins[kind] = station
        return station
    }

    /// From its next start on, this server is a cache of its origin of that kind and nothing else.
    func beCache(of kind: PeerKind) { upstream = kind }

    /// What the server has noted of its requests.
    var accessLog: String { ProcFile.read(Installation.accessLog(kind, in: folder)) ?? "" }

    func stop() {
        running?.stop()
        running = nil
        for origin in origins.values { origin.stop() }
    }
}
