#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import ArgumentParser
import FoundationEssentials

/// What a script can tell from how a command ended.
enum Outcome: Int32 {
    case failed = 1
    case notFound = 3
    case refused = 4
    case conflict = 5
    case unreachable = 6
    case usage = 64
}

/// An error that is told in one sentence, with an exit code.
struct Failure: Error, CustomStringConvertible {
    let description: String
    let outcome: Outcome

    init(_ description: String, _ outcome: Outcome) {
        self.description = description
        self.outcome = outcome
    }

    /// Tells it on standard error and answers what ends the process with its code.
    var exit: ExitCode {
        Terminal.complain(description)
        return ExitCode(outcome.rawValue)
    }
}

/// What an error of some library says, on one line and cut to 200 characters.
func oneLine(_ error: any Error) -> String {
    String("\(error)".split(whereSeparator: \.isNewline).joined(separator: " ").prefix(200))
}

/// Standard output and input.
enum Terminal {
    static func say(_ line: String) { StandardStream.output.write(line + "\n") }

    static func complain(_ line: String) { StandardStream.error.write("granary: \(line)\n") }

    /// Whether somebody watches what is said on the side.
    static var isWatched: Bool { isatty(STDERR_FILENO) == 1 }

    /// Shows a line that the next one takes the place of.
    static func note(_ line: String) { StandardStream.error.write("\r\u{1B}[K\(line.prefix(100))") }

    /// Shows a line where somebody watches.
    static func watch(_ line: String) { if isWatched { note(line) } }

    static var isInteractive: Bool { isatty(STDIN_FILENO) == 1 }

    /// Asks for a secret without showing what is typed; reads a line of standard input where that is no terminal.
    static func secret(_ prompt: String) -> String {
        guard isInteractive else { return readLine() ?? "" }
        StandardStream.error.write(prompt)
        var settings = termios()
        tcgetattr(STDIN_FILENO, &settings)
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSANOW, &silent)
        defer {
            tcsetattr(STDIN_FILENO, TCSANOW, &settings)
            StandardStream.error.write("\n")
        }
        return readLine() ?? ""
    }

    /// Columns as wide as their widest cell.
    static func table(_ header: [String], _ rows: [[String]]) {
        let widths = header.indices.map { column in
            ([header] + rows).map { $0[column].count }.max() ?? 0
        }
        for row in [header] + rows {
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            say(line)
        }
    }

    static func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        say(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}
