import Glibc

/// What a server did and used while a body ran.
struct Metering: Sendable {
    let seconds: Double
    let cpuSeconds: Double
    let peakBytes: Int

    /// Runs `body`, whose work is what `peer` is measured by.
    static func of(_ peer: Peer, _ body: () throws -> Void) throws -> Metering {
        peer.resetPeak()
        let before = peer.usage
        let stopwatch = Stopwatch()
        try body()
        let seconds = stopwatch.seconds
        let after = peer.usage
        return Metering(
            seconds: seconds, cpuSeconds: after.cpuSeconds - before.cpuSeconds, peakBytes: after.peakBytes)
    }

    var peakMegabytes: Double { Double(peakBytes) / 1e6 }

    func cpuSecondsPerGibibyte(_ bytes: Int) -> Double { cpuSeconds / (Double(bytes) / Double(1 << 30)) }
}

/// How often something was done, and how long that took.
struct Tally: Sendable {
    let count: Int
    let seconds: Double

    var perSecond: Double { Double(count) / seconds }

    /// Lets several clients each do `step` again and again, with 0, 1, 2, … until the time is over or it says that there
    /// is no more to do. A step that has begun is finished, and its time counts.
    static func of(
        clients: Int, seconds: Double, connect: @escaping @Sendable (Int) throws -> (Int) throws -> Bool
    ) throws -> Tally {
        let stopwatch = Stopwatch()
        let counts = try concurrently(clients) { client in
            let step = try connect(client)
            var done = 0
            while stopwatch.seconds < seconds, try step(done) { done += 1 }
            return done
        }
        return Tally(count: counts.reduce(0, +), seconds: stopwatch.seconds)
    }
}
