/// Granary's management interface.
struct Management {
    private let peer: Peer

    init(_ peer: Peer) { self.peer = peer }

    /// Lets anybody pull from a repository.
    func allowAnonymousRead(_ repository: String) throws {
        try send("PATCH", "/api/v1/repositories/\(repository)", #"{"anonymousRead":true}"#, expecting: 200)
    }

    private func send(_ method: String, _ path: String, _ json: String, expecting status: Int) throws {
        let request = Request(method, path, peer.credentials + [.init(name: "Content-Type", value: "application/json")])
        try peer.connect().exchange(request, body: Payload(Array(json.utf8)), expecting: status)
    }
}
