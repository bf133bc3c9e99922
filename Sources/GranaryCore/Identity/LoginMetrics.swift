import Metrics

/// What is counted of log-ins.
struct LoginMetrics: Sendable {
    private let failed: Counter
    private let throttled: Counter
    private let busy: Counter

    init(factory: any MetricsFactory) {
        func refused(_ reason: String) -> Counter {
            Counter(label: "granary_logins_refused_total", dimensions: [("reason", reason)], factory: factory)
        }
        failed = Counter(label: "granary_logins_failed_total", factory: factory)
        throttled = refused("throttled")
        busy = refused("busy")
    }

    /// A password, or the secret of a token, was wrong.
    func noteFailed() { failed.increment() }

    /// A password was not looked at because too many before it were wrong.
    func noteThrottled() { throttled.increment() }

    /// A password was not looked at because too many others were waiting.
    func noteBusy() { busy.increment() }
}
