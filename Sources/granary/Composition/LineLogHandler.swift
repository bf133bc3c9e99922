import GranaryHTTP
import Logging

/// Logs to standard error, one line an entry.
struct LineLogHandler: LogHandler {
    let lines: LineWriter
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let fields = all.map { (name: $0.key, value: "\($0.value)") }.sorted { $0.name < $1.name }
        lines.write(event.level, "\(event.message)", fields)
    }
}

extension RequestLog {
    /// The same lines without the ways of a logger, which takes everything.
    init(lines: LineWriter, level: Logger.Level) {
        self.init { record in
            if record.level >= level { lines.write(record.level, "request", record.fields) }
        }
    }
}
