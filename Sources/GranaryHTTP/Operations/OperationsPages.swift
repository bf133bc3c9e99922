import GranaryFormat
import GranaryModel
import HTTPTypes

/// Whether the server can do its work, as an orchestrator asks.
package struct ReadinessProbe: Sendable {
    private let check: @Sendable () async throws -> Void

    /// `check` throws when something that requests need does not answer.
    package init(_ check: @escaping @Sendable () async throws -> Void) { self.check = check }

    func reply() async -> Reply {
        do {
            try await check()
            return Reply(.ok, MediaType(checked: "text/plain; charset=utf-8"), text: "ready\n")
        } catch {
            return Reply(
                .serviceUnavailable, MediaType(checked: "text/plain; charset=utf-8"), text: "not ready\n")
        }
    }
}

/// `/healthz`, `/readyz`, `/metrics` and `/`.
struct OperationsPages: Sendable {
    let readiness: ReadinessProbe
    let registry: PrometheusRegistry
    let version: String

    /// Nil for any other path.
    func respond(method: HTTPRequest.Method, path: String) async -> (name: String, reply: Reply)? {
        guard ["/", "/healthz", "/readyz", "/metrics"].contains(path) else { return nil }
        guard method == .get || method == .head else {
            return ("operations", Reply(.methodNotAllowed, [.allow: "GET, HEAD"]))
        }
        let text = MediaType(checked: "text/plain; charset=utf-8")
        switch path {
        case "/healthz":
            return ("healthz", Reply(.ok, text, text: "ok\n"))
        case "/readyz":
            return ("readyz", await readiness.reply())
        case "/metrics":
            let exposition = MediaType(checked: "text/plain; version=0.0.4; charset=utf-8")
            return ("metrics", Reply(.ok, exposition, text: registry.exposition()))
        default:
            return ("root", Reply(.ok, text, text: "Granary \(version)\nManagement interface: /api/v1/openapi.json\n"))
        }
    }
}
