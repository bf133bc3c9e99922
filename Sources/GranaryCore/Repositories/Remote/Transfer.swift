import GranaryFormat
import GranaryModel
import GranaryPorts
import GranaryStore
import NIOCore
import Synchronization

/// One fetch from an upstream, which all who want the same follow. It goes on when they leave.
final class Transfer: Sendable {
    /// What came of it.
    enum Outcome: Sendable {
        /// It is in the cache, or was and still holds.
        case stored(CachedItem)
        /// The upstream says that there is no such thing.
        case missing
        case failed(Problem)
    }

    /// What is known once the upstream has begun to send a body.
    struct Beginning: Sendable {
        let size: ByteCount?
        let mediaType: MediaType
        let bytes: any GrowingBytes
    }

    fileprivate struct State {
        var beginning: Beginning?
        /// What was received and may not be written yet, in order; the first begins at `recentStart`.
        var recent: [ByteBuffer] = []
        var recentStart: Int64 = 0
        var received: Int64 = 0
        /// All of it is here and is what was asked for, whatever comes of storing it.
        var isVerified = false
        var outcome: Outcome?
        /// Whoever has something older takes that.
        var isLate = false
        var waiters: [CheckedContinuation<Void, Never>] = []

        mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
            defer { waiters = [] }
            return waiters
        }
    }

    /// Shorter pieces are gathered up to this.
    private static let gatheredBytes = 16 << 10

    private let state = Mutex(State())

    // MARK: For the one who fetches

    /// The body begins; what it comes to can be read from `bytes`.
    func begin(_ beginning: Beginning) { change { $0.beginning = beginning } }

    /// A piece has come, and is about to be written.
    func receive(_ chunk: ByteBuffer) {
        change { state in
            let written = state.beginning?.bytes.count ?? 0
            var count = 0
            for chunk in state.recent {
                let end = state.recentStart + Int64(chunk.readableBytes)
                guard end <= written else { break }
                state.recentStart = end
                count += 1
            }
            state.recent.removeFirst(count)
            state.received += Int64(chunk.readableBytes)
            // An upstream that sends byte by byte must not make a long list of it.
            if let last = state.recent.last, last.readableBytes + chunk.readableBytes <= Self.gatheredBytes {
                state.recent[state.recent.count - 1].writeImmutableBuffer(chunk)
            } else {
                state.recent.append(chunk)
            }
        }
    }

    /// What has come is whole, and what was asked for.
    func verify() { change { $0.isVerified = true } }

    func end(_ outcome: Outcome) { change { $0.outcome = outcome } }

    /// It has taken too long for those who have something older.
    func beLate() { change { $0.isLate = true } }

    private func change(_ body: (inout State) -> Void) {
        let waiters = state.withLock { state in
            body(&state)
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.resume() }
    }

    // MARK: For those who follow

    /// Whether all of it is here, and only its storing goes on, if that.
    var isVerified: Bool { state.withLock { $0.isVerified } }

    /// Waits until `body` has an answer. It is asked again after every change.
    private func wait<Value: Sendable>(for body: (State) -> Value?) async -> Value {
        while true {
            if let value = state.withLock({ body($0) }) { return value }
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    guard body(state) == nil else { return true }
                    state.waiters.append(continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        }
    }

    /// Waits until it is over.
    func outcome() async -> Outcome { await wait { $0.outcome } }

    /// Waits until it is over or late; nil where it is late.
    func outcomeUnlessLate() async -> Outcome? {
        await wait { state -> Outcome?? in
            if let outcome = state.outcome { return .some(outcome) }
            return state.isLate ? .some(nil) : nil
        }
    }

    /// Waits until the body begins; nil where it ended before one did. What is only to be stored is waited for, too.
    func beginning() async -> Beginning? {
        await wait { state -> Beginning?? in
            if let beginning = state.beginning, !state.isVerified { return .some(beginning) }
            return state.outcome == nil ? nil : .some(nil)
        }
    }

    fileprivate enum Piece: Sendable {
        case chunk(ByteBuffer)
        case written(Range<Int64>, any GrowingBytes)
        case end
        case failed(Problem)
    }

    /// Of what is read from the file at once.
    private static let pieceBytes: Int64 = 256 << 10

    /// The bytes from `offset`, as many as there are, up to `end`, which is that of the file where it is nil; nil after the last
    /// ones. The very last byte waits until all are known to be right, so that nobody takes wrong bytes for whole ones; it does not
    /// wait for the disk.
    func read(from offset: Int64, to end: Int64? = nil) async throws(Problem) -> ByteBuffer? {
        let piece = await wait { $0.piece(from: offset, to: end, upTo: Self.pieceBytes) }
        switch piece {
        case .chunk(let chunk): return chunk
        case .end: return nil
        case .failed(let problem): throw problem
        case .written(let range, let bytes):
            do {
                return try await bytes.read(range)
            } catch {
                throw .unavailable("what has been fetched cannot be read", retryAfter: 5)
            }
        }
    }
}

extension Transfer.State {
    func piece(from offset: Int64, to wanted: Int64?, upTo limit: Int64) -> Transfer.Piece? {
        if isVerified, offset >= min(received, wanted ?? received) { return .end }
        switch outcome {
        case .failed(let problem)?: return .failed(problem)
        case .missing?: return .failed(.unknown(.file, "the upstream has no such file"))
        case .stored?, nil: break
        }
        // Without a size, it is the end of the answer that waits.
        let last = wanted ?? beginning?.size?.bytes
        let end = min(received, last.map { isVerified ? $0 : $0 - 1 } ?? received)
        guard offset < end, let bytes = beginning?.bytes else { return nil }
        guard offset >= recentStart else {
            return .written(offset..<min(recentStart, end, offset + limit), bytes)
        }
        return recentBytes(from: offset, to: min(end, offset + limit)).map { .chunk($0) }
    }

    /// As many chunks in one as came since the last time: whoever is slower than the upstream is not woken for each.
    private func recentBytes(from offset: Int64, to end: Int64) -> ByteBuffer? {
        var slices: [ByteBuffer] = []
        var start = recentStart
        for chunk in recent where start < end {
            let next = start + Int64(chunk.readableBytes)
            let (first, last) = (max(offset, start), min(end, next))
            if first < last {
                slices +=
                    chunk.getSlice(at: chunk.readerIndex + Int(first - start), length: Int(last - first)).map { [$0] }
                    ?? []
            }
            start = next
        }
        guard slices.count > 1 else { return slices.first }
        var bytes = ByteBufferAllocator().buffer(capacity: Int(end - offset))
        for var slice in slices { bytes.writeBuffer(&slice) }
        return bytes
    }
}

/// What a transfer brings, or a range of it, for one of those who follow.
struct TransferChunks: AsyncSequence, Sendable {
    let transfer: Transfer
    let range: Range<Int64>?

    struct AsyncIterator: AsyncIteratorProtocol {
        let transfer: Transfer
        var offset: Int64
        let end: Int64?

        mutating func next() async throws -> ByteBuffer? {
            guard let chunk = try await transfer.read(from: offset, to: end) else { return nil }
            offset += Int64(chunk.readableBytes)
            return chunk
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(transfer: transfer, offset: range?.lowerBound ?? 0, end: range?.upperBound)
    }
}

/// The body of an answer on its way to the store, with a look for those who follow.
struct WatchedBody: AsyncSequence, Sendable {
    let body: RequestBody
    let transfer: Transfer

    struct AsyncIterator: AsyncIteratorProtocol {
        var chunks: RequestBody.AsyncIterator
        let transfer: Transfer

        mutating func next() async throws -> ByteBuffer? {
            guard let chunk = try await chunks.next() else { return nil }
            transfer.receive(chunk)
            return chunk
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(chunks: body.makeAsyncIterator(), transfer: transfer) }
}
