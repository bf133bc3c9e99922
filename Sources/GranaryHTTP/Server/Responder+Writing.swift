import GranaryCore
import GranaryFormat
import GranaryModel
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore

extension Responder {
    /// Pieces of a file are read and sent in this size where they go through buffers.
    static let chunkBytes: Int64 = 256 << 10
    /// Pieces of a file are sent in this size where the kernel sends them: others have their turn in between.
    static let stretchBytes: Int64 = 4 << 20

    /// Writes an answer and notes in `record` what became of it. `fileChannel` is the connection, where the kernel can send
    /// files on it.
    func write(
        _ reply: Reply, to request: IncomingRequest, _ writer: consuming ResponseWriter,
        _ fileChannel: (any Channel)?, _ record: inout RequestRecord
    ) async throws {
        if case .arriving(let file) = reply.body, request.method != .head {
            let arriving = ArrivingAnswer(file, reply: reply, request: request.headers)
            return try await write(file, arriving, request, writer, &record)
        }
        let (answer, pieces) = prepare(reply, for: request)
        guard case .file(let served) = reply.body, !pieces.isEmpty else {
            var body = ByteBuffer()
            if case .bytes(let bytes) = answer.body, request.method != .head { body = bytes }
            return try await write(answer, body, writer, &record)
        }
        if let bytes = gateway.bytes(of: served) {
            return try await write(answer, Self.assemble(pieces, of: bytes), writer, &record)
        }
        let peer = record.peer
        do throws(Problem) {
            try await admission.enter(.download, peer)
        } catch {
            let (refusal, body) = refusal(error, request)
            return try await write(refusal, body, writer, &record)
        }
        defer { admission.leave(.download, peer) }
        switch await open(served) {
        case .bytes(let bytes):
            try await write(answer, Self.assemble(pieces, of: bytes), writer, &record)
        case .reader(let reader):
            record.status = answer.status.code
            let out = try await writer.writeHead(head(of: answer, id: record.id))
            try await send(pieces, of: reader, out, fileChannel, &record)
        case nil:
            let problem = Problem.unavailable("the stored bytes cannot be read", retryAfter: 60)
            let (refusal, body) = refusal(problem, request)
            try await write(refusal, body, writer, &record)
        }
    }

    /// Sends a file as it comes. Where it goes wrong, this throws, and the connection is closed in the middle of the answer.
    private func write(
        _ file: ArrivingFile, _ answer: ArrivingAnswer, _ request: IncomingRequest,
        _ writer: consuming ResponseWriter, _ record: inout RequestRecord
    ) async throws {
        let peer = record.peer
        do throws(Problem) {
            try await admission.enter(.download, peer)
        } catch {
            let (refusal, body) = refusal(error, request)
            return try await write(refusal, body, writer, &record)
        }
        defer { admission.leave(.download, peer) }
        record.status = answer.reply.status.code
        var out = try await writer.writeHead(head(of: answer.reply, id: record.id))
        for try await chunk in file.chunks(answer.range) {
            try await out.write(chunk)
            record.bytes += Int64(chunk.readableBytes)
        }
        try await out.finish(nil)
    }

    private func write(
        _ answer: Reply, _ body: ByteBuffer, _ writer: consuming ResponseWriter, _ record: inout RequestRecord
    ) async throws {
        record.status = answer.status.code
        let head = head(of: answer, id: record.id)
        try await writer.write(response: head, body: ResponseBody(byteBuffer: body))
        record.bytes = Int64(body.readableBytes)
    }

    /// A refusal of a GET, and its body.
    private func refusal(_ problem: Problem, _ request: IncomingRequest) -> (Reply, ByteBuffer) {
        let reply = reply(to: problem, request)
        guard case .bytes(let bytes) = reply.body else { return (reply, ByteBuffer()) }
        return (reply, bytes)
    }

    /// A longer document is for those who can wait for its reader.
    private static let maximumDocument = 1 << 20

    /// The whole of an answer whose file or document, if it is to be sent, is in memory; nil when it is not.
    func answerNow(
        _ reply: Reply, to request: IncomingRequest, _ record: inout RequestRecord
    ) -> (head: HTTPResponse, body: ByteBuffer)? {
        let (answer, pieces) = prepare(reply, for: request)
        var body = ByteBuffer()
        switch reply.body {
        case .empty: break
        case .bytes(let bytes):
            guard bytes.readableBytes <= Self.maximumDocument else { return nil }
            if request.method != .head { body = bytes }
        case .file(let served) where !pieces.isEmpty:
            guard let bytes = gateway.bytes(of: served) else { return nil }
            body = Self.assemble(pieces, of: bytes)
        case .file: break
        case .arriving: guard request.method == .head else { return nil }
        }
        record.status = answer.status.code
        record.bytes = Int64(body.readableBytes)
        return (head(of: answer, id: record.id), body)
    }

    /// Performs conditions and ranges where the reply is a file, and answers which pieces of it are to be sent.
    private func prepare(_ reply: Reply, for request: IncomingRequest) -> (Reply, [FileAnswer.Piece]) {
        guard case .file(let served) = reply.body else { return (reply, []) }
        let file = FileAnswer(served, reply: reply, request: request.headers) { hexadecimal(random(12)) }
        return (Reply(file.status, file.headers, reply.body), request.method == .head ? [] : file.pieces)
    }

    /// Nil when the bytes that a row names are not there, which is for the operator to mend.
    private func open(_ file: ServedFile) async -> OpenedFile? {
        do {
            return try await gateway.open(file)
        } catch {
            logger.error("stored bytes cannot be read", metadata: ["blob": "\(file.blob)", "error": "\(error)"])
            return nil
        }
    }

    private func head(of reply: Reply, id: String) -> HTTPResponse {
        var fields = reply.headers
        fields.append(HTTPField(name: .date, value: date.text(at: now())))
        fields.append(HTTPField(name: .server, value: "Granary"))
        fields.append(HTTPField(name: .xRequestID, value: id))
        if fields[.xContentTypeOptions] == nil { fields[.xContentTypeOptions] = "nosniff" }
        switch reply.body {
        case .bytes(let bytes): fields[.contentLength] = String(bytes.readableBytes)
        case .empty where reply.status != .noContent && reply.status != .notModified:
            if fields[.contentLength] == nil { fields[.contentLength] = "0" }
        case .arriving(let file) where fields[.contentLength] == nil:
            fields[.contentLength] = file.size.map { String($0.bytes) }
        case .empty, .file, .arriving: break
        }
        return HTTPResponse(status: reply.status, headerFields: fields)
    }

    /// The whole body, from bytes in memory.
    private static func assemble(_ pieces: [FileAnswer.Piece], of bytes: ByteBuffer) -> ByteBuffer {
        if pieces == [.range(0..<Int64(bytes.readableBytes))] { return bytes }
        var body = ByteBuffer()
        for piece in pieces {
            switch piece {
            case .text(let text):
                body.writeString(text)
            case .range(let range):
                let start = bytes.readerIndex + Int(range.lowerBound)
                if var slice = bytes.getSlice(at: start, length: range.count) { body.writeBuffer(&slice) }
            }
        }
        return body
    }

    private func send(
        _ pieces: [FileAnswer.Piece], of reader: BlobReader, _ out: consuming some ResponseBodyWriter,
        _ fileChannel: (any Channel)?, _ record: inout RequestRecord
    ) async throws {
        var out = out
        for piece in pieces {
            switch piece {
            case .text(let text):
                try await out.write(ByteBuffer(string: text))
                record.bytes += piece.length
            case .range(let range):
                if let fileChannel, let descriptor = reader.descriptor {
                    try await send(range, of: reader, descriptor, on: fileChannel, &record)
                } else {
                    try await send(range, of: reader, &out, &record)
                }
            }
        }
        try await out.finish(nil)
    }

    /// Through buffers: for TLS, and for stores that have no files.
    private func send(
        _ range: Range<Int64>, of reader: BlobReader, _ out: inout some ResponseBodyWriter,
        _ record: inout RequestRecord
    ) async throws {
        for piece in range.pieces(of: Self.chunkBytes) {
            try await out.write(try await reader.read(piece))
            record.bytes += Int64(piece.count)
        }
    }

    /// Without copies: the kernel takes the bytes from the file. Each piece waits until the last one has gone, so a client
    /// that is slow or has left is noticed, and holds nothing but its descriptor.
    private func send(
        _ range: Range<Int64>, of reader: BlobReader, _ descriptor: CInt, on channel: any Channel,
        _ record: inout RequestRecord
    ) async throws {
        let file = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
        defer {
            // The descriptor stays the reader's, which must outlive the last piece.
            _ = try? file.takeDescriptorOwnership()
            withExtendedLifetime(reader) {}
        }
        for piece in range.pieces(of: Self.stretchBytes) {
            let next = piece.upperBound..<min(piece.upperBound + Self.stretchBytes, range.upperBound)
            try await reader.prepare(piece, before: next)
            try await channel.triggerUserOutboundEvent(FileStretch(file: file, range: piece))
            record.bytes += Int64(piece.count)
        }
    }
}

extension Range<Int64> {
    /// The range in stretches of `size`, the last of which may be shorter.
    fileprivate func pieces(of size: Int64) -> some Sequence<Range<Int64>> {
        stride(from: lowerBound, to: upperBound, by: Int(size)).lazy.map { $0..<Swift.min($0 + size, upperBound) }
    }
}

extension HTTPField.Name {
    static let xRequestID = Self(known: "X-Request-Id")
}
