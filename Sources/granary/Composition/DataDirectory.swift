#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import Foundation
import FoundationEssentials

/// The folder that holds everything a server has.
///
///     granary.db                what is known (SQLite)
///     blobs/, uploads/          bytes
///     secrets/token-key         signs short-lived tokens; 32 bytes
///     initial-admin-password    until somebody deletes it
///     granary.lock              held by the server that runs
struct DataDirectory {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let path: String
    private let lock: CInt

    /// Makes the folder where it is missing and takes its lock, which the process keeps until it ends.
    init(_ path: String) throws {
        self.path = path
        do {
            try FileManager.default.createDirectory(
                atPath: "\(path)/secrets", withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure(description: "the data directory '\(path)' cannot be made: \(error.localizedDescription)")
        }
        lock = open("\(path)/granary.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            throw Failure(description: "the data directory '\(path)' cannot be written")
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw Failure(description: "another granary runs on the data directory '\(path)'")
        }
    }

    var database: String { "\(path)/granary.db" }
    var initialPassword: String { "\(path)/initial-admin-password" }

    /// The key that signs tokens: made once, with `make`.
    func tokenKey(make: () -> [UInt8]) throws -> [UInt8] {
        let file = "\(path)/secrets/token-key"
        if let data = FileManager.default.contents(atPath: file), data.count == 32 { return [UInt8](data) }
        let key = make()
        try Self.writePrivate(Data(key), to: file)
        return key
    }

    /// Writes a file that nobody but its owner can read, at any moment.
    static func writePrivate(_ data: Data, to path: String) throws {
        let temporary = "\(path).new"
        unlink(temporary)
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failure(description: "'\(path)' cannot be written") }
        defer { close(file) }
        let written = data.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        guard written == data.count, fsync(file) == 0, rename(temporary, path) == 0 else {
            throw Failure(description: "'\(path)' cannot be written")
        }
    }
}
