import CLinux
import Glibc

/// What a loop of requests came to.
struct LoopResult: Sendable {
    var latencies = Histogram()
    /// Nanoseconds in which what is counted was answered.
    var duration: UInt64 = 0
    /// Answers in all, those before the counting began included.
    var answers = 0

    var perSecond: Double { duration == 0 ? 0 : Double(latencies.total) / (Double(duration) / 1e9) }

    /// Adds what another thread did in the same time.
    mutating func add(_ other: LoopResult) {
        latencies.merge(other.latencies)
        duration = max(duration, other.duration)
        answers += other.answers
    }
}

/// Sends one request again and again over several keep-alive connections: each sends the next as soon as it has the
/// answer. Some threads share the connections; each waits for all of its own with epoll, which costs far less than a
/// thread for each.
struct RequestLoop: Sendable {
    let port: Int
    let request: Request
    let connections: Int
    /// Every answer must have this status, and `Content-Length`, if it has a body or says how long one would be.
    let status: Int
    let length: Int
    /// Answers of the first seconds are not counted.
    var warmUp = 0.3
    let seconds: Double
    var threads = 2

    func run() throws -> LoopResult {
        let parts = try concurrently(threads) { index in
            let own = connections / threads + (index < connections % threads ? 1 : 0)
            return try LoopThread(loop: self, connections: own).run()
        }
        return parts.reduce(into: LoopResult()) { whole, part in whole.add(part) }
    }
}

/// The connections of one thread.
private final class LoopThread {
    private static let bufferSize = 32 * 1024
    private static let stall: CInt = 30_000

    private struct Connection {
        let socket: Socket
        let buffer: UnsafeMutableRawBufferPointer
        var filled = 0
        var sentAt: UInt64 = 0
    }

    private let loop: RequestLoop
    private let head: [UInt8]
    private let hasBody: Bool
    private let epoll: CInt
    private var connections: [Connection] = []
    private var result = LoopResult()

    init(loop: RequestLoop, connections count: Int) throws {
        self.loop = loop
        head = loop.request.head(port: loop.port)
        hasBody = loop.request.method != "HEAD"
        epoll = epoll_create1(0)
        guard epoll >= 0 else { throw BenchFailure.lastError("epoll_create1") }
        for index in 0..<count {
            let socket = try Socket(port: loop.port)
            connections.append(
                Connection(socket: socket, buffer: .allocate(byteCount: Self.bufferSize, alignment: 16)))
            var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data(u64: UInt64(index)))
            guard epoll_ctl(epoll, EPOLL_CTL_ADD, socket.descriptor, &event) == 0 else {
                throw BenchFailure.lastError("epoll_ctl")
            }
        }
    }

    deinit {
        for connection in connections { connection.buffer.deallocate() }
        if epoll >= 0 { close(epoll) }
    }

    func run() throws -> LoopResult {
        let start = Stopwatch.now
        let countFrom = start + UInt64(loop.warmUp * 1e9)
        let end = countFrom + UInt64(loop.seconds * 1e9)
        var events = [epoll_event](repeating: epoll_event(), count: max(1, connections.count))
        for index in connections.indices { try sendNext(index, at: start) }
        var now = start
        while now < end {
            let ready = epoll_wait(epoll, &events, CInt(events.count), Self.stall)
            guard ready != 0 else { throw BenchFailure("\(loop.request.target): no answer for 30 seconds") }
            guard ready > 0 || errno == EINTR else { throw BenchFailure.lastError("epoll_wait") }
            for event in events.prefix(Int(max(0, ready))) {
                let index = Int(event.data.u64)
                guard try receive(index) else { continue }
                now = Stopwatch.now
                if now >= countFrom, now < end { result.latencies.record(now - connections[index].sentAt) }
                result.answers += 1
                try sendNext(index, at: now)
            }
        }
        result.duration = end - countFrom
        return result
    }

    private func sendNext(_ index: Int, at now: UInt64) throws {
        connections[index].filled = 0
        connections[index].sentAt = now
        try head.withUnsafeBytes { try connections[index].socket.send($0) }
    }

    /// Takes what has arrived; answers whether that completes the answer.
    private func receive(_ index: Int) throws -> Bool {
        let buffer = connections[index].buffer
        let filled = connections[index].filled
        guard filled < buffer.count else { throw BenchFailure("\(loop.request.target): the answer is too long") }
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
        let count = try connections[index].socket.receive(into: room)
        guard count > 0 else { throw BenchFailure("\(loop.request.target): the server closed the connection") }
        connections[index].filled = filled + count
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<(filled + count)])
        guard let answer = try AnswerHead(bytes) else { return false }
        guard answer.status == loop.status, answer.contentLength == loop.length, !answer.closes else {
            let text = String(decoding: bytes.prefix(2000), as: UTF8.self)
            throw BenchFailure("unexpected answer to \(loop.request.method) \(loop.request.target):\n\(text)")
        }
        return bytes.count >= answer.size + (hasBody ? loop.length : 0)
    }
}
