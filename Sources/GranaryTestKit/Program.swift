package import Foundation
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A program to run, with nothing of the caller's environment.
package struct Program: Sendable {
    /// What a program left behind.
    package struct Output: Sendable, CustomStringConvertible {
        /// The program and its arguments.
        package let command: String
        /// What it ended with; 128 and the signal's number when a signal ended it.
        package let status: Int32
        /// What it printed, which may be no text.
        package let bytes: Data
        package let stderr: String

        /// What it printed, as text.
        package var stdout: String { String(decoding: bytes, as: UTF8.self) }
        package var description: String { "\(command) ended with \(status):\n\(stdout)\n\(stderr)" }
    }

    /// A program that did not end in time.
    package struct TookTooLong: Error, CustomStringConvertible {
        let command: String
        let limit: Duration
        let log: String

        /// `log` is what it had to say until then.
        package init(command: String, limit: Duration, log: String) {
            self.command = command
            self.limit = limit
            self.log = log
        }

        package var description: String { "\(command) took longer than \(limit):\n\(log)" }
    }

    let path: String
    let environment: [String: String]
    let folder: String

    /// `folder` is where it runs and where its output is kept meanwhile.
    package init(_ path: String, environment: [String: String] = [:], folder: String) {
        self.path = path
        self.environment = environment
        self.folder = folder
    }

    /// Runs it to its end, or kills it after `limit` and throws `TookTooLong`.
    package func run(
        _ arguments: [String], input: String = "", limit: Duration = .seconds(30)
    ) async throws -> Output {
        let running = try start(arguments, input: input)
        return try await running.end(within: limit)
    }

    /// Starts it and leaves it running.
    package func start(_ arguments: [String], input: String = "") throws -> RunningProgram {
        let files = URL(filePath: folder).appending(path: "program-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.environment = environment
        process.currentDirectoryURL = URL(filePath: folder)
        process.standardInput = FileHandle.nullDevice
        if !input.isEmpty {
            try Data(input.utf8).write(to: files.appending(path: "in"))
            process.standardInput = try FileHandle(forReadingFrom: files.appending(path: "in"))
        }
        // Output goes to files, because a pipe nobody reads in time would stop the program.
        for (name, assign) in [("out", \Process.standardOutput), ("err", \Process.standardError)] {
            try Data().write(to: files.appending(path: name))
            process[keyPath: assign] = try FileHandle(forWritingTo: files.appending(path: name))
        }
        let (ends, ended) = AsyncStream<Int32>.makeStream()
        process.terminationHandler = { process in
            let isSignal = process.terminationReason == .uncaughtSignal
            ended.yield(isSignal ? 128 + process.terminationStatus : process.terminationStatus)
            ended.finish()
        }
        try launch(process)
        let command = ([URL(filePath: path).lastPathComponent] + arguments).joined(separator: " ")
        return RunningProgram(process: process, command: command, files: files, ends: ends)
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
}

/// A program that was started.
package struct RunningProgram: Sendable {
    fileprivate let process: Process
    fileprivate let command: String
    fileprivate let files: URL
    fileprivate let ends: AsyncStream<Int32>

    /// Whether it has not ended yet.
    package var isRunning: Bool { process.isRunning }
    /// What it has printed so far; nothing after `end`.
    package var stdout: String { String(decoding: bytes("out"), as: UTF8.self) }
    /// What it has complained of so far; nothing after `end`.
    package var stderr: String { String(decoding: bytes("err"), as: UTF8.self) }
    /// What it has printed so far, followed by what it has complained of.
    package var log: String { stdout + stderr }

    /// The memory it holds, in bytes; 0 once it has ended.
    package var residentBytes: Int {
        let status = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(separator: " ").dropFirst().first).flatMap { Int($0) }.map { $0 << 10 } ?? 0
    }

    /// Sends it a signal.
    package func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Asks it to stop, as an operator does.
    package func terminate() { signal(SIGTERM) }

    /// Waits until it ends, or kills it after `limit` and throws `TookTooLong`. To be called once, because what it
    /// printed is given out then and its files are removed.
    package func end(within limit: Duration = .seconds(30)) async throws -> Program.Output {
        defer { try? FileManager.default.removeItem(at: files) }
        let status = await withTaskGroup(of: Int32?.self) { group in
            group.addTask { [ends] in await ends.first { _ in true } }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        guard let status else {
            signal(SIGKILL)
            try Task.checkCancellation()
            throw Program.TookTooLong(command: command, limit: limit, log: log)
        }
        return Program.Output(command: command, status: status, bytes: bytes("out"), stderr: stderr)
    }

    private func bytes(_ name: String) -> Data { (try? Data(contentsOf: files.appending(path: name))) ?? Data() }
}
