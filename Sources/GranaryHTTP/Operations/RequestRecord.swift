package import GranaryModel
package import HTTPTypes
package import Logging
import NIOCore

/// What is told of a request once it is answered: one line in the log, and its metrics.
package struct RequestRecord: Sendable {
    package let id: String
    package let method: HTTPRequest.Method
    /// Without the query, which may hold credentials.
    package let path: String
    package let peer: String
    package var actor = "anonymous"
    package var repository: RepositoryName?
    package var operation = "unknown"
    package var status = 0
    /// Of the response's body.
    package var bytes: Int64 = 0
    package var duration: Duration = .zero
    /// Whether the whole answer went out.
    package var isComplete = true

    package init(id: String, method: HTTPRequest.Method, path: String, peer: String) {
        self.id = id
        self.method = method
        self.path = path
        self.peer = peer
    }

    package var level: Logger.Level { status >= 500 ? .error : .info }

    /// Of `duration`.
    package var microseconds: Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }

    /// Of `duration`.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// What the line says beside level and time, sorted by name.
    package var fields: [(name: String, value: String)] {
        [
            ("actor", actor), ("bytes", String(bytes)), ("complete", String(isComplete)),
            ("duration_us", String(microseconds)), ("id", id), ("method", method.rawValue), ("operation", operation),
            ("path", path), ("peer", peer), ("repository", repository?.text ?? "-"), ("status", String(status))
        ]
    }
}

/// Where the lines of requests go. It must not wait: requests do.
package struct RequestLog: Sendable {
    package let write: @Sendable (RequestRecord) -> Void

    package init(_ write: @escaping @Sendable (RequestRecord) -> Void) { self.write = write }

    /// Like everything else that is logged.
    package init(logger: Logger) {
        write = { record in
            let fields = record.fields.map { ($0.name, Logger.MetadataValue.string($0.value)) }
            logger.log(level: record.level, "request", metadata: Dictionary(uniqueKeysWithValues: fields))
        }
    }
}
