import GranaryFormat
import GranaryModel
import NIOCore
import Synchronization

/// Documents that were made of other documents, by the digests of those: what they were made of never changes.
final class DocumentMemo: Sendable {
    /// In bytes.
    private static let capacity = 32 << 20

    struct Key: Hashable {
        let repository: RepositoryID
        /// What it was made of.
        let blob: BlobDigest
        let variant: String
    }

    private let documents = Mutex(
        RecentMap<Key, Document>(capacity: DocumentMemo.capacity) { $0.bytes.readableBytes + 512 })

    func find(_ key: Key) -> Document? { documents.withLock { $0.find(key) } }

    func keep(_ document: Document, as key: Key) {
        guard document.bytes.readableBytes < Self.capacity / 2 else { return }
        documents.withLock { $0.insert(document, for: key) }
    }
}
