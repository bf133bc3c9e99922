import FoundationEssentials
import GranaryBlobsFilesystem
import GranaryCore
import GranaryModel
import GranaryPorts
import GranarySQLite
import NIOPosix

/// Plugs backups together.
enum BackupParts {
    static func folder(_ path: String) throws -> BackupFolder {
        BackupFolder(
            path: path, files: POSIXFileSystem(), blobs: try FilesystemBlobStore(root: path, pool: .singleton))
    }

    /// Of which moment the newest backup is. It makes nothing in the folder, which may be on a disk that is not there now.
    static func newest(in path: String) throws -> Timestamp? { try BackupFolder.newest(in: path, POSIXFileSystem()) }

    /// A backup of stores whose data directory is `data`.
    static func backup(
        of driver: any SQLDriver, _ blobs: any BlobStore, in data: String, into path: String
    ) throws -> Backup {
        Backup(
            of: driver, blobs, tokenKey: "\(data)/secrets/token-key", into: try folder(path),
            now: { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) },
            databases: SQLiteFileOpener())
    }
}
