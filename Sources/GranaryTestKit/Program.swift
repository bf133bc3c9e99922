import Foundation
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
    package struct Output: Sendable {
        /// What it ended with; 128 and the signal's number when a signal ended it.
        package let status: Int32
        package let stdout: String
        package let stderr: String
    }

    /// A program that did not end in time.
    package struct TookTooLong: Error {
        package let program: String

        package init(program: String) { self.program = program }
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
        try Data(input.utf8).write(to: files.appending(path: "in"))
        process.standardInput = try FileHandle(forReadingFrom: files.appending(path: "in"))
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
        return RunningProgram(id: process.processIdentifier, name: path, files: files, ends: ends)
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
    /// Of its process.
    package let id: Int32
    fileprivate let name: String
    fileprivate let files: URL
    fileprivate let ends: AsyncStream<Int32>

    /// What it has printed so far.
    package var stdout: String { text("out") }
    /// What it has complained of so far.
    package var stderr: String { text("err") }

    /// Sends it a signal.
    package func signal(_ number: Int32) { kill(id, number) }

    /// Asks it to stop, as an operator does.
    package func terminate() { signal(SIGTERM) }

    /// Waits until it ends, or kills it after `limit` and throws `TookTooLong`. To be called once.
    package func end(within limit: Duration = .seconds(30)) async throws -> Program.Output {
        let status = try await withThrowingTaskGroup(of: Int32?.self) { group in
            group.addTask { [ends] in await ends.first { _ in true } }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        guard let status else {
            signal(SIGKILL)
            throw Program.TookTooLong(program: name)
        }
        return Program.Output(status: status, stdout: stdout, stderr: stderr)
    }

    private func text(_ name: String) -> String {
        (try? Data(contentsOf: files.appending(path: name))).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
