package import GranaryPorts

/// Opens SQLite databases.
package struct SQLiteFileOpener: SQLFileOpener {
    package init() {}

    package func open<Value: Sendable>(
        _ path: String, _ body: (any SQLDriver) async throws -> Value
    ) async throws -> Value {
        let driver = try SQLiteDriver(path: path)
        do {
            let value = try await body(driver)
            try driver.close()
            return value
        } catch {
            try? driver.close()
            throw error
        }
    }
}
