import GRDB
package import GranaryPorts
import Synchronization

/// SQLite in write-ahead mode: one writer, many readers, every commit flushed to the disk before it is answered.
///
/// Writers that wait share one commit (group commit): each runs in a savepoint of its own, so that one that fails takes
/// nothing with it.
package final class SQLiteDriver: SQLDriver {
    /// How many waiting transactions share a commit at most.
    package static let maximumBatch = 64
    /// How many connections read side by side.
    package static let readers = 6
    /// Of pages, for each of the connections, in KiB; what does not fit is in the system's cache.
    package static let cacheKibibytes = 4096

    private let pool: DatabasePool
    private let waiting = Mutex(Waiting())
    /// How many read or wait to.
    private let reading = Atomic(0)

    private struct Waiting {
        var jobs: [Job] = []
        var isDraining = false
    }

    /// Opens the database at `path`, and makes it when it is not there.
    package init(path: String) throws {
        var configuration = Configuration()
        configuration.maximumReaderCount = Self.readers
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { database in
            try database.execute(sql: "pragma foreign_keys = on")
            try database.execute(sql: "pragma cache_size = -\(Self.cacheKibibytes)")
        }
        pool = try DatabasePool(path: path, configuration: configuration)
        // Opening the pool sets the writer to NORMAL, which flushes at checkpoints only.
        try pool.writeWithoutTransaction { try $0.execute(sql: "pragma synchronous = full") }
    }

    package var identityColumn: String { "integer primary key" }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        reading.add(1, ordering: .relaxed)
        defer { reading.subtract(1, ordering: .relaxed) }
        do {
            return try await pool.read { try body(SQLiteConnection(database: $0)) }
        } catch let error as DatabaseError {
            throw translate(error)
        }
    }

    package func look<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        // Whoever calls must not wait for a connection.
        guard reading.add(1, ordering: .relaxed).newValue <= Self.readers else {
            reading.subtract(1, ordering: .relaxed)
            return try await read(body)
        }
        defer { reading.subtract(1, ordering: .relaxed) }
        return try readHere(body)
    }

    private func readHere<Value>(_ body: (any SQLConnection) throws -> Value) throws -> Value {
        do {
            return try pool.read { try body(SQLiteConnection(database: $0)) }
        } catch let error as DatabaseError {
            throw translate(error)
        }
    }

    @discardableResult
    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
            enqueue(
                Job(
                    run: { connection in
                        let result = Result { try body(connection) }.mapError(translate)
                        return Job.Outcome(isSuccess: (try? result.get()) != nil) { commitError in
                            continuation.resume(with: commitError.map(Result.failure) ?? result)
                        }
                    },
                    abandon: { continuation.resume(throwing: $0) }))
        }
    }

    package func copy(to path: String) async throws {
        var configuration = Configuration()
        configuration.readonly = true
        do {
            let source = try DatabaseQueue(path: pool.path, configuration: configuration)
            try await source.writeWithoutTransaction { try $0.execute(sql: "vacuum into ?", arguments: [path]) }
            try source.close()
        } catch let error as DatabaseError {
            throw translate(error)
        }
    }

    package func damage() async throws -> [String] {
        do {
            return try await pool.read { database in
                try String.fetchAll(database, sql: "pragma integrity_check(100)").filter { $0 != "ok" }
            }
        } catch let error as DatabaseError where [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode) {
            return [error.message ?? "the database is malformed"]
        } catch let error as DatabaseError {
            throw translate(error)
        }
    }

    /// Flushes the log into the database file and closes it.
    package func close() throws {
        // The readers close after the writer, and what only reads cannot empty the log.
        _ = try pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        try pool.close()
    }

    private func enqueue(_ job: Job) {
        let isFirst = waiting.withLock { waiting in
            waiting.jobs.append(job)
            defer { waiting.isDraining = true }
            return !waiting.isDraining
        }
        if isFirst {
            pool.asyncWriteWithoutTransaction { [self] database in drain(database) }
        }
    }

    private func drain(_ database: Database) {
        while true {
            let batch = waiting.withLock { waiting in
                let batch = Array(waiting.jobs.prefix(Self.maximumBatch))
                waiting.jobs.removeFirst(batch.count)
                if batch.isEmpty { waiting.isDraining = false }
                return batch
            }
            if batch.isEmpty { return }
            commit(batch, on: database)
        }
    }

    private func commit(_ batch: [Job], on database: Database) {
        var outcomes: [Job.Outcome] = []
        do {
            let connection = SQLiteConnection(database: database)
            try connection.execute("begin immediate", [])
            for job in batch { outcomes.append(try run(job, on: connection)) }
            try connection.execute("commit", [])
            for outcome in outcomes { outcome.deliver(nil) }
        } catch {
            if database.isInsideTransaction { try? database.rollback() }
            let failure = translate(error)
            for outcome in outcomes { outcome.deliver(failure) }
            for job in batch.dropFirst(outcomes.count) { job.abandon(failure) }
        }
    }

    private func run(_ job: Job, on connection: SQLiteConnection) throws -> Job.Outcome {
        try connection.execute("savepoint job", [])
        let outcome = job.run(connection)
        if !outcome.isSuccess { try connection.execute("rollback to job", []) }
        try connection.execute("release job", [])
        return outcome
    }
}

/// A transaction that waits for its turn.
private struct Job: Sendable {
    struct Outcome: Sendable {
        let isSuccess: Bool
        /// Tells the waiting caller, once the shared commit has succeeded or failed.
        let deliver: @Sendable ((any Error)?) -> Void
    }

    let run: @Sendable (any SQLConnection) -> Outcome
    /// Tells the waiting caller that it was never run.
    let abandon: @Sendable (any Error) -> Void
}
