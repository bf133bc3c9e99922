/// Fetches images from a server over one connection.
final class Puller {
    private let peer: Peer
    private let connection: HTTPConnection

    init(_ peer: Peer) throws {
        self.peer = peer
        connection = try peer.connect()
    }

    /// Fetches a manifest by its tag and every blob of the image, one after the other. All lengths are checked, and the
    /// digests when asked for.
    func pull(_ image: Image, from name: String, tag: String, checkingDigests: Bool = false) throws {
        let accept = Request.Field(name: "Accept", value: Image.manifestType)
        let manifest = Request("GET", Peer.path(name, "manifests/\(tag)"), [accept])
        try fetch(manifest, image.manifest, checkingDigests)
        for blob in [image.config] + image.layers {
            try fetch(Request("GET", Peer.path(name, "blobs/\(blob.digest)")), blob, checkingDigests)
        }
    }

    private func fetch(_ request: Request, _ payload: Payload, _ checksDigest: Bool) throws {
        let answer = try connection.exchange(request, expecting: 200, reading: checksDigest ? .hash : .discard)
        guard answer.length == payload.size, !checksDigest || answer.digest == payload.digest else {
            throw BenchFailure("\(peer.kind.rawValue) answers \(request.target) with other bytes than were pushed")
        }
    }
}
