import CoreMetrics

/// What limits did: how many connections there are, and what was refused or cut off, by reason.
final class LimitMetrics: Sendable {
    private let factory: any MetricsFactory
    private let connections: any RecorderHandler

    init(factory: any MetricsFactory) {
        self.factory = factory
        connections = factory.makeRecorder(label: "granary_http_connections", dimensions: [], aggregate: false)
    }

    func open(_ count: Int) { connections.record(Int64(count)) }

    /// A connection or request was refused.
    func refuse(_ reason: String) {
        factory.makeCounter(label: "granary_http_refused_total", dimensions: [("reason", reason)]).increment(by: 1)
    }

    /// The server closed a connection that its client held without using it.
    func close(_ reason: String) {
        factory.makeCounter(label: "granary_http_connections_closed_total", dimensions: [("reason", reason)])
            .increment(by: 1)
    }
}
