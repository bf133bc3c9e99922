import FoundationEssentials
import NIOCore
package import GranaryModel
package import GranaryPorts

/// A folder of backups. Each is a copy of the database and a description; the blobs are stored once for all of them, so that a
/// backup copies only what is new.
///
///     <folder>/blobs/…                            as in a data directory
///     <folder>/backups/<name>/granary.db          the database at one moment
///     <folder>/backups/<name>/secrets/token-key
///     <folder>/backups/<name>/backup.json         written last; what has none is no backup
package struct BackupFolder: Sendable {
    /// Describes a backup.
    package struct Description: Codable, Sendable, Equatable {
        static let currentFormat = 1

        /// Of this description and the folder; a newer one is refused.
        package let format: Int
        /// Where the backup lies below `backups`.
        package let name: String
        package let createdAt: Timestamp
        /// The newest position of the history in it.
        package let sequence: Int64
        package let blobs: Int
        /// Of all blobs together.
        package let bytes: Int64
        /// SHA-256 of the database file, in hexadecimal.
        package let databaseDigest: String
    }

    let path: String
    let files: any FileSystem
    let blobs: any BlobStore

    /// `blobs` is the store at `path`.
    package init(path: String, files: any FileSystem, blobs: any BlobStore) {
        self.path = path
        self.files = files
        self.blobs = blobs
    }

    func folder(_ name: String) -> String { "\(path)/backups/\(name)" }
    func database(_ name: String) -> String { "\(folder(name))/granary.db" }

    /// The finished backups, oldest first.
    package func list() throws -> [Description] { try Self.list(in: path, files) }

    /// Of which moment the newest finished backup in the folder at `path` is; nil when there is none.
    package static func newest(in path: String, _ files: any FileSystem) throws -> Timestamp? {
        files.exists("\(path)/backups") ? try list(in: path, files).last?.createdAt : nil
    }

    private static func list(in path: String, _ files: any FileSystem) throws -> [Description] {
        try files.entries(of: "\(path)/backups").compactMap { entry in
            let file = "\(path)/backups/\(entry.name)/backup.json"
            guard files.exists(file) else { return nil }
            let description = try JSONDecoder().decode(Description.self, from: try read(file, files))
            guard description.format <= Description.currentFormat else {
                throw BackupFailure("\(file) was written by a newer version")
            }
            return description
        }.sorted { ($0.createdAt, $0.name) < ($1.createdAt, $1.name) }
    }

    /// Writes a file durably under its final name.
    func write(_ bytes: Data, to file: String) throws {
        let temporary = "\(file).part"
        try files.remove(temporary)
        let open = try files.open(temporary, for: .create)
        try open.write([UInt8](bytes))
        try open.synchronize()
        try files.move(temporary, to: file)
        let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        try files.synchronizeDirectory(folder)
    }

    func read(_ file: String) throws -> Data { try Self.read(file, files) }

    private static func read(_ file: String, _ files: any FileSystem) throws -> Data {
        let open = try files.open(file, for: .read)
        return Data(try open.read(at: 0, count: Int(try open.size())).readableBytesView)
    }
}

/// Why a backup cannot be made or restored, in a sentence.
package struct BackupFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
