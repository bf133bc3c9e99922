import Crypto

/// A body whose digest is known: a prefix of the shared random bytes, and a tail of its own that makes it unique.
struct Payload: Sendable {
    /// Bodies up to this size go out in one call, together with the head of their request.
    private static let smallBody = 128 * 1024

    private let source: RandomBytes?
    private let prefixCount: Int
    private let tail: [UInt8]
    /// `sha256:…`
    let digest: String

    var size: Int { prefixCount + tail.count }

    /// All of it, in memory.
    var bytes: [UInt8] { (source.map { Array($0.prefix(prefixCount)) } ?? []) + tail }

    /// Exactly these bytes.
    init(_ bytes: [UInt8]) {
        source = nil
        prefixCount = 0
        tail = bytes
        digest = Self.text(of: SHA256.hash(data: bytes))
    }

    /// `hashed` is the state of a hash that has seen the first `prefixCount` bytes of `source`.
    init(_ source: RandomBytes, _ prefixCount: Int, hashed: SHA256, tail: [UInt8]) {
        self.source = source
        self.prefixCount = prefixCount
        self.tail = tail
        var hash = hashed
        hash.update(data: tail)
        digest = Self.text(of: hash.finalize())
    }

    static func text(of digest: SHA256.Digest) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text = Array("sha256:".utf8)
        for byte in digest {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Sends the head of a request and this body.
    func send(to socket: Socket, after head: [UInt8]) throws {
        if size <= Self.smallBody {
            var whole = head
            whole.reserveCapacity(head.count + size)
            whole += bytes
            try whole.withUnsafeBytes { try socket.send($0) }
        } else {
            try head.withUnsafeBytes { try socket.send($0, more: true) }
            if let source { try socket.sendFile(source.file, count: prefixCount) }
            try tail.withUnsafeBytes { try socket.send($0) }
        }
    }
}
