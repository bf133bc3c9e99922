import Foundation

/// What a program left behind.
struct CommandOutput: Sendable {
    /// 0 for success; 128 and the signal's number when a signal ended it.
    let status: Int32
    let stdout: Data
    let stderr: String

    /// What was printed, without white space at its ends.
    var text: String { String(decoding: stdout, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
    /// What was printed, line by line.
    var lines: [String] { text.split(separator: "\n").map(String.init) }
    var hasSucceeded: Bool { status == 0 }
}

/// Why a program did not do what a test needs of it.
enum CommandFailure: Error, CustomStringConvertible {
    case missing(String)
    case failed(command: String, CommandOutput)
    case tookTooLong(command: String, Duration)

    var description: String {
        switch self {
        case .missing(let name): "\(name) is not installed: run scripts/install-test-clients"
        case .failed(let command, let output):
            "\(command) ended with \(output.status): \(output.text)\n\(output.stderr)"
        case .tookTooLong(let command, let limit): "\(command) did not end within \(limit)"
        }
    }
}

/// A program to run, with nothing of the caller's environment.
struct Command: Sendable {
    let program: URL
    var arguments: [String] = []
    var environment: [String: String] = [:]
    var directory: URL
    var limit: Duration

    /// Runs it to its end. Throws `.tookTooLong` after killing it when the limit has passed.
    func run() async throws -> CommandOutput {
        let stdout = scratchFile()
        let stderr = scratchFile()
        defer {
            try? FileManager.default.removeItem(at: stdout)
            try? FileManager.default.removeItem(at: stderr)
        }
        let process = try makeProcess(stdout: stdout, stderr: stderr)
        let status = try await wait(for: process)
        return CommandOutput(
            status: status, stdout: try Data(contentsOf: stdout),
            stderr: String(decoding: try Data(contentsOf: stderr), as: UTF8.self))
    }

    /// Starts it and leaves it running, with all it prints in `log`.
    func start(log: URL) throws -> Process {
        let process = try makeProcess(stdout: log, stderr: log)
        try launch(process)
        return process
    }

    private var line: String { ([program.lastPathComponent] + arguments).joined(separator: " ") }

    private func scratchFile() -> URL { directory.appending(path: ".output-\(UUID().uuidString)") }

    /// Output goes to files, because a pipe nobody reads in time would stop the program.
    private func makeProcess(stdout: URL, stderr: URL) throws -> Process {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.environment = environment
        process.currentDirectoryURL = directory
        process.standardInput = FileHandle.nullDevice
        try Data().write(to: stdout)
        try Data().write(to: stderr)
        let output = try FileHandle(forWritingTo: stdout)
        process.standardOutput = output
        process.standardError = stdout == stderr ? output : try FileHandle(forWritingTo: stderr)
        return process
    }

    private func wait(for process: Process) async throws -> Int32 {
        try await withThrowingTaskGroup(of: Int32?.self) { group in
            let ended = AsyncStream<Int32>.makeStream()
            process.terminationHandler = { process in
                let isSignal = process.terminationReason == .uncaughtSignal
                ended.continuation.yield(isSignal ? 128 + process.terminationStatus : process.terminationStatus)
                ended.continuation.finish()
            }
            try launch(process)
            group.addTask { await ended.stream.first { _ in true } }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            if let status = try await group.next() ?? nil { return status }
            kill(process.processIdentifier, SIGKILL)
            throw CommandFailure.tookTooLong(command: line, limit)
        }
    }
}

/// Threads of the concurrency runtime block signals, and what they start would inherit that: nothing could stop it.
private func launch(_ process: Process) throws {
    var blocked = sigset_t()
    var none = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &blocked)
    defer { pthread_sigmask(SIG_SETMASK, &blocked, nil) }
    try process.run()
}

extension CommandOutput {
    /// Itself, or the failure of the command that ended badly.
    func orThrow(_ command: Command) throws -> CommandOutput {
        guard hasSucceeded else {
            let line = ([command.program.lastPathComponent] + command.arguments).joined(separator: " ")
            throw CommandFailure.failed(command: line, self)
        }
        return self
    }
}
