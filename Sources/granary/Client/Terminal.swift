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
    static func say(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }

    static func complain(_ line: String) { write("granary: \(line)\n", to: STDERR_FILENO) }

    static var isInteractive: Bool { isatty(STDIN_FILENO) == 1 }

    /// Asks for a secret without showing what is typed; reads a line of standard input where that is no terminal.
    static func secret(_ prompt: String) -> String {
        guard isInteractive else { return readLine() ?? "" }
        write(prompt, to: STDERR_FILENO)
        var settings = termios()
        tcgetattr(STDIN_FILENO, &settings)
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSANOW, &silent)
        defer {
            tcsetattr(STDIN_FILENO, TCSANOW, &settings)
            write("\n", to: STDERR_FILENO)
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

    private static func write(_ text: String, to file: CInt) {
        let bytes = Array(text.utf8)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(file, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    #if canImport(Glibc)
        private static let systemWrite = Glibc.write
    #elseif canImport(Musl)
        private static let systemWrite = Musl.write
    #else
        private static let systemWrite = Darwin.write
    #endif
}
