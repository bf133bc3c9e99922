import Crypto
import FoundationEssentials
import GranaryModel
import GranaryPorts
import GranaryStore
import NIOCore
import Synchronization

/// Copies the blobs that a database names from one store to another, as far as the other does not have them.
struct BlobTransfer: Sendable {
    static let page = 1000
    private static let pieceBytes: Int64 = 4 << 20

    let source: any BlobStore
    let target: any BlobStore

    init(from source: any BlobStore, to target: any BlobStore) {
        self.source = source
        self.target = target
    }

    func run(
        namedIn database: any SQLDriver, tell: @escaping @Sendable (BackupReport) -> Void
    ) async throws -> BackupReport {
        var report = BackupReport()
        var cursor: BlobDigest?
        while true {
            let after = cursor
            let named = try await database.read {
                try IntegrityRows($0).named(after: after, through: nil, limit: Self.page)
            }
            guard let last = named.last?.digest else { return report }
            for blob in named {
                report.blobs += 1
                report.bytes += blob.size
                if try await isHeld(blob) { continue }
                if try await copy(blob) {
                    report.copiedBlobs += 1
                    report.copiedBytes += blob.size
                } else {
                    report.damaged.append(blob.digest.description)
                }
                tell(report)
            }
            cursor = last
        }
    }

    private func isHeld(_ blob: StoredBlob) async throws -> Bool {
        try await target.open(blob.digest)?.size == blob.size
    }

    /// Answers false when the source does not have the bytes of that name.
    private func copy(_ blob: StoredBlob) async throws -> Bool {
        guard let open = try await source.open(blob.digest) else { return false }
        let id = "transfer-\(blob.digest.hex)"
        try await target.cancel(id)
        try await target.begin(id, hashing: [], memo: nil)
        do {
            _ = try await target.append(pieces(of: open), to: id, at: 0, limit: .max)
            _ = try await target.commit(id, CommitTerms(expected: ["sha256": blob.digest.hex]))
            return true
        } catch BlobStoreError.mismatch, BlobStoreError.source {
            try await target.cancel(id)
            return false
        } catch {
            try? await target.cancel(id)
            throw error
        }
    }

    private func pieces(of blob: any OpenBlob) -> AsyncThrowingStream<ByteBuffer, any Error> {
        let position = Mutex<Int64>(0)
        return AsyncThrowingStream {
            let range = position.withLock { position in
                let start = position
                position = min(start + Self.pieceBytes, blob.size)
                return start..<position
            }
            return range.isEmpty ? nil : try await blob.read(range)
        }
    }
}

/// Hashes of files.
enum FileDigest {
    static func sha256(of path: String, _ files: any FileSystem) throws -> String {
        let file = try files.open(path, for: .read)
        var hash = SHA256()
        var position: Int64 = 0
        while true {
            let piece = try file.read(at: position, count: 4 << 20)
            guard piece.readableBytes > 0 else { return hexadecimal(hash.finalize()) }
            piece.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
            position += Int64(piece.readableBytes)
        }
    }
}
