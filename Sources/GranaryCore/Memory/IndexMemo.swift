import GranaryFormat
import GranaryModel
import Synchronization

/// What was decoded from documents of upstreams, by the digests of those: what they say never changes.
final class IndexMemo: Sendable {
    /// In bytes of what was decoded. One that is longer than half of it stays only as long as nothing follows it.
    private static let capacity = 128 << 20

    struct Key: Hashable {
        let repository: RepositoryID
        let blob: BlobDigest
        let mediaType: String
        /// Where it came from: addresses in it may be relative to that.
        let source: String
        let selection: Selection
    }

    private struct Entry {
        let index: any Sendable
        let size: Int
    }

    private let entries = Mutex(RecentMap<Key, Entry>(capacity: IndexMemo.capacity) { $0.size + 512 })

    func find<Index: Sendable>(_ key: Key, as type: Index.Type) -> Index? {
        entries.withLock { $0.find(key)?.index as? Index }
    }

    /// `size` is that of the document.
    func keep(_ index: some Sendable, of size: Int, as key: Key) {
        entries.withLock { $0.insert(Entry(index: index, size: size), for: key) }
    }
}
