/// Puts content on a server over one connection, the way its clients do.
final class Pusher {
    private let peer: Peer
    private let connection: HTTPConnection

    init(_ peer: Peer) throws {
        self.peer = peer
        connection = try peer.connect()
    }

    /// Opens an upload, sends the whole body in one `PATCH`, and closes it with the digest; a `PUT` of a file with nginx.
    func push(blob: Payload, to image: String) throws {
        guard peer.kind != .nginx else { return try put(blob, at: Peer.path(image, "blobs/\(blob.digest)")) }
        let opened = try connection.exchange(
            Request("POST", Peer.path(image, "blobs/uploads/"), peer.credentials), expecting: 202)
        let binary = Request.Field(name: "Content-Type", value: "application/octet-stream")
        let sent = try connection.exchange(
            Request("PATCH", try location(opened), peer.credentials + [binary]), body: blob, expecting: 202)
        let session = try location(sent)
        let target = session + (session.contains("?") ? "&" : "?") + "digest=\(blob.digest)"
        try connection.exchange(Request("PUT", target, peer.credentials), expecting: 201)
    }

    /// Pushes an image: asks for each blob, as clients do, pushes it when it is not there, and then the manifest.
    func push(_ image: Image, to name: String, tag: String) throws {
        for blob in image.blobs {
            if peer.kind != .nginx {
                let path = Peer.path(name, "blobs/\(blob.digest)")
                try connection.exchange(Request("HEAD", path, peer.credentials), expecting: 404)
            }
            try push(blob: blob, to: name)
        }
        try push(manifest: image.manifest, to: name, reference: tag)
    }

    /// Sets a tag, or stores under its digest, what `manifest` says.
    func push(manifest: Payload, to image: String, reference: String, type: String = Image.manifestType) throws {
        let path = Peer.path(image, "manifests/\(reference)")
        guard peer.kind != .nginx else { return try put(manifest, at: path) }
        let field = Request.Field(name: "Content-Type", value: type)
        try connection.exchange(Request("PUT", path, peer.credentials + [field]), body: manifest, expecting: 201)
    }

    /// Takes a blob over from another image.
    func mount(_ blob: Payload, from source: String, to image: String) throws {
        let query = "mount=\(blob.digest)&from=\(Peer.name(source))"
        let path = Peer.path(image, "blobs/uploads/?\(query)")
        try connection.exchange(Request("POST", path, peer.credentials), expecting: 201)
    }

    private func put(_ body: Payload, at path: String) throws {
        try connection.exchange(Request("PUT", path), body: body, expecting: [201, 204])
    }

    /// Where an upload goes on: a path, also when the server answered a whole address.
    private func location(_ answer: Answer) throws -> String {
        guard let location = answer.field("location") else {
            throw BenchFailure("an upload has no Location:\n\(answer.quoted)")
        }
        guard let scheme = location.firstRange(of: "://") else { return location }
        let rest = location[scheme.upperBound...]
        return rest.firstIndex(of: "/").map { String(rest[$0...]) } ?? "/"
    }
}
