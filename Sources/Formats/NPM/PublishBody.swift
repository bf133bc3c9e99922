import GranaryFormat
import GranaryModel
import NIOCore
import Synchronization

/// The body of a publish as it comes in, taken apart: the bytes of the tarball, decoded from the Base64 of its attachment, one
/// after the other; and the rest of the document, in which an empty string stands in their place.
///
/// A tarball can be as long as it likes, whatever stands before or after it; only the rest of the document is held.
final class PublishBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    private let body: RequestBody
    private let state: Mutex<PublishSplitter>

    /// `limit` bounds the document without the tarball.
    init(_ body: RequestBody, limit: Int) {
        self.body = body
        state = Mutex(PublishSplitter(limit: limit))
    }

    /// Whether there was a tarball, once all was read.
    var hasTarball: Bool { state.withLock { $0.hasTarball } }

    /// The document without the tarball, once all was read.
    func document() throws(Problem) -> RawJSON { try RawJSON(state.withLock { $0.document }) }

    struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let whole: PublishBody
        fileprivate var chunks: RequestBody.AsyncIterator

        mutating func next() async throws -> ByteBuffer? {
            while let chunk = try await chunks.next() {
                let bytes = try whole.state.withLock { try $0.take(chunk) }
                if bytes.readableBytes > 0 { return bytes }
            }
            try whole.state.withLock { try $0.end() }
            return nil
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(whole: self, chunks: body.makeAsyncIterator()) }
}

/// Follows JSON just closely enough to know which member a string is the value of. Whether it is JSON is checked at the end.
struct PublishSplitter {
    private enum Place {
        case between
        /// In a string that is part of the document; a member's name where that is what stands here.
        case string(isName: Bool, start: Int)
        case escape(isName: Bool, start: Int)
        case tarball
        /// After a backslash in the tarball's string: some clients escape slashes.
        case tarballEscape
    }

    private struct Level {
        let isObject: Bool
        /// Whether the next string is a member's name.
        var awaitsName: Bool
        var name = ""
    }

    private static let attachments = "_attachments"
    private static let malformed = Problem.invalid(.content, "this is no publish document")

    private(set) var document: [UInt8] = []
    private let limit: Int
    private var place = Place.between
    private var levels: [Level] = []
    private var base64 = Base64Decoder()
    private(set) var hasTarball = false

    /// `limit` bounds the document without the tarball, in bytes.
    init(limit: Int) { self.limit = limit }

    /// Takes a piece of the body, and answers what of the tarball it held.
    mutating func take(_ chunk: ByteBuffer) throws(Problem) -> ByteBuffer {
        var decoded = ByteBuffer()
        var rest = chunk.readableBytesView[...]
        while let byte = rest.first {
            if case .tarball = place {
                try takeTarball(&rest, &decoded)
            } else {
                rest.removeFirst()
                try take(byte, &decoded)
            }
        }
        guard document.count <= limit else { throw .tooLarge(ByteCount(Int64(limit))) }
        return decoded
    }

    /// Throws when the body ends in the middle of the tarball.
    func end() throws(Problem) {
        switch place {
        case .tarball, .tarballEscape: throw Self.malformed
        default: return
        }
    }

    private mutating func takeTarball(_ rest: inout ByteBufferView.SubSequence, _ decoded: inout ByteBuffer)
        throws(Problem)
    {
        let end = rest.firstIndex { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") } ?? rest.endIndex
        try base64.decode(rest[..<end], into: &decoded)
        guard end < rest.endIndex else {
            rest = rest[end...]
            return
        }
        if rest[end] == UInt8(ascii: "\\") {
            place = .tarballEscape
        } else {
            try base64.finish()
            document.append(UInt8(ascii: "\""))
            place = .between
        }
        rest = rest[rest.index(after: end)...]
    }

    private mutating func take(_ byte: UInt8, _ decoded: inout ByteBuffer) throws(Problem) {
        switch place {
        case .tarball: return
        case .tarballEscape:
            guard byte == UInt8(ascii: "/") else { throw Self.malformed }
            try base64.decode(CollectionOfOne(byte), into: &decoded)
            place = .tarball
            return
        case .escape(let isName, let start): place = .string(isName: isName, start: start)
        case .string(let isName, let start):
            if byte == UInt8(ascii: "\\") { place = .escape(isName: isName, start: start) }
            if byte == UInt8(ascii: "\"") {
                place = .between
                if isName { try endName(from: start) }
            }
        case .between: try takeBetween(byte)
        }
        document.append(byte)
    }

    private mutating func takeBetween(_ byte: UInt8) throws(Problem) {
        switch byte {
        case UInt8(ascii: "\""):
            let isName = levels.last.map { $0.isObject && $0.awaitsName } ?? false
            if !isName, isTarball {
                guard !hasTarball else {
                    throw .invalid(.content, "one version, and one tarball, is published at a time")
                }
                hasTarball = true
                place = .tarball
            } else {
                place = .string(isName: isName, start: document.count)
            }
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard levels.count < RawJSON.maximumDepth else { throw Self.malformed }
            levels.append(Level(isObject: byte == UInt8(ascii: "{"), awaitsName: byte == UInt8(ascii: "{")))
        case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = levels.popLast()
        case UInt8(ascii: ","):
            if levels.last?.isObject == true { levels[levels.count - 1].awaitsName = true }
        default: break
        }
    }

    private mutating func endName(from start: Int) throws(Problem) {
        let raw = Array(document[start...]) + [UInt8(ascii: "\"")]
        guard let name = try RawJSON(raw).string else { throw Self.malformed }
        levels[levels.count - 1].name = name
        levels[levels.count - 1].awaitsName = false
    }

    /// Whether a string that begins here is the data of a tarball's attachment. Signatures are attachments, too.
    private var isTarball: Bool {
        levels.count == 3 && levels.allSatisfy(\.isObject) && levels[0].name == Self.attachments
            && levels[1].name.hasSuffix(".tgz") && levels[2].name == "data"
    }
}

/// Decodes Base64 (RFC 4648, section 4) in pieces, strictly.
struct Base64Decoder {
    /// Of the group of four that is not whole yet.
    private var bits: UInt32 = 0
    private var count = 0
    private var padding = 0

    mutating func decode(_ text: some Sequence<UInt8>, into bytes: inout ByteBuffer) throws(Problem) {
        for byte in text {
            if byte == UInt8(ascii: "=") {
                try pad(&bytes)
                continue
            }
            let value = Self.values[Int(byte)]
            guard value < 64, padding == 0 else { throw Self.malformed }
            bits = bits << 6 | UInt32(value)
            count += 1
            if count == 4 {
                bytes.writeInteger(UInt8(truncatingIfNeeded: bits >> 16))
                bytes.writeInteger(UInt16(truncatingIfNeeded: bits))
                (bits, count) = (0, 0)
            }
        }
    }

    /// Throws unless the text ended where it may.
    func finish() throws(Problem) {
        guard count == 0 else { throw Self.malformed }
    }

    /// Nothing but padding comes after padding, and nothing after the last group.
    private mutating func pad(_ bytes: inout ByteBuffer) throws(Problem) {
        guard count >= 2 else { throw Self.malformed }
        padding += 1
        guard count + padding == 4 else { return }
        if count == 2 {
            bytes.writeInteger(UInt8(truncatingIfNeeded: bits >> 4))
        } else {
            bytes.writeInteger(UInt16(truncatingIfNeeded: bits >> 2))
        }
        (bits, count) = (0, 0)
    }

    private static let malformed = Problem.invalid(.content, "the tarball's attachment is no Base64")

    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for (index, byte) in alphabet.utf8.enumerated() { values[Int(byte)] = UInt8(index) }
        return values
    }()
}
