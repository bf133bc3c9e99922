import CoreMetrics
import Metrics
import Synchronization

/// The metrics of requests, by operation and status. Each series is looked up once, then its handle is kept.
final class RequestMetrics: Sendable {
    private let factory: any MetricsFactory
    private let handles = Mutex<[Key: Handles]>([:])

    private struct Key: Hashable {
        let operation: String
        let status: Int
    }

    private struct Handles {
        let requests: any CounterHandler
        let bytes: any CounterHandler
        let duration: any TimerHandler
    }

    init(factory: any MetricsFactory) { self.factory = factory }

    func count(_ record: RequestRecord) {
        let handles = handles(of: Key(operation: record.operation, status: record.status))
        handles.requests.increment(by: 1)
        handles.bytes.increment(by: record.bytes)
        handles.duration.recordNanoseconds(record.nanoseconds)
    }

    private func handles(of key: Key) -> Handles {
        handles.withLock { known in
            if let handles = known[key] { return handles }
            let operation = [("operation", key.operation)]
            let made = Handles(
                requests: factory.makeCounter(
                    label: "granary_http_requests_total", dimensions: operation + [("status", String(key.status))]),
                bytes: factory.makeCounter(label: "granary_http_response_bytes_total", dimensions: operation),
                duration: factory.makeTimer(label: "granary_http_request_duration_seconds", dimensions: operation))
            known[key] = made
            return made
        }
    }
}
