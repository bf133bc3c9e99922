package import GranaryModel
import Synchronization

/// Who holds which blobs, and which are about to go: how a blob store in one process keeps a removal and a push of the same
/// bytes apart.
///
/// 1. A blob that somebody holds is not removed.
/// 2. A blob that is being removed and that somebody takes meanwhile is rescued: it stays, even when it is let go again before
///    the removal ends, because whoever took it may have named it.
/// 3. Between a blob's last check and its disappearance nobody can take it.
package final class BlobLeases: Sendable {
    private struct State {
        var holders: [BlobDigest: Int] = [:]
        /// The blobs that are being removed, and whether somebody has taken them since.
        var leaving: [BlobDigest: Bool] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// Holds a blob until the lease is let go.
    package func take(_ digest: BlobDigest) -> BlobLease {
        state.withLock { state in
            state.holders[digest, default: 0] += 1
            if state.leaving[digest] != nil { state.leaving[digest] = true }
        }
        return BlobLease { [self] in release(digest) }
    }

    private func release(_ digest: BlobDigest) {
        state.withLock { state in
            let count = state.holders[digest, default: 0] - 1
            state.holders[digest] = count > 0 ? count : nil
        }
    }

    /// Answers those of `digests` that nobody holds and nobody else is removing. They are leaving until `endRemoval`.
    package func beginRemoval(of digests: [BlobDigest]) -> [BlobDigest] {
        state.withLock { state in
            let free = digests.filter { state.holders[$0] == nil && state.leaving[$0] == nil }
            for digest in free { state.leaving[digest] = false }
            return free
        }
    }

    /// Runs `vanish`, which takes the blob's name away and must be quick, unless the blob was rescued; answers whether it ran.
    package func unlessRescued(
        _ digest: BlobDigest, _ vanish: () throws(BlobStoreError) -> Void
    ) throws(BlobStoreError) -> Bool {
        try state.withLock { state throws(BlobStoreError) in
            guard state.leaving[digest] == false else { return false }
            try vanish()
            return true
        }
    }

    /// Says that the removal of what `beginRemoval` answered is over, whatever came of it.
    package func endRemoval(of digests: [BlobDigest]) {
        state.withLock { state in
            for digest in digests { state.leaving[digest] = nil }
        }
    }
}
