import Crypto

/// One keep-alive connection to a server, for one request at a time. It is used by one thread.
final class HTTPConnection {
    private static let bufferSize = 256 * 1024
    private static let maximumKeptBody = 64 << 20

    private let port: Int
    private let socket: Socket
    private let buffer: UnsafeMutableRawBufferPointer
    /// What has been received and not been read yet.
    private var unread = 0..<0

    init(port: Int) throws {
        self.port = port
        socket = try Socket(port: port)
        buffer = .allocate(byteCount: Self.bufferSize, alignment: 16)
    }

    deinit { buffer.deallocate() }

    /// Sends a request and reads its answer. An answer of another status than `expected` is thrown, quoted.
    @discardableResult
    func exchange(
        _ request: Request, body: Payload? = nil, expecting expected: Int, reading: Answer.Reading = .discard
    ) throws -> Answer {
        try exchange(request, body: body, expecting: [expected], reading: reading)
    }

    /// The same, where several statuses are as good.
    @discardableResult
    func exchange(
        _ request: Request, body: Payload? = nil, expecting expected: [Int], reading: Answer.Reading = .discard
    ) throws -> Answer {
        do {
            try send(request, body)
        } catch let error as BenchFailure {
            // A server that refuses a body may close before it has read it; its answer says more than the broken pipe.
            let answer = try? receive(request, .keep)
            throw answer.map { unexpected($0, to: request) } ?? error
        }
        let answer = try receive(request, reading, keepingUnless: expected)
        guard expected.contains(answer.status) else { throw unexpected(answer, to: request) }
        return answer
    }

    private func unexpected(_ answer: Answer, to request: Request) -> BenchFailure {
        BenchFailure("unexpected answer to \(request.method) \(request.target) at port \(port):\n\(answer.quoted)")
    }

    private func send(_ request: Request, _ body: Payload?) throws {
        let hasBody = request.method != "GET" && request.method != "HEAD" && request.method != "DELETE"
        let head = request.head(port: port, bodyLength: hasBody ? body?.size ?? 0 : nil)
        guard let body else { return try head.withUnsafeBytes { try socket.send($0) } }
        try body.send(to: socket, after: head)
    }

    // MARK: Receiving

    private func receive(
        _ request: Request, _ reading: Answer.Reading, keepingUnless expected: [Int] = []
    ) throws -> Answer {
        unread = 0..<0
        let head = try receiveHead()
        let bytes = Array(buffer[unread.lowerBound..<unread.lowerBound + head.size])
        unread = unread.lowerBound + head.size..<unread.upperBound
        let reading = expected.contains(head.status) ? reading : .keep
        var sink = BodySink(reading)
        let hasBody = request.method != "HEAD" && (head.isChunked || (head.contentLength ?? 0) > 0)
        if hasBody, unread.isEmpty { _ = try fill() }
        let firstByteAt = Stopwatch.now
        if request.method != "HEAD", head.status != 204, head.status != 304 { try receiveBody(head, into: &sink) }
        return Answer(
            status: head.status, head: bytes, length: sink.length, body: sink.kept, digest: sink.digest,
            firstByteAt: firstByteAt, closes: head.closes)
    }

    private func receiveHead() throws -> AnswerHead {
        while true {
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[unread])
            if let head = try AnswerHead(bytes) { return head }
            guard try fill() else { throw BenchFailure("port \(port) closed the connection without an answer") }
        }
    }

    private func receiveBody(_ head: AnswerHead, into sink: inout BodySink) throws {
        if head.isChunked {
            while let size = try chunkSize(), size > 0 {
                try take(size, into: &sink)
                _ = try line()
            }
            while try line().isEmpty == false { continue }
        } else if let length = head.contentLength {
            try take(length, into: &sink)
        } else {
            throw BenchFailure("port \(port) sent a body without saying where it ends")
        }
    }

    private func chunkSize() throws -> Int? { Int(try line().prefix { $0 != ";" }, radix: 16) }

    /// The next line, without its end.
    private func line() throws -> String {
        while true {
            if let end = buffer[unread].firstIndex(of: UInt8(ascii: "\n")) {
                let text = String(decoding: buffer[unread.lowerBound..<end], as: UTF8.self)
                unread = end + 1..<unread.upperBound
                return text.hasSuffix("\r") ? String(text.dropLast()) : text
            }
            guard try fill() else { throw BenchFailure("port \(port) closed the connection within a body") }
        }
    }

    private func take(_ count: Int, into sink: inout BodySink) throws {
        guard !sink.keeps || sink.length + count <= Self.maximumKeptBody else {
            throw BenchFailure("port \(port) sent a body too large to keep")
        }
        var rest = count
        while rest > 0 {
            if unread.isEmpty, !sink.looks {
                try socket.discard(rest)
                sink.count(rest)
                return
            }
            if unread.isEmpty, try fill() == false {
                throw BenchFailure("port \(port) sent a body that ended early")
            }
            let piece = unread.prefix(rest)
            sink.add(UnsafeRawBufferPointer(rebasing: buffer[piece]))
            unread = piece.upperBound..<unread.upperBound
            rest -= piece.count
        }
    }

    /// Receives more behind what is unread; answers whether there was anything.
    private func fill() throws -> Bool {
        if unread.isEmpty {
            unread = 0..<0
        } else if unread.upperBound == buffer.count, unread.lowerBound > 0 {
            let kept = UnsafeRawBufferPointer(rebasing: buffer[unread])
            UnsafeMutableRawBufferPointer(rebasing: buffer[..<kept.count]).copyMemory(from: kept)
            unread = 0..<kept.count
        }
        guard unread.upperBound < buffer.count else { throw BenchFailure("port \(port) sent a line too long to read") }
        let count = try socket.receive(into: UnsafeMutableRawBufferPointer(rebasing: buffer[unread.upperBound...]))
        unread = unread.lowerBound..<unread.upperBound + count
        return count > 0
    }
}

/// Where a body goes.
private struct BodySink {
    private let reading: Answer.Reading
    private var hash = SHA256()
    private(set) var length = 0
    private(set) var kept: [UInt8] = []

    init(_ reading: Answer.Reading) { self.reading = reading }

    /// Whether the bytes are looked at, and not only counted.
    var looks: Bool { reading != .discard }
    var keeps: Bool { reading == .keep }
    var digest: String? { reading == .hash ? Payload.text(of: hash.finalize()) : nil }

    mutating func count(_ bytes: Int) { length += bytes }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        length += bytes.count
        switch reading {
        case .keep: kept += bytes
        case .hash: hash.update(bufferPointer: bytes)
        case .discard: break
        }
    }
}
