import Crypto
import FoundationEssentials
package import GranaryModel
package import GranaryPorts
import GranaryStore

/// Copies a data directory into a folder of backups while the server writes.
///
/// The database is copied as it is at one moment; then the blobs it names, as far as the folder does not have them. Nothing is
/// removed from the store meanwhile, so all of them are there. Each blob is compared with its name as it is copied.
package struct Backup: Sendable {
    private let driver: any SQLDriver
    private let blobs: any BlobStore
    private let tokenKey: String
    private let target: BackupFolder
    private let databases: any SQLFileOpener
    private let now: Now

    /// `tokenKey` is the file with the key of the data directory.
    package init(
        of driver: any SQLDriver, _ blobs: any BlobStore, tokenKey: String, into target: BackupFolder,
        now: @escaping Now,
        databases: any SQLFileOpener
    ) {
        self.driver = driver
        self.blobs = blobs
        self.tokenKey = tokenKey
        self.target = target
        self.now = now
        self.databases = databases
    }

    /// Makes a backup, and then forgets all but the `keeping` newest. `tell` hears how far it is.
    package func run(
        keeping: Int?, tell: @escaping @Sendable (BackupReport) -> Void = { _ in }
    ) async throws -> BackupReport {
        guard let lock = try target.files.lock("\(target.path)/backup.lock", exclusively: true) else {
            throw BackupFailure("another backup into '\(target.path)' is under way")
        }
        defer { withExtendedLifetime(lock) {} }
        let time = now()
        let name = time.description.replacing(":", with: "-")
        try removeUnfinished()
        try target.files.makeDirectory("\(target.folder(name))/secrets")
        let progress = try await copy(name, tell)
        let description = try await describe(name, time, progress)
        try target.write(Data(jsonText(description).utf8), to: "\(target.folder(name))/backup.json")
        for folder in ["\(target.path)/backups", target.path] { try target.files.synchronizeDirectory(folder) }
        var report = progress
        report.name = name
        if let keeping { report.forgotten = try await forget(allBut: keeping) }
        return report
    }

    private func copy(_ name: String, _ tell: @escaping @Sendable (BackupReport) -> Void) async throws -> BackupReport {
        let hold = try await blobs.holdRemovals()
        defer { withExtendedLifetime(hold) {} }
        try await driver.copy(to: target.database(name))
        if target.files.exists(tokenKey) {
            try target.write(try target.read(tokenKey), to: "\(target.folder(name))/secrets/token-key")
        }
        let transfer = BlobTransfer(from: blobs, to: target.blobs)
        return try await databases.open(target.database(name)) { try await transfer.run(namedIn: $0, tell: tell) }
    }

    private func describe(
        _ name: String, _ time: Timestamp, _ report: BackupReport
    ) async throws -> BackupFolder.Description {
        let sequence = try await databases.open(target.database(name)) { copied in
            try await copied.read { try EventRows($0).newest().value }
        }
        return BackupFolder.Description(
            format: BackupFolder.Description.currentFormat, name: name, createdAt: time,
            sequence: sequence, blobs: report.blobs, bytes: report.bytes,
            databaseDigest: try FileDigest.sha256(of: target.database(name), target.files))
    }

    /// What a backup that was cut short left; its blobs are of use to the next.
    private func removeUnfinished() throws {
        let finished = Set(try target.list().map(\.name))
        for entry in try target.files.entries(of: "\(target.path)/backups") where !finished.contains(entry.name) {
            try removeFolder(entry.name)
        }
    }

    private func removeFolder(_ name: String) throws {
        // The description first: what has none is no backup.
        try target.files.remove("\(target.folder(name))/backup.json")
        try FileManager.default.removeItem(atPath: target.folder(name))
    }

    // MARK: Forgetting

    /// Removes all but the newest backups, and the blobs that none of the others names. Answers how many backups went.
    private func forget(allBut count: Int) async throws -> Int {
        let all = try target.list()
        let old = all.dropLast(max(count, 1))
        guard !old.isEmpty else { return 0 }
        for backup in old { try removeFolder(backup.name) }
        var cursor: BlobDigest?
        while true {
            let page = try await target.blobs.list(after: cursor, limit: BlobTransfer.page)
            guard let last = page.last?.digest else { return old.count }
            var unnamed = Set(page.map(\.digest))
            for backup in all.suffix(max(count, 1)) {
                unnamed.subtract(try await named(in: backup.name, after: cursor, through: last))
            }
            _ = try await target.blobs.remove(Array(unnamed)) { Set($0) }
            cursor = last
        }
    }

    private func named(in name: String, after: BlobDigest?, through: BlobDigest) async throws -> Set<BlobDigest> {
        try await databases.open(target.database(name)) { database in
            try await database.read { try CleanupRows($0).named(after: after, through: through, ended: []) }
        }
    }
}

/// What a backup, or a restore, copied.
package struct BackupReport: Codable, Sendable, Equatable {
    /// Below `backups`.
    package var name = ""
    /// What the database names.
    package var blobs = 0
    package var bytes: Int64 = 0
    /// What was not there already.
    package var copiedBlobs = 0
    package var copiedBytes: Int64 = 0
    /// Blobs that could not be copied because they are damaged or missing where they should come from.
    package var damaged: [String] = []
    /// Older backups that were removed.
    package var forgotten = 0
}
