/// A database. The store speaks one SQL to every driver: the common subset of SQLite and PostgreSQL.
///
/// Rules:
/// 1. Transaction bodies are synchronous, so nothing can wait for I/O inside them.
/// 2. `write` transactions run one after the other, each sees all before it, and `write` answers only when its changes are durable.
/// 3. A body that throws changes nothing, whatever other transactions shared its commit.
/// 4. `read` sees one consistent state and cannot write.
package protocol SQLDriver: Sendable {
    /// What this database calls a 64-bit primary key that numbers itself.
    var identityColumn: String { get }

    /// Runs `body` in a transaction that only reads.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value
    /// As `read`, for a body that asks for a few rows by their keys: it may run where it is called, so that nobody has to be
    /// woken for it.
    func look<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value
    /// Runs `body` in a transaction, and answers when its changes are durable.
    @discardableResult
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value

    /// Writes one consistent state of the whole database to a new file, durably; others read and write meanwhile.
    func copy(to path: String) async throws

    /// Looks through the whole database for damage, and says what it finds, up to 100 sentences. Takes as long as reading
    /// all of it; others read and write meanwhile.
    func damage() async throws -> [String]
}

extension SQLDriver {
    /// Where there is no shorter way.
    package func look<Value: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> Value
    ) async throws -> Value {
        try await read(body)
    }
}

/// Opens databases that are single files, such as copies that `SQLDriver.copy` made.
package protocol SQLFileOpener: Sendable {
    /// Runs `body` on the database in a file, which is read and stays as it is to the byte.
    func open<Value: Sendable>(
        _ path: String, _ body: (any SQLDriver) async throws -> Value
    ) async throws -> Value
}

/// A connection inside one transaction. Not to be kept beyond it.
package protocol SQLConnection {
    /// Runs one statement and answers its rows. `$1` stands for the first argument, `$2` for the second.
    func query(_ sql: String, _ arguments: [SQLValue]) throws -> [SQLRow]
    /// Runs one statement and answers how many rows it changed.
    @discardableResult func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int
}

extension SQLConnection {
    /// The first row, if any.
    package func first(_ sql: String, _ arguments: [SQLValue]) throws -> SQLRow? {
        try query(sql, arguments).first
    }
}

/// A value as both databases store it: booleans are integers, moments milliseconds, JSON text.
package enum SQLValue: Sendable, Hashable {
    case null
    case integer(Int64)
    case text(String)

    /// Nil is stored as null.
    package static func optional(_ text: String?) -> SQLValue { text.map(SQLValue.text) ?? .null }
    /// Nil is stored as null.
    package static func optional(_ integer: Int64?) -> SQLValue { integer.map(SQLValue.integer) ?? .null }
    /// Stored as 0 or 1.
    package static func boolean(_ value: Bool) -> SQLValue { .integer(value ? 1 : 0) }
}

/// A row by column position, in the order of the select list.
package struct SQLRow: Sendable {
    private let values: [SQLValue]

    package init(_ values: [SQLValue]) { self.values = values }

    /// Asking for a column as what it is not is a programmer's error.
    package func integer(_ column: Int) -> Int64 {
        guard case .integer(let value) = values[column] else { preconditionFailure("column \(column) is no integer") }
        return value
    }

    /// As `integer`, for text.
    package func text(_ column: Int) -> String {
        guard case .text(let value) = values[column] else { preconditionFailure("column \(column) is no text") }
        return value
    }

    /// Nil where the column is null.
    package func optionalInteger(_ column: Int) -> Int64? {
        values[column] == .null ? nil : integer(column)
    }

    /// Nil where the column is null.
    package func optionalText(_ column: Int) -> String? {
        values[column] == .null ? nil : text(column)
    }
}

/// Why a database did not do as asked.
package enum SQLError: Error, Sendable, Equatable {
    /// A unique index or another constraint says no.
    case constraint(String)
    /// The disk is full.
    case full
    /// It cannot be reached, is locked for too long, or is damaged.
    case failed(String)
}
