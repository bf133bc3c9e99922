import FoundationEssentials
import GranaryFormat
package import GranaryModel
package import GranaryPorts
import Synchronization

/// The upload sessions that are open, by whose they are, so that nobody fills the disk and its folders with them. The sessions
/// themselves are the blob store's.
package final class OpenUploads: Sendable {
    /// Sessions that one user may have open; those of somebody unknown count together.
    package static let standardLimit = 1000

    private struct State {
        /// Whose each is, as the history calls them.
        var owners: [String: String] = [:]
        var counts: [String: Int] = [:]

        mutating func add(_ id: String, _ actor: String) {
            owners[id] = actor
            counts[actor, default: 0] += 1
        }

        mutating func remove(_ id: String) {
            guard let actor = owners.removeValue(forKey: id), let count = counts[actor] else { return }
            counts[actor] = count > 1 ? count - 1 : nil
        }
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    /// Counts the sessions from before this process; to be called before there are others.
    package func load(from blobs: any BlobStore) async throws {
        for (id, text) in try await blobs.uploads() {
            guard let memo = try? JSONDecoder().decode(UploadMemo.self, from: Data(text.utf8)) else { continue }
            state.withLock { $0.add(id, memo.actor) }
        }
    }

    /// Takes a place for a session, which `end` gives back. Throws `.tooMany` when there is none.
    func begin(_ id: UploadID, by actor: String) throws(Problem) {
        let hasRoom = state.withLock { state in
            guard state.counts[actor, default: 0] < limit else { return false }
            state.add(id.text, actor)
            return true
        }
        guard hasRoom else {
            throw .tooMany("as many as \(limit) uploads are open; finish or cancel some", retryAfter: 60)
        }
    }

    /// Gives the place of a session back. No error when it has been given back.
    func end(_ id: String) { state.withLock { $0.remove(id) } }
}

extension Services {
    /// Removes the upload sessions that were last touched before `moment`, and answers how many there were.
    package func expireUploads(before moment: Timestamp) async throws -> Int {
        let expired = try await blobs.expireUploads(before: moment)
        for id in expired { openUploads.end(id) }
        return expired.count
    }
}
