import GranaryModel
import Metrics

/// What is told of the care the server takes of what it stores.
struct UpkeepMetrics: Sendable {
    let check: InspectionMetrics
    let scrub: InspectionMetrics
    private let removedBlobs: Counter
    private let removedBytes: Counter
    private let factory: any MetricsFactory

    init(factory: any MetricsFactory) {
        check = InspectionMetrics(by: "check", factory: factory)
        scrub = InspectionMetrics(by: "scrub", factory: factory)
        removedBlobs = Counter(label: "granary_sweep_removed_blobs_total", factory: factory)
        removedBytes = Counter(label: "granary_sweep_removed_bytes_total", factory: factory)
        self.factory = factory
    }

    /// A sweep has given back the space of blobs.
    func noteRemoved(blobs: Int, bytes: Int64) {
        removedBlobs.increment(by: Int64(blobs))
        removedBytes.increment(by: bytes)
    }

    /// A sweep has come to its end. Before the first there is no such series, rather than one of the year 1970.
    func noteSweep(from began: Timestamp, to ended: Timestamp) {
        record(ended.milliseconds, as: "granary_sweep_last_run_timestamp_seconds")
        record(ended.milliseconds - began.milliseconds, as: "granary_sweep_last_duration_seconds")
    }

    /// The newest finished backup is of this moment.
    func noteBackup(of moment: Timestamp) {
        record(moment.milliseconds, as: "granary_backup_last_success_timestamp_seconds")
    }

    private func record(_ milliseconds: Int64, as label: String) {
        Gauge(label: label, factory: factory).record(Double(milliseconds) / 1000)
    }
}

/// What one of those that compare stored bytes with their names has looked at.
struct InspectionMetrics: Sendable {
    private let blobs: Counter
    private let bytes: Counter
    private let damaged: Counter

    fileprivate init(by name: String, factory: any MetricsFactory) {
        func counter(_ label: String) -> Counter {
            Counter(label: label, dimensions: [("by", name)], factory: factory)
        }
        blobs = counter("granary_verified_blobs_total")
        bytes = counter("granary_verified_bytes_total")
        damaged = counter("granary_damaged_blobs_total")
    }

    /// A blob was read and compared with its name, whatever came of it.
    func noteVerified(bytes count: Int64) {
        blobs.increment()
        bytes.increment(by: count)
    }

    /// A blob was found damaged or missing, and taken out of service.
    func noteDamaged() { damaged.increment() }
}
