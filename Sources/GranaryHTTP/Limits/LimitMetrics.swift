import CoreMetrics

/// What limits did: how many connections there are, and what was refused or cut off, by reason.
final class LimitMetrics: Sendable {
    /// Which limit refused a connection or a request; those of one address come second.
    enum Refusal: String, Sendable, CaseIterable {
        case connections, requests, uploads, downloads
        case addressConnections = "address_connections"
        case addressRequests = "address_requests"
        case addressUploads = "address_uploads"
        case addressDownloads = "address_downloads"
    }

    /// How a client held a connection without using it.
    enum Closing: String, Sendable, CaseIterable {
        case idle
        case slowHead = "slow_head"
        case stoppedBody = "stopped_body"
        case slowReader = "slow_reader"
    }

    private let connections: any RecorderHandler
    private let refusals: [Refusal: any CounterHandler]
    private let closings: [Closing: any CounterHandler]

    init(factory: any MetricsFactory) {
        connections = factory.makeRecorder(label: "granary_http_connections", dimensions: [], aggregate: false)
        func counters<Reason: CaseIterable & Hashable & RawRepresentable<String>>(
            _ label: String
        ) -> [Reason: any CounterHandler] {
            let pairs = Reason.allCases.map { reason in
                (reason, factory.makeCounter(label: label, dimensions: [("reason", reason.rawValue)]))
            }
            return Dictionary(uniqueKeysWithValues: pairs)
        }
        refusals = counters("granary_http_refused_total")
        closings = counters("granary_http_connections_closed_total")
    }

    func noteOpen(_ count: Int) { connections.record(Int64(count)) }
    func note(_ refusal: Refusal) { refusals[refusal]?.increment(by: 1) }
    func note(_ closing: Closing) { closings[closing]?.increment(by: 1) }
}
