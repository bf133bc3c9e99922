/// The decoded segments of a path. What could mean two things to two parsers is refused.
package struct RequestPath: Sendable, Hashable {
    package static let maximumBytes = 1024
    package static let maximumSegmentBytes = 255

    package let segments: [String]
    /// Whether the path ended with a slash, as the address of a directory does. True of the empty path.
    package let isDirectory: Bool

    /// Decodes each segment once, as UTF-8.
    ///
    /// Throws `.invalid(.path, …)` for empty, `.` and `..` segments, an encoded slash or backslash, control characters,
    /// broken percent-encoding or UTF-8, and anything over its limit.
    package init(_ raw: some StringProtocol) throws(Problem) {
        guard raw.utf8.count <= Self.maximumBytes * 3 else { throw Self.tooLong }
        var pieces = raw.isEmpty ? [] : raw.split(separator: "/", omittingEmptySubsequences: false)
        isDirectory = raw.isEmpty || raw.hasSuffix("/")
        if raw.hasSuffix("/") { pieces.removeLast() }
        var segments: [String] = []
        for piece in pieces { segments.append(try Self.decode(piece)) }
        guard segments.reduce(segments.count - 1, { $0 + $1.utf8.count }) <= Self.maximumBytes else {
            throw Self.tooLong
        }
        self.segments = segments
    }

    private static let tooLong = Problem.invalid(.path, "a path is at most \(maximumBytes) bytes")

    private static func decode(_ piece: some StringProtocol) throws(Problem) -> String {
        guard let bytes = percentDecoded(piece.utf8), let segment = String(validating: bytes, as: UTF8.self) else {
            throw .invalid(.path, "a path segment is percent-encoded UTF-8")
        }
        guard (1...maximumSegmentBytes).contains(bytes.count) else {
            throw .invalid(.path, "a path segment is 1 to \(maximumSegmentBytes) bytes")
        }
        // A combining character would merge with the slash beside it, for everybody who reads text by characters.
        let framed = "/\(segment)/"
        guard framed.first == "/", framed.last == "/" else {
            throw .invalid(.path, "a path segment does not begin or end with a character that joins its neighbour")
        }
        guard segment != ".", segment != "..", !bytes.contains(where: isForbidden) else {
            throw .invalid(.path, "a path segment is not '.' or '..' and has no slash, backslash or control character")
        }
        return segment
    }

    private static func isForbidden(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\")
    }
}
