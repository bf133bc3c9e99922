import GranaryCore
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
    func respond(method: HTTPRequest.Method, path: String) async -> Outcome? {
        guard let name = Self.names[path] else { return nil }
        guard method == .get || method == .head else {
            return outcome("operations", Reply(.methodNotAllowed, [.allow: "GET, HEAD"]))
        }
        return outcome(name, await page(name))
    }

    private static let names = ["/": "root", "/healthz": "healthz", "/readyz": "readyz", "/metrics": "metrics"]

    private func page(_ name: String) async -> Reply {
        let text = MediaType(checked: "text/plain; charset=utf-8")
        switch name {
        case "healthz": return Reply(.ok, text, text: "ok\n")
        case "readyz": return await readiness.reply()
        case "metrics":
            let exposition = MediaType(checked: "text/plain; version=0.0.4; charset=utf-8")
            return Reply(.ok, exposition, text: registry.exposition())
        default: return Reply(.ok, text, text: "Granary \(version)\nManagement interface: /api/v1/openapi.json\n")
        }
    }

    private func outcome(_ name: String, _ reply: Reply) -> Outcome {
        Outcome(reply: reply, actor: "anonymous", repository: nil, operation: name)
    }
}
