/// Granary's management interface.
struct Management {
    private let peer: Peer

    init(_ peer: Peer) { self.peer = peer }

    /// Lets anybody pull from a repository.
    func allowAnonymousRead(_ repository: String) throws {
        try send("PATCH", "/api/v1/repositories/\(repository)", #"{"anonymousRead":true}"#, expecting: 200)
    }

    /// Makes a repository that anybody may read: a local one, or a proxy and cache of what is at an address of this machine.
    func makeRepository(_ name: String, format: String, upstream: String? = nil) throws {
        var settings = #""anonymousRead":true"#
        if let upstream { settings += #","upstream":{"url":"\#(upstream)","allowsPrivateAddresses":true}"# }
        let kind = upstream == nil ? "local" : "remote"
        let json = #"{"name":"\#(name)","format":"\#(format)","kind":"\#(kind)","settings":{\#(settings)}}"#
        try send("POST", "/api/v1/repositories", json, expecting: 201)
    }

    private func send(_ method: String, _ path: String, _ json: String, expecting status: Int) throws {
        let request = Request(method, path, peer.credentials + [.init(name: "Content-Type", value: "application/json")])
        try peer.connect().exchange(request, body: Payload(Array(json.utf8)), expecting: status)
    }
}
