import Foundation
import GranaryTestKit

/// Why a client did not do what a test needs of it.
enum CommandFailure: Error, CustomStringConvertible {
    case missing(String)
    case failed(Program.Output)

    var description: String {
        switch self {
        case .missing(let name): "\(name) is not installed: run scripts/install-test-clients"
        case .failed(let output): "\(output)"
        }
    }
}

extension Program.Output {
    /// What was printed, without white space at its ends.
    var text: String { stdout.trimmingCharacters(in: .whitespacesAndNewlines) }
    /// What was printed, line by line.
    var lines: [String] { text.split(separator: "\n").map(String.init) }
    /// All that was said.
    var log: String { stdout + stderr }
    var hasSucceeded: Bool { status == 0 }

    /// Itself, or the failure of the client that ended badly.
    func orThrow() throws -> Program.Output {
        guard hasSucceeded else { throw CommandFailure.failed(self) }
        return self
    }
}
