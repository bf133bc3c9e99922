package import GranaryPorts
import FoundationEssentials

/// One step of the schema: a number, a name and the statements.
package struct Migration: Sendable {
    package let number: Int
    package let name: String
    package let statements: [String]
}

/// Brings a database to the newest schema. Steps are append-only and the same on every database.
package struct Migrator: Sendable {
    private let driver: any SQLDriver
    private let migrations: [Migration]

    package init(driver: any SQLDriver, migrations: [Migration] = Migration.all) {
        self.driver = driver
        self.migrations = migrations
    }

    /// Applies what is missing, each step in its own transaction. Throws `StoreError.newerSchema` when the database was
    /// written by a newer server.
    package func migrate() async throws {
        try await driver.write { connection in
            _ = try connection.execute(
                "create table if not exists migration (number bigint primary key, name text not null)", [])
        }
        let applied = try await driver.read { connection in
            try connection.query("select number from migration order by number", []).map { Int($0.integer(0)) }
        }
        guard applied.allSatisfy({ number in migrations.contains { $0.number == number } }) else {
            throw StoreError.newerSchema
        }
        for migration in migrations where !applied.contains(migration.number) {
            try await apply(migration)
        }
    }

    private func apply(_ migration: Migration) async throws {
        let identity = driver.identityColumn
        try await driver.write { connection in
            for statement in migration.statements {
                try connection.execute(statement.replacing("IDENTITY", with: identity), [])
            }
            try connection.execute(
                "insert into migration (number, name) values ($1, $2)",
                [.integer(Int64(migration.number)), .text(migration.name)])
        }
    }
}

extension Migration {
    /// Splits a script at the semicolons that end its lines, without comments.
    package init(number: Int, name: String, script: String) {
        let lines = script.split(separator: "\n").filter { !$0.hasPrefix("--") }
        let statements = lines.joined(separator: "\n").split(separator: ";\n", omittingEmptySubsequences: true)
        self.init(
            number: number, name: name,
            statements: statements.map { statement in
                statement.hasSuffix(";") ? String(statement.dropLast()) : String(statement)
            })
    }
}
