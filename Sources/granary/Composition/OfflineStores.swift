import FoundationEssentials
import GranaryBlobsFilesystem
import GranaryCore
import GranaryModel
import GranarySQLite
import GranaryStore
import Logging
import NIOPosix

/// The stores of a data directory whose server is stopped, for commands that look at them directly.
enum OfflineStores {
    /// Opens the stores at a path while `body` runs. Throws a `Failure` when a server runs there, or when there is no database.
    static func open<Value: Sendable>(
        _ path: String, _ body: (Services) async throws -> Value
    ) async throws -> Value {
        guard FileManager.default.fileExists(atPath: "\(path)/granary.db") else {
            throw Failure("'\(path)' is no data directory of granary", .usage)
        }
        do {
            return try await open(try DataDirectory(path), body)
        } catch let error as DataDirectory.Failure {
            throw Failure(error.description, .failed)
        }
    }

    /// Opens the stores of a data directory that this process holds while `body` runs.
    static func open<Value: Sendable>(
        _ data: DataDirectory, _ body: (Services) async throws -> Value
    ) async throws -> Value {
        let driver = try SQLiteDriver(path: data.database)
        try await Migrator(driver: driver).migrate()
        let now: Now = { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
        let lines = LineWriter(format: .text, now: now)
        let services = Services(
            driver: driver, blobs: try FilesystemBlobStore(root: data.path, pool: .singleton),
            snapshot: CurrentSnapshot(driver: driver), now: now, random: { [UInt8](repeating: 0, count: $0) },
            logger: Logger(label: "granary") { _ in LineLogHandler(lines: lines, logLevel: .error) })
        let value = try await body(services)
        try driver.close()
        return value
    }
}
