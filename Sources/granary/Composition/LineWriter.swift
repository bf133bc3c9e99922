#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import CoreMetrics
import GranaryModel
import Logging
import NIOPosix
import ServiceLifecycle
import Synchronization

/// The one writer of standard error.
///
/// While it runs as a service, lines are gathered for a moment and written together by a thread of its own: a request never
/// waits for whoever reads them. When the reader stalls and the buffer is full, lines are dropped and counted, and the next
/// line tells how many. Before and after, a line is written at once.
final class LineWriter: Service, Sendable {
    /// Lines that wait take no more, in bytes.
    static let maximumBytes = 1 << 20
    /// A line waits at most so long for others.
    static let gathering = Duration.milliseconds(20)
    /// A reader that takes nothing for as long has stalled, in milliseconds.
    static let patienceMilliseconds: CInt = 1000
    /// What a pipe takes without making its writer wait, once it takes anything, in bytes (`PIPE_BUF`).
    private static let pieceBytes = 4096

    private let format: LineFormat
    private let now: Now
    private let descriptor: CInt
    private let state = Mutex(State())
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    fileprivate struct State {
        var waiting: [UInt8] = []
        var isGathering = false
        var dropped = 0
        var drops: (any CounterHandler)?
        var second: Int64 = -1
        /// Of the last line, whose second it has.
        var time: [UInt8] = []
    }

    init(format: LineFormat, now: @escaping Now, descriptor: CInt = STDERR_FILENO) {
        self.format = format
        self.now = now
        self.descriptor = descriptor
        (wakes, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Counts what is dropped from now on.
    func countDrops(with counter: any CounterHandler) { state.withLock { $0.drops = counter } }

    /// Writes a line, or has it written soon. `fields` are sorted by name.
    func write(_ level: Logger.Level, _ message: String, _ fields: [(name: String, value: String)]) {
        let time = now()
        let isFirst = state.withLock { state in
            guard state.isGathering else {
                state.append(level, message, fields, at: time, format)
                put(state.take())
                return false
            }
            guard state.waiting.count < Self.maximumBytes else {
                state.dropped += 1
                state.drops?.increment(by: 1)
                return false
            }
            let isFirst = state.waiting.isEmpty
            state.append(level, message, fields, at: time, format)
            return isFirst
        }
        if isFirst { wake.yield() }
    }

    func run() async throws {
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        state.withLock { $0.isGathering = true }
        await cancelWhenGracefulShutdown {
            for await _ in self.wakes {
                try? await Task.sleep(for: Self.gathering)
                _ = try? await thread.runIfActive { self.drain() }
            }
        }
        // What comes from now on goes out at once, after what waits.
        drain()
        state.withLock { state in
            state.isGathering = false
            put(state.take())
        }
        try await thread.shutdownGracefully()
    }

    /// Writes what waits, as far as the reader takes it.
    private func drain() {
        let lines = state.withLock { state in
            if state.dropped > 0 {
                let count = [(name: "count", value: String(state.dropped))]
                state.append(.error, "lines of the log were dropped", count, at: now(), format)
                state.dropped = 0
            }
            return state.take()
        }
        let rest = put(lines)
        guard !rest.isEmpty else { return }
        state.withLock { $0.waiting.insert(contentsOf: rest, at: 0) }
        wake.yield()
    }

    /// Answers what the reader did not take. What cannot be written at all is lost: there is nobody left to tell.
    @discardableResult
    private func put(_ lines: [UInt8]) -> ArraySlice<UInt8> {
        var rest = lines[...]
        while !rest.isEmpty {
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            let ready = poll(&entry, 1, Self.patienceMilliseconds)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { return rest }
            let piece = rest.prefix(Self.pieceBytes)
            let count = piece.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return [] }
            rest = rest.dropFirst(count)
        }
        return rest
    }
}

extension LineWriter.State {
    fileprivate mutating func append(
        _ level: Logger.Level, _ message: String, _ fields: [(name: String, value: String)], at moment: Timestamp,
        _ format: LineFormat
    ) {
        if moment.seconds != second {
            second = moment.seconds
            time = Array(moment.description.utf8)
        }
        let fraction = Int(moment.milliseconds % 1000)
        for (place, digit) in zip(time.count - 4..<time.count - 1, [fraction / 100, fraction / 10 % 10, fraction % 10])
        {
            time[place] = UInt8(0x30 + digit)
        }
        format.append(level, message, fields, at: time, to: &waiting)
    }

    fileprivate mutating func take() -> [UInt8] {
        defer { waiting = [] }
        return waiting
    }
}

#if canImport(Glibc)
    private let systemWrite = Glibc.write
#elseif canImport(Musl)
    private let systemWrite = Musl.write
#else
    private let systemWrite = Darwin.write
#endif
