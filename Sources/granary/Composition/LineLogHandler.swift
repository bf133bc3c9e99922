import FoundationEssentials
import GranaryModel
import Logging

/// Logs to standard error, one line an entry: text for people, JSON for collectors.
struct LineLogHandler: LogHandler {
    enum Form: String, CaseIterable { case text, json }

    let label: String
    let form: Form
    let now: Now
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let fields = all.mapValues { "\($0)" }.sorted { $0.key < $1.key }
        StandardStream.error.write(form == .json ? json(event, fields) : text(event, fields))
    }

    private func text(_ event: LogEvent, _ fields: [(key: String, value: String)]) -> String {
        let pairs = fields.map { " \($0.key)=\(quoted($0.value))" }.joined()
        return "\(now()) \(event.level) \(oneLine("\(event.message)"))\(pairs)\n"
    }

    private func json(_ event: LogEvent, _ fields: [(key: String, value: String)]) -> String {
        var members = Dictionary(fields.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        members["time"] = now().description
        members["level"] = event.level.rawValue
        members["message"] = "\(event.message)"
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return ((try? encoder.encode(members)).map { String(decoding: $0, as: UTF8.self) } ?? "{}") + "\n"
    }

    /// What a client sent must not be able to begin a line of its own.
    private func oneLine(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.isControl ? "?" : $0 }))
    }

    private func quoted(_ value: String) -> String {
        let safe = oneLine(value)
        guard safe.contains(where: { $0 == " " || $0 == "\"" || $0 == "\\" }) else { return safe }
        return "\"\(safe.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}
