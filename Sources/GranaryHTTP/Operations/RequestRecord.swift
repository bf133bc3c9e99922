import GranaryModel
import HTTPTypes
import Logging
import Metrics

/// What is told of a request once it is answered: one line in the log, and its metrics.
struct RequestRecord: Sendable {
    let id: String
    let method: HTTPRequest.Method
    /// Without the query, which may hold credentials.
    let path: String
    let peer: String
    var actor = "anonymous"
    var repository: RepositoryName?
    var operation = "unknown"
    var status = 0
    /// Of the response's body.
    var bytes: Int64 = 0
    var duration: Duration = .zero
    /// Whether the whole answer went out.
    var isComplete = true

    func log(to logger: Logger) {
        let (seconds, attoseconds) = duration.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        logger.log(
            level: status >= 500 ? .error : .info, "request",
            metadata: [
                "id": "\(id)", "method": "\(method.rawValue)", "path": "\(path)", "operation": "\(operation)",
                "repository": "\(repository?.text ?? "-")", "actor": "\(actor)", "status": "\(status)",
                "bytes": "\(bytes)", "duration_us": "\(microseconds)", "peer": "\(peer)",
                "complete": "\(isComplete)"
            ])
    }

    func count(in factory: any MetricsFactory) {
        let labels = [("operation", operation), ("status", String(status))]
        Counter(label: "granary_http_requests_total", dimensions: labels, factory: factory).increment()
        Counter(
            label: "granary_http_response_bytes_total", dimensions: [("operation", operation)], factory: factory
        ).increment(by: bytes)
        let (seconds, attoseconds) = duration.components
        Timer(
            label: "granary_http_request_duration_seconds", dimensions: [("operation", operation)],
            preferredDisplayUnit: .seconds, factory: factory
        ).recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
