package import CoreMetrics
import Synchronization

/// Metrics in memory, and their text in the Prometheus exposition format, version 0.0.4.
///
/// Timers are histograms in seconds; counters end in `_total` as their callers name them.
package final class PrometheusRegistry: MetricsFactory {
    /// Upper bounds of the histogram buckets, in seconds.
    static let buckets: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
    /// Label sets beyond this are dropped, so that a hostile client cannot grow the memory.
    static let maximumSeries = 10_000

    private let series = Mutex<[Key: Series]>([:])

    private struct Key: Hashable {
        let name: String
        let labels: [Label]
    }

    fileprivate struct Label: Hashable {
        let name: String
        let value: String
    }

    package init() {}

    /// A series that only grows.
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        find(label, dimensions, .counter)
    }

    /// A series of values: the last one, or a histogram of them.
    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        find(label, dimensions, aggregate ? .histogram : .gauge)
    }

    /// A histogram of seconds.
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        find(label, dimensions, .histogram)
    }

    /// Series stay until the process ends, as Prometheus expects of counters.
    package func destroyCounter(_ handler: any CounterHandler) {}
    /// As `destroyCounter`.
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    /// As `destroyCounter`.
    package func destroyTimer(_ handler: any TimerHandler) {}

    private func find(_ name: String, _ dimensions: [(String, String)], _ kind: Series.Kind) -> Series {
        let key = Key(name: name, labels: dimensions.map { Label(name: $0.0, value: $0.1) })
        return series.withLock { series in
            if let found = series[key] { return found }
            let made = Series(kind: kind)
            if series.count < Self.maximumSeries { series[key] = made }
            return made
        }
    }

    /// Every series, sorted by name, then by labels.
    package func exposition() -> String {
        let all = series.withLock { series in
            series.sorted { left, right in
                (left.key.name, left.key.labels.map(\.value).joined(separator: ","))
                    < (right.key.name, right.key.labels.map(\.value).joined(separator: ","))
            }
        }
        var text = ""
        var previous = ""
        for (key, series) in all {
            if key.name != previous {
                if let help = MetricDescriptions.all[key.name] { text += "# HELP \(key.name) \(help)\n" }
                text += "# TYPE \(key.name) \(series.kind.rawValue)\n"
            }
            previous = key.name
            text += series.lines(key.name, key.labels.map { "\($0.name)=\"\(escape($0.value))\"" })
        }
        return text
    }

    private func escape(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}

/// One name with one set of labels.
private final class Series: CounterHandler, RecorderHandler, TimerHandler {
    enum Kind: String { case counter, gauge, histogram }

    let kind: Kind
    private let state = Mutex(State())

    struct State {
        var value: Double = 0
        var count: Int64 = 0
        var buckets = [Int64](repeating: 0, count: PrometheusRegistry.buckets.count)
    }

    init(kind: Kind) { self.kind = kind }

    func increment(by amount: Int64) { state.withLock { $0.value += Double(amount) } }
    func reset() { state.withLock { $0 = State() } }
    func record(_ value: Int64) { record(Double(value)) }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1_000_000_000) }

    func record(_ value: Double) {
        state.withLock { state in
            guard kind == .histogram else {
                state.value = value
                return
            }
            state.value += value
            state.count += 1
            if let index = PrometheusRegistry.buckets.firstIndex(where: { value <= $0 }) { state.buckets[index] += 1 }
        }
    }

    func lines(_ name: String, _ labels: [String]) -> String {
        let state = state.withLock { $0 }
        guard kind == .histogram else { return "\(name)\(braced(labels)) \(number(state.value))\n" }
        var text = ""
        var cumulated: Int64 = 0
        for (bound, count) in zip(PrometheusRegistry.buckets, state.buckets) {
            cumulated += count
            text += "\(name)_bucket\(braced(labels + ["le=\"\(number(bound))\""])) \(cumulated)\n"
        }
        text += "\(name)_bucket\(braced(labels + ["le=\"+Inf\""])) \(state.count)\n"
        text += "\(name)_sum\(braced(labels)) \(number(state.value))\n"
        return text + "\(name)_count\(braced(labels)) \(state.count)\n"
    }

    private func braced(_ labels: [String]) -> String {
        labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
    }

    private func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }
}
