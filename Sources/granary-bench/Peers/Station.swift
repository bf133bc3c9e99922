/// A server's place during one work item: its folder, and the server while it runs there. It is used by one thread.
final class Station {
    let kind: PeerKind
    let folder: String
    let installation: Installation
    private var running: Peer?

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
            let started = try installation.start(kind, in: folder)
            running = started
            return started
        }
    }

    func stop() {
        running?.stop()
        running = nil
    }
}
