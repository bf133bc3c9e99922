import Foundation
import GranaryPorts
import GranarySQLite
import GranaryTestKit
import Testing

@Suite("The SQLite driver")
struct SQLiteDriverTests {
    private func withDriver(_ body: (SQLiteDriver) async throws -> Void) async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let driver = try SQLiteDriver(path: "\(folder.path)/test.db")
        try await driver.write { try $0.execute("create table entry (id integer primary key, name text unique)", []) }
        try await body(driver)
    }

    @Test("What one transaction wrote, the next read sees")
    func readAfterWrite() async throws {
        try await withDriver { driver in
            try await driver.write { try $0.execute("insert into entry (name) values ($1)", [.text("a")]) }
            let names = try await driver.read { try $0.query("select name from entry", []).map { $0.text(0) } }
            #expect(names == ["a"])
        }
    }

    @Test("A look sees the same, cannot write, and does not wait where all readers are busy")
    func look() async throws {
        try await withDriver { driver in
            try await driver.write { try $0.execute("insert into entry (name) values ($1)", [.text("a")]) }
            let count = { @Sendable (connection: any SQLConnection) in
                try connection.first("select count(*) from entry", [])?.integer(0)
            }
            #expect(try await driver.look(count) == 1)
            await #expect(throws: SQLError.self) { try await driver.look { try $0.execute("delete from entry", []) } }
            try await withThrowingTaskGroup(of: Int64?.self) { group in
                // Each keeps a reader for a while, and then more look than there are readers.
                for _ in 0..<SQLiteDriver.readers {
                    group.addTask {
                        try await driver.read { connection in
                            usleep(100_000)
                            return try count(connection)
                        }
                    }
                }
                for _ in 0..<100 { group.addTask { try await driver.look(count) } }
                for try await value in group { #expect(value == 1) }
            }
        }
    }

    @Test("The writer flushes every commit to the disk")
    func synchronous() async throws {
        try await withDriver { driver in
            let level = try await driver.write { try $0.first("pragma synchronous", [])?.integer(0) }
            #expect(level == 2, "2 is FULL")
        }
    }

    @Test("A placeholder may stand in several places")
    func repeatedPlaceholder() async throws {
        try await withDriver { driver in
            let row = try await driver.read {
                try $0.first("select $1 + $1, $2, $1", [.integer(2), .text("x")])
            }
            #expect(row?.integer(0) == 4)
            #expect(row?.text(1) == "x")
            #expect(row?.integer(2) == 2)
        }
    }

    @Test("Placeholders may stand in any order, and each needs its argument")
    func placeholderOrder() async throws {
        try await withDriver { driver in
            let row = try await driver.read { try $0.first("select $2, $1", [.integer(1), .text("x")]) }
            #expect(row?.text(0) == "x" && row?.integer(1) == 1)
            await #expect(throws: SQLError.self) {
                try await driver.read { _ = try $0.query("select $1, $2", [.integer(1)]) }
            }
        }
    }

    @Test("Of many transactions that share a commit, those that throw change nothing and the others hold")
    func groupCommit() async throws {
        try await withDriver { driver in
            let outcomes = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let done: Void? = try? await driver.write { connection in
                            try connection.execute("insert into entry (name) values ($1)", [.text("n\(number)")])
                            if number % 3 == 0 { throw SQLError.failed("on purpose") }
                        }
                        return done != nil
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            let count = try await driver.read { try $0.first("select count(*) from entry", [])?.integer(0) }
            #expect(outcomes == 133)
            #expect(count == 133)
        }
    }

    @Test("A constraint that says no is told as one, and nothing of the transaction stays")
    func constraint() async throws {
        try await withDriver { driver in
            await #expect {
                try await driver.write { connection in
                    try connection.execute("insert into entry (name) values ('x')", [])
                    try connection.execute("insert into entry (name) values ('x')", [])
                }
            } throws: { error in
                if case SQLError.constraint = error { true } else { false }
            }
            let count = try await driver.read { try $0.first("select count(*) from entry", [])?.integer(0) }
            #expect(count == 0)
        }
    }

    @Test("A read cannot write")
    func readOnly() async throws {
        try await withDriver { driver in
            await #expect(throws: SQLError.self) {
                try await driver.read { try $0.execute("insert into entry (name) values ('x')", []) }
            }
        }
    }

    @Test("A database that was written over is found to be damaged")
    func damage() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let path = "\(folder.path)/test.db"
        let driver = try SQLiteDriver(path: path)
        try await driver.write { connection in
            try connection.execute("create table entry (id integer primary key, name text unique)", [])
            for number in 0..<2000 {
                try connection.execute("insert into entry (name) values ($1)", [.text("some name \(number)")])
            }
        }
        #expect(try await driver.damage() == [])
        try driver.close()
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        #expect((size ?? 0) > 10 * 4096, "closing empties the log into the file")
        let file = try FileHandle(forUpdating: URL(filePath: path))
        try file.seek(toOffset: 5 * 4096)
        try file.write(contentsOf: Data(repeating: 0x55, count: 4096))
        try file.close()
        #expect(try await SQLiteDriver(path: path).damage() != [])
    }
}
