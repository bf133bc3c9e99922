import GRDB
import GranaryPorts

/// One transaction's view of the database. Statements are prepared once a connection and kept.
struct SQLiteConnection: SQLConnection {
    let database: Database

    func query(_ sql: String, _ arguments: [SQLValue]) throws -> [SQLRow] {
        let statement = try prepared(sql, arguments)
        var rows: [SQLRow] = []
        let cursor = try Row.fetchCursor(statement)
        while let row = try cursor.next() {
            rows.append(SQLRow(row.databaseValues.map(SQLValue.init)))
        }
        return rows
    }

    func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int {
        try prepared(sql, arguments).execute()
        return database.changesCount
    }

    private func prepared(_ sql: String, _ arguments: [SQLValue]) throws -> Statement {
        let statement = try database.cachedStatement(sql: sql)
        try statement.setArguments(StatementArguments(arguments.map(\.databaseValue)))
        return statement
    }
}

extension SQLValue {
    fileprivate init(_ value: DatabaseValue) {
        switch value.storage {
        case .null, .blob: self = .null
        case .int64(let integer): self = .integer(integer)
        case .double(let double): self = .integer(Int64(double))
        case .string(let text): self = .text(text)
        }
    }

    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .integer(let integer): integer.databaseValue
        case .text(let text): text.databaseValue
        }
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
