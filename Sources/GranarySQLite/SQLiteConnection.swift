import GRDB
import GRDBSQLite
import GranaryPorts

/// Tells SQLite to copy what it is given (`SQLITE_TRANSIENT`).
private let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

/// One transaction's view of the database. Statements are prepared once a connection and kept.
///
/// Values go to and from SQLite directly: GRDB's own arguments and rows cost more than most statements here.
struct SQLiteConnection: SQLConnection {
    let database: Database

    func query(_ sql: String, _ arguments: [SQLValue]) throws -> [SQLRow] {
        var rows: [SQLRow] = []
        try run(sql, arguments) { statement in
            let columns = sqlite3_column_count(statement)
            rows.append(SQLRow((0..<columns).map { value(of: $0, in: statement) }))
        }
        return rows
    }

    @discardableResult
    func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int {
        try run(sql, arguments) { _ in }
        return database.changesCount
    }

    private func run(_ sql: String, _ arguments: [SQLValue], each row: (OpaquePointer) -> Void) throws {
        let statement = try database.cachedStatement(sql: sql).sqliteStatement
        defer { sqlite3_reset(statement) }
        for index in 0..<sqlite3_bind_parameter_count(statement) {
            guard let argument = Self.argument(sqlite3_bind_parameter_name(statement, index + 1), of: arguments) else {
                throw SQLError.failed("a placeholder has no argument: \(sql)")
            }
            try check(bind(argument, to: statement, at: index + 1))
        }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: row(statement)
            case SQLITE_DONE: return
            case let code: try check(code)
            }
        }
    }

    /// SQLite numbers placeholders by where they stand first; what counts is the number that is their name, as in `$2`.
    private static func argument(_ name: UnsafePointer<CChar>?, of arguments: [SQLValue]) -> SQLValue? {
        guard var digit = name.map({ $0 + 1 }) else { return nil }
        var number = 0
        while digit.pointee != 0 {
            number = number * 10 + Int(digit.pointee) - 0x30
            digit += 1
        }
        return arguments.indices.contains(number - 1) ? arguments[number - 1] : nil
    }

    private func bind(_ value: SQLValue, to statement: OpaquePointer, at index: CInt) -> CInt {
        switch value {
        case .null: sqlite3_bind_null(statement, index)
        case .integer(let integer): sqlite3_bind_int64(statement, index, integer)
        case .text(var text):
            // SQLite copies it before the call ends.
            text.withUTF8 { bytes in
                // Text without bytes may have no address, which would bind null.
                guard !bytes.isEmpty else { return sqlite3_bind_text(statement, index, "", 0, copied) }
                return bytes.withMemoryRebound(to: CChar.self) { characters in
                    sqlite3_bind_text(statement, index, characters.baseAddress, CInt(characters.count), copied)
                }
            }
        }
    }

    private func value(of column: CInt, in statement: OpaquePointer) -> SQLValue {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER, SQLITE_FLOAT: return .integer(sqlite3_column_int64(statement, column))
        case SQLITE_TEXT:
            guard let start = sqlite3_column_text(statement, column) else { return .null }
            let bytes = UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
            return .text(String(decoding: bytes, as: UTF8.self))
        default: return .null
        }
    }

    private func check(_ code: CInt) throws {
        guard code != SQLITE_OK else { return }
        throw DatabaseError(
            resultCode: ResultCode(rawValue: code),
            message: database.sqliteConnection.map { String(cString: sqlite3_errmsg($0)) })
    }
}

/// A database error as the port words it; every other error as it is.
func translate(_ error: any Error) -> any Error {
    guard let error = error as? DatabaseError else { return error }
    let message = error.message ?? "no message"
    return switch error.resultCode {
    case .SQLITE_CONSTRAINT: SQLError.constraint(message)
    case .SQLITE_FULL: SQLError.full
    default: SQLError.failed("SQLite \(error.resultCode.rawValue): \(message)")
    }
}
