package import GranaryCore
import GranaryFormat
import GranaryModel
import HTTPTypes

/// `/api/v1`: finds the endpoint of a request, finds out who calls, and words what comes of it.
package struct ManagementInterface: Sendable {
    static let prefix = "/api/v1"

    private let management: Management
    private let endpoints: [Endpoint]
    private let schemas: [String: Schema]
    private let document: String

    package init(_ management: Management, version: String) {
        self.management = management
        endpoints = Self.endpoints(version: version)
        schemas = Wire.schemas(formats: management.formats)
        document = OpenAPI.document(of: endpoints, schemas, version: version)
    }

    /// Nil when the path is not one of the management interface.
    func respond(to request: IncomingRequest) async -> Outcome? {
        guard request.path == Self.prefix || request.path.hasPrefix(Self.prefix + "/") else { return nil }
        // Whoever takes GET takes HEAD; what is not sent for it is left out when the answer is written.
        let method = request.method == .head ? .get : request.method
        if request.path == "\(Self.prefix)/openapi.json" {
            guard method == .get else { return refusal(.unsupported("the path takes GET"), [.get]) }
            return Outcome(
                reply: Reply(.ok, .json, text: document), actor: "anonymous", repository: nil, operation: "openapi")
        }
        let segments = request.path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let candidates = endpoints.compactMap { endpoint in
            endpoint.match(segments).map { (endpoint, $0) }
        }
        guard let (endpoint, path) = candidates.first(where: { $0.0.method == method }) else {
            return refusal(unmatched(candidates.map(\.0)), candidates.map(\.0.method))
        }
        return await call(endpoint, path, request)
    }

    private func call(_ endpoint: Endpoint, _ path: [String: String], _ request: IncomingRequest) async -> Outcome {
        var actor = "anonymous"
        do throws(Problem) {
            try Self.refuseOtherSites(request)
            let caller = try await management.caller(request.headers[.authorization], from: request.peer)
            actor = caller.actor
            if !endpoint.isOpen { _ = try management.requireUser(caller) }
            let call = ManagementCall(
                management: management, caller: caller, path: path, query: Query(request.query), request: request,
                shape: endpoint.body.flatMap { schemas[$0] }, schemas: schemas)
            let answer = try await endpoint.handle(call)
            let reply =
                answer.text.map { Reply(endpoint.status, .json, text: $0) } ?? Reply(endpoint.status)
            return Outcome(reply: reply, actor: actor, repository: nil, operation: endpoint.name)
        } catch {
            return Outcome(
                reply: ProblemDetails.reply(to: error), actor: actor, repository: nil, operation: endpoint.name)
        }
    }

    /// A browser that knows a password sends it with whatever a page of another site makes it send; it tells from where,
    /// though (Fetch standard, section 3.2).
    private static func refuseOtherSites(_ request: IncomingRequest) throws(Problem) {
        guard request.method != .get, request.method != .head, let site = request.headers[.origin] else { return }
        func authority(_ origin: String) -> Substring? { origin.firstRange(of: "://").map { origin[$0.upperBound...] } }
        guard authority(site) == authority(request.origin) else {
            throw .denied("the pages of other sites may change nothing here; 'public.url' says what this site is")
        }
    }

    private func unmatched(_ candidates: [Endpoint]) -> Problem {
        candidates.isEmpty
            ? .unknown(.path, "the management interface has no such path")
            : .unsupported("the path takes \(candidates.map(\.method.rawValue).joined(separator: ", "))")
    }

    private func refusal(_ problem: Problem, _ allowed: [HTTPRequest.Method]) -> Outcome {
        var reply = ProblemDetails.reply(to: problem)
        if !allowed.isEmpty {
            let methods = allowed.flatMap { $0 == .get ? [$0, .head] : [$0] }
            reply.headers[.allow] = methods.map(\.rawValue).joined(separator: ", ")
        }
        return Outcome(reply: reply, actor: "anonymous", repository: nil, operation: "unmatched")
    }
}

extension Endpoint {
    /// What stands at the parameters of the path; nil when the path is another.
    fileprivate func match(_ segments: [String]) -> [String: String]? {
        let template = (ManagementInterface.prefix + path).split(separator: "/", omittingEmptySubsequences: false)
        guard template.count == segments.count else { return nil }
        var found: [String: String] = [:]
        for (expected, actual) in zip(template, segments) {
            if expected.hasPrefix("{") {
                guard let bytes = percentDecoded(actual.utf8), !bytes.isEmpty,
                    let text = String(validating: bytes, as: UTF8.self)
                else { return nil }
                found[String(expected.dropFirst().dropLast())] = text
            } else if expected != actual {
                return nil
            }
        }
        return found
    }
}
