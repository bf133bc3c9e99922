/// The status line and header fields of an HTTP/1.1 answer, read just far enough to know where its body ends.
struct AnswerHead: Equatable, Sendable {
    let status: Int
    /// Bytes up to and including the empty line.
    let size: Int
    let contentLength: Int?
    let isChunked: Bool
    /// Whether the server is going to close the connection.
    let closes: Bool

    /// Reads the head that `bytes` begin with; nil when it is not all there yet. Throws when it is no HTTP/1.1 answer.
    init?(_ bytes: UnsafeRawBufferPointer) throws {
        var length: Int?
        var chunked = false
        var closing = false
        var start = 0
        var line = 0
        var status = 0
        while let end = Self.endOfLine(bytes, from: start) {
            let text = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            start = end + 2
            if line == 0 {
                status = try Self.status(text)
            } else if text.isEmpty {
                (self.status, size, contentLength, isChunked, closes) = (status, start, length, chunked, closing)
                return
            } else if let value = Self.value(of: "content-length", in: text) {
                length = Self.number(value)
            } else if let value = Self.value(of: "transfer-encoding", in: text) {
                chunked = Self.matches(value, "chunked")
            } else if let value = Self.value(of: "connection", in: text) {
                closing = Self.matches(value, "close")
            }
            line += 1
        }
        return nil
    }

    /// The value of the first field of this lower-case name in the head that `bytes` begin with.
    static func field(_ name: StaticString, in bytes: UnsafeRawBufferPointer) -> String? {
        var start = 0
        while let end = endOfLine(bytes, from: start), end > start {
            let text = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            if let value = value(of: name, in: text) { return String(decoding: value, as: UTF8.self) }
            start = end + 2
        }
        return nil
    }

    private static func endOfLine(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var index = start
        while index + 1 < bytes.count {
            if bytes[index] == UInt8(ascii: "\r"), bytes[index + 1] == UInt8(ascii: "\n") { return index }
            index += 1
        }
        return nil
    }

    private static func status(_ line: UnsafeRawBufferPointer) throws -> Int {
        guard line.count >= 12, line.starts(with: "HTTP/1.1 ".utf8),
            let status = number(UnsafeRawBufferPointer(rebasing: line[9..<12]))
        else { throw BenchFailure("no HTTP/1.1 answer: \(String(decoding: line.prefix(100), as: UTF8.self))") }
        return status
    }

    /// What follows the name and its colon, without blanks around it; nil when the line is another field's.
    private static func value(of name: StaticString, in line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let count = name.utf8CodeUnitCount
        guard line.count > count, line[count] == UInt8(ascii: ":") else { return nil }
        for index in 0..<count where lowercased(line[index]) != name.utf8Start[index] { return nil }
        var (start, end) = (count + 1, line.count)
        while start < end, line[start] == UInt8(ascii: " ") { start += 1 }
        while end > start, line[end - 1] == UInt8(ascii: " ") { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: line[start..<end])
    }

    private static func matches(_ value: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        guard value.count == word.utf8CodeUnitCount else { return false }
        return value.indices.allSatisfy { lowercased(value[$0]) == word.utf8Start[$0] }
    }

    /// Changes ASCII letters only.
    private static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    private static func number(_ digits: UnsafeRawBufferPointer) -> Int? {
        guard !digits.isEmpty, digits.count <= 18 else { return nil }
        var value = 0
        for byte in digits {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }
}
