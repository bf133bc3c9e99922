/// Uploads wheels to a server over one connection, as twine does.
final class WheelUploader {
    private static let boundary = "granary-bench-0123456789abcdef"

    private let peer: Peer
    private var connection: HTTPConnection

    init(_ peer: Peer) throws {
        self.peer = peer
        connection = try peer.connect()
    }

    static func form(_ wheel: Wheel) -> Payload { wheel.form(boundary: boundary) }

    /// Posts a form of `form(_:)`.
    func upload(_ form: Payload) throws {
        let type = Request.Field(name: "Content-Type", value: "multipart/form-data; boundary=\(Self.boundary)")
        let request = Request("POST", peer.packageUploads, peer.credentials + [type])
        let answer = try connection.exchange(request, body: form, expecting: 200)
        if answer.closes { connection = try peer.connect() }
    }
}
