package import GranaryCore
import GranaryFormat
package import GranaryModel
import HTTPTypes
import HummingbirdCore
package import Logging
import NIOCore

/// Answers every request: operations, management, or a format's mount; writes the answer, then one line to the log.
package struct Responder: Sendable {
    let gateway: Gateway
    private let management: ManagementInterface
    private let pages: OperationsPages
    private let origin: OriginPolicy
    private let metrics: RequestMetrics
    let now: Now
    let random: @Sendable (Int) -> [UInt8]
    let logger: Logger
    let date = CurrentDate()
    private let names: RequestNames
    private let log: RequestLog
    let admission: Admission
    let limitMetrics: LimitMetrics
    private let patience: Duration
    private let clock = ContinuousClock()

    /// `patience` is how long the sender of a body may be slow before its rate counts. Without `log`, the lines of requests
    /// go where all others go.
    package init(
        gateway: Gateway, management: Management, readiness: ReadinessProbe, origin: OriginPolicy,
        registry: PrometheusRegistry, version: String, now: @escaping Now,
        random: @escaping @Sendable (Int) -> [UInt8], logger: Logger, log: RequestLog? = nil,
        limits: Limits = Limits(), patience: Duration = .seconds(30)
    ) {
        self.gateway = gateway
        self.management = ManagementInterface(management, version: version)
        pages = OperationsPages(readiness: readiness, registry: registry, version: version)
        self.origin = origin
        metrics = RequestMetrics(factory: registry)
        limitMetrics = LimitMetrics(factory: registry)
        admission = Admission(limits, metrics: limitMetrics)
        self.now = now
        self.random = random
        names = RequestNames(random(8))
        self.logger = logger
        self.log = log ?? RequestLog(logger: logger)
        self.patience = patience
    }

    /// Answers one request of a connection. `sendsFiles` says whether the connection has a `FileSender`.
    func respond(
        to request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel, sendsFiles: Bool
    ) async throws {
        let started = clock.now
        let incoming = incoming(
            request.head, GranaryFormat.RequestBody(body(of: request, channel)),
            connectedFrom: channel.remoteAddress?.ipAddress ?? "-")
        let outcome = await admitted(incoming)
        var record = record(of: incoming, outcome)
        do {
            try await write(outcome.reply, to: incoming, writer, sendsFiles ? channel : nil, &record)
        } catch {
            record.isComplete = false
            finish(record, since: started)
            throw error
        }
        finish(record, since: started)
    }

    /// Answers a read without a body for which everything is in memory, as `respond` would; nil leaves it to `respond`.
    func respondNow(to request: HTTPRequest, peer: String) -> (head: HTTPResponse, body: ByteBuffer)? {
        let started = clock.now
        let incoming = incoming(request, .none, connectedFrom: peer)
        guard let outcome = gateway.respondNow(to: incoming) else { return nil }
        var record = record(of: incoming, outcome)
        guard let answer = answerNow(outcome.reply, to: incoming, &record) else { return nil }
        finish(record, since: started)
        return answer
    }

    private func record(of request: IncomingRequest, _ outcome: Outcome) -> RequestRecord {
        var record = RequestRecord(id: names.next(), method: request.method, path: request.path, peer: request.peer)
        record.actor = outcome.actor
        record.repository = outcome.repository
        record.operation = outcome.operation
        return record
    }

    private func finish(_ record: RequestRecord, since started: ContinuousClock.Instant) {
        var record = record
        record.duration = clock.now - started
        metrics.count(record)
        log.write(record)
    }

    /// A request target in origin form, or the path of one in absolute form.
    private struct Target {
        let path: String
        let query: String

        init(_ text: String) {
            if text.utf8.first == UInt8(ascii: "/"), !text.utf8.dropFirst().contains(UInt8(ascii: "?")) {
                (path, query) = (text, "")
                return
            }
            var rest = text[...]
            if !rest.hasPrefix("/"), let scheme = rest.firstRange(of: "://") {
                rest = rest[scheme.upperBound...].drop { $0 != "/" }
            }
            guard let mark = rest.utf8.firstIndex(of: UInt8(ascii: "?")) else {
                (path, query) = (rest.isEmpty ? "/" : String(rest), "")
                return
            }
            path = rest.startIndex == mark ? "/" : String(rest[..<mark])
            query = String(rest[rest.utf8.index(after: mark)...])
        }
    }

    private func incoming(
        _ request: HTTPRequest, _ body: GranaryFormat.RequestBody, connectedFrom address: String
    ) -> IncomingRequest {
        let target = Target(request.path ?? "/")
        return IncomingRequest(
            method: request.method, path: target.path, query: target.query, headers: request.headerFields,
            origin: origin.origin(of: request), peer: origin.peer(of: request, connectedFrom: address), body: body)
    }

    private func body(of request: Request, _ channel: any Channel) -> GuardedBody {
        GuardedBody(
            body: request.body, length: request.headers[.contentLength].flatMap { Int64($0) },
            expectsContinue: request.headers[.expect]?.lowercased() == "100-continue",
            minimumRate: admission.limits.minimumRate, patience: patience, channel: channel, clock: clock)
    }

    /// Answers a request when it is its turn. Its place is free again before the answer is sent, so that who reads slowly
    /// keeps nobody waiting.
    private func admitted(_ request: IncomingRequest) async -> Outcome {
        let kind: Admission.Kind = request.bodyBytes == 0 ? .request : .upload
        do throws(Problem) {
            try await admission.enter(kind, request.peer)
        } catch {
            return Outcome(reply: reply(to: error, request), actor: "anonymous", repository: nil, operation: "refused")
        }
        defer { admission.leave(kind, request.peer) }
        return await answer(request)
    }

    /// A manifest of this size is parsed and hashed in less than a millisecond.
    private static let briefBytes = 32 << 10

    /// Words a problem as what is served at the request's path does.
    func reply(to problem: Problem, _ request: IncomingRequest) -> Reply {
        gateway.refusal(problem, to: request) ?? ProblemDetails.reply(to: problem)
    }

    /// Requests to a format's mount with little or no body are answered on the thread of their connection, because they wait
    /// more than they compute. Everything else leaves it to the connections.
    private func answer(_ request: IncomingRequest) async -> Outcome {
        let isBrief = request.bodyBytes.map { $0 <= Self.briefBytes } ?? false
        if isBrief, let outcome = await gateway.respond(to: request) { return outcome }
        return await withTaskExecutorPreference(globalConcurrentExecutor) {
            if let page = await pages.respond(method: request.method, path: request.path) { return page }
            if let outcome = await management.respond(to: request) { return outcome }
            if !isBrief, let outcome = await gateway.respond(to: request) { return outcome }
            let nothing = Problem.unknown(.path, "nothing is served at this path")
            return Outcome(
                reply: ProblemDetails.reply(to: nothing), actor: "anonymous", repository: nil, operation: "unknown")
        }
    }
}

extension IncomingRequest {
    /// How long the body is, as far as it can be told from the head. Nil where it cannot: with chunks, and with HTTP/2, whose
    /// bodies need no length (RFC 9113, section 8.1.1).
    var bodyBytes: Int64? {
        guard headers[.transferEncoding] == nil else { return nil }
        if let length = headers[.contentLength] { return Int64(length) }
        return [.get, .head, .delete, .options].contains(method) ? 0 : nil
    }
}
