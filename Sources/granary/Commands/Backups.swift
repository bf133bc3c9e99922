import ArgumentParser
import FoundationEssentials
import GranaryBlobsFilesystem
import GranaryCore
import GranaryHTTP
import GranaryModel
import GranarySQLite
import NIOPosix

/// `granary backup`
struct MakeBackup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy a data directory into a folder of backups, while its server serves.",
        discussion: """
            Blobs are copied once for all backups in the folder. With --data the copying is done by this command, on the
            server's machine; otherwise the server is asked to do it, into the folder of its setting backup.path.

            Examples:
              granary backup /mnt/backup --data /var/lib/granary --keep 14
              granary backup --keep 14
            """)

    @Argument(help: "The folder of backups; with --data only.") var folder: String?
    @Option(help: "The data directory; a server that runs is asked when left out.") var data: String?
    @Option(help: "How many backups to keep; all when left out.") var keep: Int?
    @OptionGroup var options: ClientOptions

    func validate() throws {
        if (folder == nil) != (data == nil) { throw ValidationError("a folder and --data go together") }
        if let keep, keep < 1 { throw ValidationError("--keep is at least 1") }
    }

    func run() async throws {
        try await perform {
            let report = try await report()
            if options.json { try Terminal.json(report) } else { Self.tell(report) }
            if !report.damaged.isEmpty { throw ExitCode(Outcome.failed.rawValue) }
        }
    }

    private func report() async throws -> BackupReport {
        guard let folder, let data else {
            let job = try await JobClient(client: try options.client()).run("/backups", Wire.BackupRequest(keep: keep))
            return try job.report(BackupReport.self)
        }
        guard FileManager.default.fileExists(atPath: "\(data)/granary.db") else {
            throw Failure("'\(data)' is no data directory of granary", .usage)
        }
        return try await BackupFailure.told {
            let driver = try SQLiteDriver(path: "\(data)/granary.db")
            defer { try? driver.close() }
            let backup = try BackupParts.backup(
                of: driver, try FilesystemBlobStore(root: data, pool: .singleton), in: data, into: folder)
            return try await backup.run(keeping: keep) { Terminal.watch("\($0.copiedBlobs) blobs copied") }
        }
    }

    static func tell(_ report: BackupReport) {
        for digest in report.damaged { Terminal.say("damaged or missing, not copied: \(digest)") }
        Terminal.say(
            "\(report.name): \(report.blobs) blobs (\(report.bytes) bytes), "
                + "\(report.copiedBlobs) of them copied (\(report.copiedBytes) bytes)")
        if report.forgotten > 0 { Terminal.say("\(report.forgotten) older backups removed") }
    }
}

/// `granary restore`
struct RestoreBackup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Make a data directory from a backup, and check it.",
        discussion: """
            Examples:
              granary restore /mnt/backup --list
              granary restore /mnt/backup --data /var/lib/granary
              granary restore /mnt/backup --data /tmp/old --backup 2026-01-31T03-00-00.000Z
            """)

    @Argument(help: "The folder of backups.") var folder: String
    @Option(help: "The data directory to make; must not hold a database.") var data: String?
    @Option(help: "Which backup; the newest when left out.") var backup: String?
    @Flag(help: "List the backups there are, and restore nothing.") var list = false
    @Flag(help: "Print JSON, for scripts.") var json = false

    func validate() throws {
        if list == (data != nil) { throw ValidationError("give --data, or --list") }
    }

    func run() async throws {
        try await perform {
            guard FileManager.default.fileExists(atPath: "\(folder)/backups") else {
                throw Failure("'\(folder)' is no folder of backups", .usage)
            }
            try await BackupFailure.told {
                guard let data else { return try showBackups() }
                // Held until the process ends, so that no server starts on half of it.
                let directory = try DataDirectory(data)
                let restored = try await restore(into: data)
                let report = try await OfflineStores.open(directory) { try await Check(services: $0).run() }
                if json { try Terminal.json(report) } else { CheckStorage.tell(report) }
                if report.problems > 0 || !restored.damaged.isEmpty { throw ExitCode(Outcome.failed.rawValue) }
            }
        }
    }

    private func restore(into path: String) async throws -> BackupReport {
        let store = try FilesystemBlobStore(root: path, pool: .singleton)
        let report = try await Restore(from: try BackupParts.folder(folder), databases: SQLiteFileOpener()).run(
            backup, into: path, store
        ) { Terminal.watch("\($0.copiedBlobs) blobs copied") }
        if !json { MakeBackup.tell(report) }
        return report
    }

    private func showBackups() throws {
        let all = try BackupParts.folder(folder).list()
        if json { return try Terminal.json(all) }
        Terminal.table(
            ["NAME", "MADE", "POSITION", "BLOBS", "BYTES"],
            all.map { [$0.name, $0.createdAt.description, String($0.sequence), String($0.blobs), String($0.bytes)] })
    }
}

extension BackupFailure {
    /// Runs work and turns this failure into the command line's.
    static func told<Value>(_ work: () async throws -> Value) async throws -> Value {
        do {
            return try await work()
        } catch let failure as BackupFailure {
            throw Failure(failure.description, .failed)
        } catch let failure as DataDirectory.Failure {
            throw Failure(failure.description, .failed)
        }
    }
}
