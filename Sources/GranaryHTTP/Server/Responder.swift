import Foundation
package import GranaryCore
import GranaryFormat
package import GranaryModel
import HTTPTypes
import HummingbirdCore
package import Logging
import Metrics
import NIOCore
import NIOHTTPTypes

/// Answers every request: operations, management, or a format's mount; writes the answer, then one line to the log.
package struct Responder: Sendable {
    /// Pieces of a file are read and sent in this size.
    static let chunkBytes: Int64 = 256 << 10

    private let gateway: Gateway
    private let management: ManagementInterface
    private let pages: OperationsPages
    private let origin: OriginPolicy
    private let registry: PrometheusRegistry
    private let now: Now
    private let random: @Sendable (Int) -> [UInt8]
    private let logger: Logger
    private let patience: Duration
    private let clock = ContinuousClock()

    /// `patience` is how long the sender of a body may be slow before its rate counts.
    package init(
        gateway: Gateway, management: Management, readiness: ReadinessProbe, origin: OriginPolicy,
        registry: PrometheusRegistry, version: String, now: @escaping Now,
        random: @escaping @Sendable (Int) -> [UInt8], logger: Logger, patience: Duration = .seconds(30)
    ) {
        self.gateway = gateway
        self.management = ManagementInterface(management, version: version)
        pages = OperationsPages(readiness: readiness, registry: registry, version: version)
        self.origin = origin
        self.registry = registry
        self.now = now
        self.random = random
        self.logger = logger
        self.patience = patience
    }

    func respond(
        to request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel
    ) async throws {
        let started = clock.now
        let target = Target(request.head.path ?? "/")
        var record = RequestRecord(
            id: hexadecimal(random(8)), method: request.method, path: target.path,
            peer: channel.remoteAddress?.ipAddress ?? "-")
        let incoming = incoming(request, target, channel)
        let reply = await answer(incoming, &record)
        do {
            try await write(reply, to: incoming, writer, &record)
        } catch {
            record.isComplete = false
            finish(record, since: started)
            throw error
        }
        finish(record, since: started)
    }

    private func finish(_ record: RequestRecord, since started: ContinuousClock.Instant) {
        var record = record
        record.duration = clock.now - started
        record.count(in: registry)
        record.log(to: logger)
    }

    // MARK: Answering

    /// A request target in origin form, or the path of one in absolute form.
    private struct Target {
        let path: String
        let query: String

        init(_ text: String) {
            var rest = text[...]
            if let scheme = rest.range(of: "://"), !rest.hasPrefix("/") {
                rest = rest[scheme.upperBound...].drop { $0 != "/" }
            }
            let halves = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            path = halves.first.map { $0.isEmpty ? "/" : String($0) } ?? "/"
            query = halves.count > 1 ? String(halves[1]) : ""
        }
    }

    private func answer(_ request: IncomingRequest, _ record: inout RequestRecord) async -> Reply {
        if let page = await pages.respond(method: request.method, path: request.path) {
            record.operation = page.name
            return page.reply
        }
        if let outcome = await management.respond(to: request) { return note(outcome, &record) }
        if let outcome = await gateway.respond(to: request) { return note(outcome, &record) }
        return ProblemDetails.reply(to: .unknown(.path, "nothing is served at this path"))
    }

    private func note(_ outcome: Outcome, _ record: inout RequestRecord) -> Reply {
        record.actor = outcome.actor
        record.repository = outcome.repository
        record.operation = outcome.operation
        return outcome.reply
    }

    private func incoming(_ request: Request, _ target: Target, _ channel: any Channel) -> IncomingRequest {
        let length = request.headers[.contentLength].flatMap { Int64($0) }
        let body = GuardedBody(
            body: request.body, length: length,
            expectsContinue: request.headers[.expect]?.lowercased() == "100-continue", patience: patience,
            channel: channel, clock: clock)
        return IncomingRequest(
            method: request.method, path: target.path, query: target.query, headers: request.headers,
            origin: origin.origin(of: request.head), body: GranaryFormat.RequestBody(body))
    }

    // MARK: Writing

    private func write(
        _ reply: Reply, to request: IncomingRequest, _ writer: consuming ResponseWriter, _ record: inout RequestRecord
    ) async throws {
        var answer = reply
        var pieces: [FileAnswer.Piece] = []
        let isHead = request.method == .head
        var blob: BlobReader?
        if case .file(let served) = reply.body {
            let prepared = FileAnswer(
                served, reply: reply, request: request.headers, boundary: hexadecimal(random(12)))
            (answer.status, answer.headers, pieces) = (prepared.status, prepared.headers, prepared.pieces)
            if !pieces.isEmpty, !isHead {
                blob = await open(served)
                if blob == nil { answer = unreadable(request) }
            }
        }
        record.status = answer.status.code
        let head = head(of: answer, id: record.id)
        if let blob {
            let out = try await writer.writeHead(head)
            record.bytes = try await send(pieces, of: blob, out)
        } else {
            var body = ByteBuffer()
            if case .bytes(let bytes) = answer.body, !isHead { body = bytes }
            try await writer.write(response: head, body: ResponseBody(byteBuffer: body))
            record.bytes = Int64(body.readableBytes)
        }
    }

    /// Nil when the bytes that a row names are not there, which is for the operator to mend.
    private func open(_ file: ServedFile) async -> BlobReader? {
        do {
            return try await gateway.open(file.blob)
        } catch {
            logger.error("stored bytes cannot be read", metadata: ["blob": "\(file.blob)", "error": "\(error)"])
            return nil
        }
    }

    private func unreadable(_ request: IncomingRequest) -> Reply {
        let problem = Problem.unavailable("the stored bytes cannot be read", retryAfter: 60)
        return gateway.refusal(problem, to: request) ?? ProblemDetails.reply(to: problem)
    }

    private func head(of reply: Reply, id: String) -> HTTPResponse {
        var fields = reply.headers
        fields[.date] = HTTPDate.format(now())
        fields[.server] = "Granary"
        fields[.xRequestID] = id
        if fields[.xContentTypeOptions] == nil { fields[.xContentTypeOptions] = "nosniff" }
        switch reply.body {
        case .bytes(let bytes): fields[.contentLength] = String(bytes.readableBytes)
        case .empty where reply.status != .noContent && reply.status != .notModified:
            if fields[.contentLength] == nil { fields[.contentLength] = "0" }
        case .empty, .file: break
        }
        return HTTPResponse(status: reply.status, headerFields: fields)
    }

    /// Answers how many bytes went out.
    private func send(
        _ pieces: [FileAnswer.Piece], of blob: BlobReader, _ out: consuming some ResponseBodyWriter
    ) async throws -> Int64 {
        var out = out
        var sent: Int64 = 0
        for piece in pieces {
            switch piece {
            case .text(let text):
                try await out.write(ByteBuffer(string: text))
            case .range(let range):
                var position = range.lowerBound
                while position < range.upperBound {
                    let end = min(position + Self.chunkBytes, range.upperBound)
                    try await out.write(try await blob.read(position..<end))
                    position = end
                }
            }
            sent += piece.length
        }
        try await out.finish(nil)
        return sent
    }
}

extension HTTPField.Name {
    static let xRequestID = Self(known: "X-Request-Id")
}
