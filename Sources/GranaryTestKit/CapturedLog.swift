package import Logging
import Synchronization

/// The lines a server writes to its log, for a test to read.
package final class CapturedLog: Sendable {
    private let state = Mutex<[String]>([])

    package init() {}

    /// A handler that keeps lines of every level here.
    package var handler: @Sendable (String) -> any LogHandler {
        { [self] _ in Handler(log: self) }
    }

    /// Each with its message and, by name, its fields.
    package var lines: [String] { state.withLock { $0 } }

    /// Waits until a line has all of `parts`, for at most `patience`; answers whether one had.
    package func wait(for parts: String..., patience: Duration = .seconds(20)) async throws -> Bool {
        let limit = ContinuousClock.now + patience
        while ContinuousClock.now < limit {
            if lines.contains(where: { line in parts.allSatisfy(line.contains) }) { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    private struct Handler: LogHandler {
        let log: CapturedLog
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
            let line = "\(event.message)" + fields.map { " \($0.key)=\($0.value)" }.joined()
            log.state.withLock { $0.append(line) }
        }
    }
}
