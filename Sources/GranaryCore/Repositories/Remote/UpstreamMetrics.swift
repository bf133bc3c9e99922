import GranaryModel
import Metrics

/// What is told of upstreams.
struct UpstreamMetrics: Sendable {
    let factory: any MetricsFactory

    /// Something older than it should be was served.
    func stale(_ repository: RepositoryName) {
        Counter(label: "granary_upstream_stale_total", dimensions: [("repository", repository.text)], factory: factory)
            .increment()
    }

    /// An upstream says other digests of files than it did.
    func replaced(_ repository: RepositoryName, count: Int) {
        Counter(
            label: "granary_upstream_conflicts_total", dimensions: [("repository", repository.text)], factory: factory
        ).increment(by: Int64(count))
    }

    /// An upstream was asked for something; `outcome` is `stored`, `unchanged`, `missing` or `failed`.
    func fetched(_ repository: RepositoryName, _ outcome: String) {
        Counter(
            label: "granary_upstream_fetches_total",
            dimensions: [("repository", repository.text), ("outcome", outcome)], factory: factory
        ).increment()
    }
}
