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
    package init(_ raw: String) throws(Problem) {
        if let segments = Self.plainSegments(raw) {
            self.segments = segments
            isDirectory = raw.utf8.last == UInt8(ascii: "/")
            return
        }
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

    /// What most paths are: segments that stand for themselves. Nil asks for the long way, whatever the reason.
    private static func plainSegments(_ raw: String) -> [String]? {
        let bytes = raw.utf8
        guard (1...maximumBytes).contains(bytes.count), bytes.allSatisfy(isPlain) else { return nil }
        var segments: [String] = []
        var start = bytes.startIndex
        while start != bytes.endIndex {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "/")) ?? bytes.endIndex
            let segment = raw[start..<end]
            guard (1...maximumSegmentBytes).contains(segment.utf8.count), segment != ".", segment != ".." else {
                return nil
            }
            segments.append(String(segment))
            start = end == bytes.endIndex ? end : bytes.index(after: end)
        }
        return segments
    }

    /// Printable ASCII that means nothing to decoding.
    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "%") && byte != UInt8(ascii: "\\")
    }

    private static let tooLong = Problem.invalid(.path, "a path is at most \(maximumBytes) bytes")

    private static func decode(_ piece: Substring) throws(Problem) -> String {
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
