import GRDB
package import GranaryPorts

/// Opens SQLite databases to be read, and never changes a byte of them.
package struct SQLiteFileOpener: SQLFileOpener {
    package init() {}

    package func open<Value: Sendable>(
        _ path: String, _ body: (any SQLDriver) async throws -> Value
    ) async throws -> Value {
        let file = try SQLiteFile(path: path)
        let value = try await body(file)
        try file.close()
        return value
    }
}

/// A database in one file that nobody writes to.
private final class SQLiteFile: SQLDriver {
    private let queue: DatabaseQueue

    init(path: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        queue = try DatabaseQueue(path: path, configuration: configuration)
    }

    var identityColumn: String { "integer primary key" }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        do {
            return try await queue.read { try body(SQLiteConnection(database: $0)) }
        } catch let error as DatabaseError {
            throw translate(error)
        }
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        throw SQLError.failed("a database that is only read cannot be written")
    }

    func copy(to path: String) async throws { throw SQLError.failed("a copy is not copied again") }

    func damage() async throws -> [String] { [] }

    func close() throws { try queue.close() }
}
