import GranaryPorts
import NIOCore
import NIOPosix
import Synchronization

/// The bytes of an upload so far, and their hashes as far as they have been computed.
///
/// The hashes live in memory; after a restart they are computed again from the file when they are asked for.
final class UploadSession: Sendable {
    let file: any File
    private let state: Mutex<State>

    struct State {
        var offset: Int64
        /// Nil when the bytes before this process have not been hashed.
        var hashes: RunningHashes?
        var isBusy = false
        /// It became a blob, or was cancelled: its file is not its own any more.
        var isEnded = false
    }

    init(file: any File, offset: Int64, hashes: RunningHashes?) {
        self.file = file
        state = Mutex(State(offset: offset, hashes: hashes))
    }

    var offset: Int64 { state.withLock { $0.offset } }

    /// Whether somebody has taken it.
    var isBusy: Bool { state.withLock { $0.isBusy } }

    /// What comes of wanting to write to a session.
    enum Acquisition { case acquired, busy, ended }

    /// Takes the session for one writer.
    func acquire() -> Acquisition {
        state.withLock { state in
            if state.isEnded { return .ended }
            if state.isBusy { return .busy }
            state.isBusy = true
            return .acquired
        }
    }

    func release() { state.withLock { $0.isBusy = false } }

    var isEnded: Bool { state.withLock { $0.isEnded } }

    /// Nobody can take it again.
    func end() { state.withLock { $0.isEnded = true } }

    /// Writes and hashes a batch, both at once on the blocking pool.
    func add(_ batch: ByteBuffer, on pool: NIOThreadPool) async throws {
        do {
            try await writeAndHash(batch, at: offset, on: pool)
            state.withLock { $0.offset += Int64(batch.readableBytes) }
        } catch {
            try? rewind()
            throw error
        }
    }

    private func writeAndHash(_ batch: ByteBuffer, at start: Int64, on pool: NIOThreadPool) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [file] in
                try await pool.runIfActive {
                    try batch.withUnsafeReadableBytes { try file.write($0, at: start) }
                }
            }
            group.addTask { [self] in
                try await pool.runIfActive {
                    var hashes = self.state.withLock { $0.hashes }
                    batch.withUnsafeReadableBytes { hashes?.update($0) }
                    self.state.withLock { [hashes] in $0.hashes = hashes }
                }
            }
            try await group.waitForAll()
        }
    }

    /// After a failed batch nobody knows what was written: forget what is beyond the last good one.
    private func rewind() throws(BlobStoreError) {
        let offset = state.withLock { state in
            state.hashes = nil
            return state.offset
        }
        try file.truncate(to: offset)
    }

    /// Hashes of all bytes; reads the file again only where they were not computed on the way.
    func hashes(_ wanted: Set<String>) throws(BlobStoreError) -> [String: String] {
        let (running, offset) = state.withLock { ($0.hashes, $0.offset) }
        if let running, running.covers(wanted) { return running.values }
        var hashes = RunningHashes(wanted)
        var position: Int64 = 0
        while position < offset {
            let piece = try file.read(at: position, count: Int(min(offset - position, 1 << 20)))
            guard piece.readableBytes > 0 else { throw .failed("an upload is shorter than it was") }
            piece.withUnsafeReadableBytes { hashes.update($0) }
            position += Int64(piece.readableBytes)
        }
        state.withLock { $0.hashes = hashes }
        return hashes.values
    }
}
