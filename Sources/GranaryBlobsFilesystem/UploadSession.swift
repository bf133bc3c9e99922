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

    /// The disk begins with as many bytes at once; with fewer, it is asked too often.
    private static let earlyBytes: Int64 = 8 << 20

    struct State {
        var offset: Int64
        /// What comes before has been left to the disk.
        var early: Int64
        /// Nil when the bytes before this process have not been hashed.
        var hashes: RunningHashes?
        var isBusy = false
        /// It became a blob, or was cancelled: its file is not its own any more.
        var isEnded = false
    }

    init(file: any File, offset: Int64, hashes: RunningHashes?) {
        self.file = file
        state = Mutex(State(offset: offset, early: offset, hashes: hashes))
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

    /// Writes and hashes a batch, both at once: the one on the blocking pool, the other here.
    func add(_ batch: UploadBatch, on pool: NIOThreadPool) async throws {
        do {
            let start = offset
            async let written: Void = pool.runIfActive { [self] in
                try batch.write(to: file, at: start)
                if let early = takeEarly(through: start + Int64(batch.count)) { file.writeEarly(early) }
            }
            hash(batch)
            try await written
            state.withLock { $0.offset += Int64(batch.count) }
        } catch {
            try? rewind()
            throw error
        }
    }

    private func hash(_ batch: UploadBatch) {
        // Taken out, so that they are not copied; nobody else asks for them while the session is busy.
        guard var hashes = state.withLock({ $0.hashes.take() }) else { return }
        for chunk in batch.chunks { chunk.withUnsafeReadableBytes { hashes.update($0) } }
        state.withLock { [hashes] in $0.hashes = hashes }
    }

    /// What is to be left to the disk now, so that the last flush has little to do; nil while it is too little.
    private func takeEarly(through end: Int64) -> Range<Int64>? {
        state.withLock { state in
            guard end - state.early >= Self.earlyBytes else { return nil }
            defer { state.early = end }
            return state.early..<end
        }
    }

    /// After a failed batch nobody knows what was written: forget what is beyond the last good one.
    private func rewind() throws(BlobStoreError) {
        let offset = state.withLock { state in
            state.hashes = nil
            state.early = min(state.early, state.offset)
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

/// Chunks that are written and hashed together. Long ones stay as they came; short ones are gathered, because each would
/// hold the whole buffer it came in, and be a call to the system.
struct UploadBatch: Sendable {
    private static let shortBytes = 8 << 10

    private(set) var chunks: [ByteBuffer] = []
    /// In bytes.
    private(set) var count = 0
    private var endsShort = false

    mutating func add(_ chunk: ByteBuffer) {
        count += chunk.readableBytes
        let isShort = chunk.readableBytes < Self.shortBytes
        if isShort, endsShort {
            chunks[chunks.count - 1].writeImmutableBuffer(chunk)
        } else {
            chunks.append(chunk)
        }
        endsShort = isShort
    }

    /// Writes the chunks one after the other.
    func write(to file: any File, at offset: Int64) throws(BlobStoreError) {
        var position = offset
        for chunk in chunks {
            let written = chunk.withUnsafeReadableBytes { bytes in
                Result { () throws(BlobStoreError) in try file.write(bytes, at: position) }
            }
            try written.get()
            position += Int64(chunk.readableBytes)
        }
    }
}
