import Crypto
package import GranaryModel
import GranaryPorts
import NIOCore
import Synchronization

/// The bytes of small blobs that were read lately. They are checked against their digest when they are taken in, so a disk
/// that damages a blob is noticed on its next reading.
package final class SmallBlobs: Sendable {
    /// A longer blob is not kept, in bytes.
    package static let maximumBytes: Int64 = 64 << 10
    /// Of all that is kept, in bytes.
    package static let capacity = 12 << 20

    private let state = Mutex(State())

    private struct State {
        var blobs = RecentMap<BlobDigest, ByteBuffer>(capacity: SmallBlobs.capacity) { $0.readableBytes + 512 }
        /// How often something was dropped.
        var drops: UInt64 = 0
    }

    package init() {}

    func find(_ digest: BlobDigest) -> ByteBuffer? { state.withLock { $0.blobs.find(digest) } }

    /// Reads a blob through `open` and keeps its bytes. Throws when they are not those of the digest.
    func read(_ digest: BlobDigest, from blob: any OpenBlob) async throws(BlobStoreError) -> ByteBuffer {
        let drops = state.withLock { $0.drops }
        let bytes = if let content = blob.content { content } else { try await blob.read(0..<blob.size) }
        var hash = SHA256()
        bytes.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        guard BlobDigest(bytes: hash.finalize()) == digest else {
            throw .failed("the bytes of \(digest) are damaged")
        }
        state.withLock { state in
            if state.drops == drops { state.blobs.insert(bytes, for: digest) }
        }
        return bytes
    }

    /// Forgets a blob, which is not to be served any more: no reading that is under way brings it back.
    package func drop(_ digest: BlobDigest) {
        state.withLock { state in
            state.blobs.remove(digest)
            state.drops += 1
        }
    }
}
