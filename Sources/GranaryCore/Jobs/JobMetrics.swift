import GranaryModel
import Metrics

/// What is told of jobs of one kind, of which one runs at a time.
struct JobMetrics: Sendable {
    private let started: Counter
    private let done: Counter
    private let failed: Counter
    private let running: Gauge

    init(kind: String, factory: any MetricsFactory) {
        let kind = [("kind", kind)]
        func finished(_ outcome: Job.State) -> Counter {
            Counter(
                label: "granary_jobs_finished_total", dimensions: kind + [("outcome", outcome.rawValue)],
                factory: factory)
        }
        started = Counter(label: "granary_jobs_started_total", dimensions: kind, factory: factory)
        done = finished(.done)
        failed = finished(.failed)
        running = Gauge(label: "granary_jobs_running", dimensions: kind, factory: factory)
    }

    /// One was begun.
    func noteStarted() {
        started.increment()
        running.record(1)
    }

    /// The one that ran has ended.
    func noteFinished(succeeded: Bool) {
        (succeeded ? done : failed).increment()
        running.record(0)
    }
}
