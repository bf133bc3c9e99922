import GranaryModel
package import NIOCore

/// What stands before the content of one part of a form (RFC 7578).
package struct PartHeader: Sendable, Hashable {
    /// Of the field.
    package let name: String
    /// Nil of a part that is no file.
    package let filename: String?

    package init(name: String, filename: String?) {
        self.name = name
        self.filename = filename
    }
}

/// Splits the body of a form (RFC 7578; RFC 2046, section 5.1) as it comes, without I/O. Content is handed out in pieces, so
/// that no part has to be in memory.
package struct MultipartParser: Sendable {
    /// What comes next in a body.
    package enum Event: Sendable, Hashable {
        case part(PartHeader)
        case content(ByteBuffer)
        case endOfPart
        /// After the last part.
        case end
    }

    package static let maximumParts = 2000
    package static let maximumHeaderBytes = 8 << 10
    /// Before the first part and after the last one, each.
    package static let maximumPaddingBytes = 8 << 10

    private enum State { case preamble, delimiter, header, content, epilogue }

    /// A line break, two hyphens and the boundary.
    private let delimiter: [UInt8]
    /// How far a window that ends with a byte may be moved until that byte could be part of a delimiter.
    private let shifts: [Int]
    private var state = State.preamble
    private var buffer = ByteBuffer(string: "\r\n")
    private var parts = 0
    private var padding = 0

    /// The boundary is the one of `boundary(in:)`.
    package init(boundary: String) {
        delimiter = Array("\r\n--\(boundary)".utf8)
        var shifts = [Int](repeating: delimiter.count, count: 256)
        for (index, byte) in delimiter.dropLast().enumerated() { shifts[Int(byte)] = delimiter.count - 1 - index }
        self.shifts = shifts
    }

    /// The boundary that the Content-Type of a form names. Throws `.invalid(.content, …)` for every other type.
    package static func boundary(in contentType: String?) throws(Problem) -> String {
        let parameters = FieldParameters(contentType ?? "")
        guard parameters?.value.lowercased() == "multipart/form-data", let boundary = parameters?["boundary"],
            (1...70).contains(boundary.utf8.count), boundary.utf8.allSatisfy({ (0x20...0x7E).contains($0) }),
            boundary.utf8.last != 0x20
        else { throw .invalid(.content, "An upload is multipart/form-data with a boundary.") }
        return boundary
    }

    /// Adds the next bytes of the body.
    package mutating func feed(_ chunk: ByteBuffer) {
        var chunk = chunk
        buffer.discardReadBytes()
        buffer.writeBuffer(&chunk)
    }

    /// What comes next; nil asks for more bytes. Throws `.invalid(.content, …)` for what is no form and for what is over a limit.
    package mutating func next() throws(Problem) -> Event? {
        while true {
            switch state {
            case .preamble:
                guard let end = findDelimiter() else {
                    try pad(buffer.readableBytes - delimiter.count + 1)
                    return nil
                }
                try pad(end)
                buffer.moveReaderIndex(forwardBy: delimiter.count)
                state = .delimiter
            case .delimiter:
                guard try readDelimiterLine() else { return nil }
                if state == .epilogue { return .end }
            case .header:
                return try readHeader().map { .part($0) }
            case .content:
                return readContent()
            case .epilogue:
                try pad(buffer.readableBytes)
                return nil
            }
        }
    }

    /// Says that the body has ended. Throws unless its last part had ended.
    package func finish() throws(Problem) {
        guard state == .epilogue else { throw Self.malformed("the form ends before its last boundary") }
    }

    private static func malformed(_ text: String) -> Problem { .invalid(.content, "Malformed form: \(text).") }

    private mutating func pad(_ count: Int) throws(Problem) {
        guard count > 0 else { return }
        buffer.moveReaderIndex(forwardBy: count)
        padding += count
        guard padding <= Self.maximumPaddingBytes else {
            throw Self.malformed("there are too many bytes around its parts")
        }
    }

    /// After a boundary: `--` ends the form, a line break leads to the next part. False asks for more bytes.
    private mutating func readDelimiterLine() throws(Problem) -> Bool {
        while let byte = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self), byte == 0x20 || byte == 0x09 {
            try pad(1)
        }
        guard let pair = buffer.getBytes(at: buffer.readerIndex, length: 2) else { return false }
        if pair == Array("--".utf8) {
            buffer.moveReaderIndex(forwardBy: 2)
            state = .epilogue
            padding = 0
        } else {
            // The line break stays: with it, a part without header fields begins like every other.
            guard pair == Array("\r\n".utf8) else { throw Self.malformed("a boundary is not followed by a line break") }
            parts += 1
            guard parts <= Self.maximumParts else {
                throw Self.malformed("it has more than \(Self.maximumParts) parts")
            }
            state = .header
        }
        return true
    }

    private mutating func readHeader() throws(Problem) -> PartHeader? {
        let view = buffer.readableBytesView.prefix(Self.maximumHeaderBytes + 4)
        var end: Int?
        var index = view.startIndex
        while end == nil, let feed = view[index...].firstIndex(of: 0x0A) {
            if feed - view.startIndex >= 3, view[(feed - 3)...feed].elementsEqual("\r\n\r\n".utf8) { end = feed }
            index = feed + 1
        }
        guard let end else {
            guard view.count < Self.maximumHeaderBytes + 4 else {
                throw Self.malformed("the header of a part has more than \(Self.maximumHeaderBytes) bytes")
            }
            return nil
        }
        let text = String(validating: view[...(end - 4)], as: UTF8.self)
        buffer.moveReaderIndex(to: end + 1)
        guard let text else { throw Self.malformed("the header of a part is no UTF-8") }
        state = .content
        return try Self.header(text)
    }

    private static func header(_ text: String) throws(Problem) -> PartHeader {
        var disposition: FieldParameters?
        for line in text.utf8.split(separator: 0x0A).map({ Substring($0) }) {
            let halves = line.split(separator: ":", maxSplits: 1)
            guard halves.count == 2 else { continue }
            let value = String(halves[1].trimmingSpaces())
            switch halves[0].trimmingSpaces().lowercased() {
            case "content-disposition":
                guard disposition == nil, let parsed = FieldParameters(value), parsed.value.lowercased() == "form-data"
                else { throw malformed("a part has no proper Content-Disposition") }
                disposition = parsed
            case "content-type":
                guard !value.lowercased().hasPrefix("multipart/") else {
                    throw malformed("a part has parts of its own")
                }
            case "content-transfer-encoding":
                guard ["binary", "8bit", "7bit"].contains(value.lowercased()) else {
                    throw malformed("a part has the transfer encoding '\(value.prefix(40))'")
                }
            default: break
            }
        }
        guard let name = disposition?["name"], !name.isEmpty else { throw malformed("a part has no name") }
        return PartHeader(name: name, filename: disposition?["filename"])
    }

    private mutating func readContent() -> Event? {
        guard let end = findDelimiter() else {
            // The last bytes may be the beginning of a delimiter.
            let count = buffer.readableBytes - delimiter.count + 1
            guard count > 0, let piece = buffer.readSlice(length: count) else { return nil }
            return .content(piece)
        }
        if end > 0, let piece = buffer.readSlice(length: end) { return .content(piece) }
        buffer.moveReaderIndex(forwardBy: delimiter.count)
        state = .delimiter
        return .endOfPart
    }

    /// How many bytes stand before the next delimiter (Horspool's search: most bytes are not looked at).
    private func findDelimiter() -> Int? {
        let (delimiter, shifts) = (delimiter, shifts)
        return buffer.withUnsafeReadableBytes { bytes in
            let last = delimiter.count - 1
            var start = 0
            while start + last < bytes.count {
                let byte = bytes[start + last]
                if byte == delimiter[last], bytes[start..<(start + last)].elementsEqual(delimiter[..<last]) {
                    return start
                }
                start += shifts[Int(byte)]
            }
            return nil
        }
    }
}

/// A field value with parameters: `form-data; name="content"` (RFC 9110, section 5.6.6).
package struct FieldParameters: Sendable {
    package let value: String
    private var parameters: [String: String] = [:]

    /// Answers nil for what is malformed, for control characters, and for a parameter that comes twice.
    package init?(_ text: String) {
        guard text.unicodeScalars.allSatisfy({ $0 == "\t" || !($0.value < 0x20 || $0.value == 0x7F) }) else {
            return nil
        }
        var rest = text.utf8[...]
        value = String(Substring(rest.prefix { $0 != UInt8(ascii: ";") }).trimmingSpaces())
        rest = rest.drop { $0 != UInt8(ascii: ";") }
        while rest.first == UInt8(ascii: ";") {
            rest = rest.dropFirst().drop { $0 == 0x20 || $0 == 0x09 }
            guard !rest.isEmpty else { break }
            let name = Substring(rest.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ";") })
            rest = rest.dropFirst(name.utf8.count)
            guard rest.first == UInt8(ascii: "="), let value = Self.value(&rest) else { return nil }
            let key = name.trimmingSpaces().lowercased()
            guard !key.isEmpty, parameters.updateValue(value, forKey: key) == nil else { return nil }
            rest = rest.drop { $0 == 0x20 || $0 == 0x09 }
        }
        guard rest.isEmpty else { return nil }
    }

    /// A parameter, by its name in lower case.
    package subscript(name: String) -> String? { parameters[name] }

    private static func value(_ rest: inout Substring.UTF8View) -> String? {
        rest.removeFirst()
        guard rest.first == UInt8(ascii: "\"") else {
            let token = Substring(rest.prefix { $0 != UInt8(ascii: ";") })
            rest = rest.dropFirst(token.utf8.count)
            return String(token.trimmingSpaces())
        }
        rest.removeFirst()
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst() else { return nil }
                bytes.append(escaped)
            default: bytes.append(byte)
            }
        }
        return nil
    }
}

/// The parts of a form as they come from a client. An actor, because whoever stores the content of a part reads from it, too.
package actor MultipartStream {
    private var chunks: RequestBody.AsyncIterator?
    private var parser: MultipartParser

    package init(_ body: RequestBody, boundary: String) {
        chunks = body.makeAsyncIterator()
        parser = MultipartParser(boundary: boundary)
    }

    /// What comes next; nil once the body has ended as it should.
    package func next() async throws(Problem) -> MultipartParser.Event? {
        while true {
            if let event = try parser.next() { return event }
            guard let chunk = try await read() else {
                try parser.finish()
                return nil
            }
            parser.feed(chunk)
        }
    }

    private func read() async throws(Problem) -> ByteBuffer? {
        guard var iterator = chunks.take() else { return nil }
        do {
            let chunk = try await iterator.next(isolation: self)
            chunks = iterator
            return chunk
        } catch let problem as Problem {
            throw problem
        } catch {
            throw .interrupted("The upload ended early.")
        }
    }

    /// The content of the part that has just begun, which is read once.
    package nonisolated var content: RequestBody { RequestBody(PartContent(stream: self)) }

    /// The content of the part that has just begun, in memory. Throws `.invalid(.content, …)` past `limit` bytes.
    package func collect(_ name: String, upTo limit: Int) async throws(Problem) -> ByteBuffer {
        var collected = ByteBuffer()
        while case .content(var piece) = try await next() {
            guard collected.readableBytes + piece.readableBytes <= limit else {
                throw .invalid(.content, "The field '\(name.prefix(100))' has more than \(limit) bytes.")
            }
            collected.writeBuffer(&piece)
        }
        return collected
    }
}

private struct PartContent: AsyncSequence, Sendable {
    let stream: MultipartStream

    struct AsyncIterator: AsyncIteratorProtocol {
        let stream: MultipartStream

        mutating func next() async throws -> ByteBuffer? {
            guard case .content(let piece) = try await stream.next() else { return nil }
            return piece
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: stream) }
}

extension StringProtocol {
    /// Without blanks, tabs and line breaks at its ends.
    package func trimmingSpaces() -> SubSequence {
        let isSpace = { (character: Character) in [" ", "\t", "\r", "\n", "\r\n"].contains(character) }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return self[endIndex...]
        }
        return self[first...last]
    }
}
