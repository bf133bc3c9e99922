import FoundationEssentials
import GranaryModel
import Logging

/// How a line of the log is written: text for people, JSON for collectors.
enum LineFormat: String, CaseIterable {
    case text, json

    /// Appends one line. `fields` are sorted by name; `time` is as `Timestamp` writes it.
    func append(
        _ level: Logger.Level, _ message: String, _ fields: [(name: String, value: String)], at time: [UInt8],
        to line: inout [UInt8]
    ) {
        switch self {
        case .text: appendText(level, message, fields, time, to: &line)
        case .json: appendJSON(level, message, fields, time, to: &line)
        }
    }

    // MARK: Text

    private func appendText(
        _ level: Logger.Level, _ message: String, _ fields: [(name: String, value: String)],
        _ time: [UInt8], to line: inout [UInt8]
    ) {
        line.append(contentsOf: time)
        line.append(UInt8(ascii: " "))
        line.append(contentsOf: level.rawValue.utf8)
        line.append(UInt8(ascii: " "))
        append(oneLine(message), to: &line)
        for (name, value) in fields {
            line.append(UInt8(ascii: " "))
            append(name, to: &line)
            line.append(UInt8(ascii: "="))
            if !appendIfPlain(value, to: &line) { append(quoted(value), to: &line) }
        }
        line.append(UInt8(ascii: "\n"))
    }

    private func append(_ text: String, to line: inout [UInt8]) {
        var text = text
        text.withUTF8 { line.append(contentsOf: $0) }
    }

    /// Answers false where the text may not stand in a line as it is.
    private func appendIfPlain(_ text: String, to line: inout [UInt8]) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            guard bytes.allSatisfy(isPlain) else { return false }
            line.append(contentsOf: bytes)
            return true
        }
    }

    private func isPlain(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    /// What a client sent must not be able to begin a line of its own.
    private func oneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: \.isControl) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.isControl ? "?" : $0 }))
    }

    private func quoted(_ value: String) -> String {
        let safe = oneLine(value)
        guard safe.contains(where: { $0 == " " || $0 == "\"" || $0 == "\\" }) else { return safe }
        return "\"\(safe.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }

    // MARK: JSON

    private func appendJSON(
        _ level: Logger.Level, _ message: String, _ fields: [(name: String, value: String)],
        _ time: [UInt8], to line: inout [UInt8]
    ) {
        line.append(UInt8(ascii: "{"))
        // Sorted by name, and a name once: what the line itself says wins.
        let own = ["level": level.rawValue, "message": message, "time": String(decoding: time, as: UTF8.self)]
        var others = own.sorted { $0.key < $1.key }[...]
        for (name, value) in fields where own[name] == nil {
            while let next = others.first, next.key < name {
                appendMember(next.key, next.value, to: &line)
                others.removeFirst()
            }
            appendMember(name, value, to: &line)
        }
        for (name, value) in others { appendMember(name, value, to: &line) }
        line[line.count - 1] = UInt8(ascii: "}")
        line.append(UInt8(ascii: "\n"))
    }

    /// A member and the comma after it.
    private func appendMember(_ name: String, _ value: String, to line: inout [UInt8]) {
        appendString(name, to: &line)
        line.append(UInt8(ascii: ":"))
        appendString(value, to: &line)
        line.append(UInt8(ascii: ","))
    }

    private func appendString(_ text: String, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        if appendIfPlain(text, to: &line) {
            line.append(UInt8(ascii: "\""))
            return
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        line.append(contentsOf: ((try? encoder.encode(text)) ?? Data("\"\"".utf8)).dropFirst())
    }
}
