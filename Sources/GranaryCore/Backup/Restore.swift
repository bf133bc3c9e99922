import FoundationEssentials
import GranaryModel
package import GranaryPorts
import GranaryStore

/// Makes a data directory from a backup. The database comes last, so that what was cut short is no data directory and can be
/// restored again.
package struct Restore: Sendable {
    private let source: BackupFolder
    private let databases: any SQLFileOpener

    package init(from source: BackupFolder, databases: any SQLFileOpener) {
        self.source = source
        self.databases = databases
    }

    /// Restores the backup of a name, or the newest, into the data directory at `path`, whose store is `blobs`. Throws
    /// `BackupFailure`.
    package func run(
        _ name: String?, into path: String, _ blobs: any BlobStore,
        tell: @escaping @Sendable (BackupReport) -> Void = { _ in }
    ) async throws -> BackupReport {
        let database = "\(path)/granary.db"
        guard !source.files.exists(database) else {
            throw BackupFailure("'\(path)' holds a database already; restore into an empty folder")
        }
        let description = try description(name)
        let copy = source.database(description.name)
        guard try FileDigest.sha256(of: copy, source.files) == description.databaseDigest else {
            throw BackupFailure("'\(copy)' is not the file that was backed up")
        }
        let part = "\(database).part"
        try source.files.remove(part)
        try FileManager.default.copyItem(atPath: copy, toPath: part)
        let transfer = BlobTransfer(from: source.blobs, to: blobs)
        var report = try await databases.open(part) { try await transfer.run(namedIn: $0, tell: tell) }
        report.name = description.name
        let key = "\(source.folder(description.name))/secrets/token-key"
        if source.files.exists(key) {
            try source.files.makeDirectory("\(path)/secrets")
            try source.write(try source.read(key), to: "\(path)/secrets/token-key")
        }
        try source.files.open(part, for: .update).synchronize()
        try source.files.move(part, to: database)
        try source.files.synchronizeDirectory(path)
        return report
    }

    private func description(_ name: String?) throws -> BackupFolder.Description {
        let all = try source.list()
        guard let newest = all.last else { throw BackupFailure("there is no backup in '\(source.path)'") }
        guard let name else { return newest }
        guard let wanted = all.first(where: { $0.name == name }) else {
            throw BackupFailure("there is no backup '\(name)' in '\(source.path)'; the newest is '\(newest.name)'")
        }
        return wanted
    }
}
