/// Fetches one page again and again over several connections, each on a thread of its own: for answers that are large, come
/// in chunks or end the connection, none of which `RequestLoop` takes.
struct PageLoop: Sendable {
    let port: Int
    let request: Request
    let connections: Int
    /// Bytes of the body every answer must have.
    let length: Int
    /// Answers of the first seconds are not counted.
    var warmUp = 0.3
    let seconds: Double

    func run() throws -> LoopResult {
        let countFrom = Stopwatch.now + UInt64(warmUp * 1e9)
        let end = countFrom + UInt64(seconds * 1e9)
        let parts = try concurrently(connections) { _ in try fetch(from: countFrom, to: end) }
        return parts.reduce(into: LoopResult()) { whole, part in whole.add(part) }
    }

    private func fetch(from start: UInt64, to end: UInt64) throws -> LoopResult {
        var result = LoopResult()
        result.duration = end - start
        var open: HTTPConnection?
        while Stopwatch.now < end {
            let sentAt = Stopwatch.now
            let connection = try open ?? HTTPConnection(port: port)
            let answer = try connection.exchange(request, expecting: 200)
            let now = Stopwatch.now
            guard answer.length == length else {
                throw BenchFailure("\(request.target) has \(answer.length) bytes instead of \(length)")
            }
            if now >= start, now < end { result.latencies.record(now - sentAt) }
            result.answers += 1
            open = answer.closes ? nil : connection
        }
        return result
    }
}
