/// How far the machine was left alone while something was measured.
struct Noise: Sendable, Encodable {
    /// Seconds the fixed loop took, once before every measurement.
    private(set) var calibration: [Double] = []
    private(set) var measuredSeconds = 0.0
    /// Of all processors, while something was measured.
    private(set) var stealShare = 0.0
    /// CPU of processes that are neither this one nor the server at work, as a share of all processors.
    private(set) var othersShare = 0.0
    /// CPU of this process, which is not the servers' to use, as a share of all processors.
    private(set) var clientShare = 0.0

    private var total = 0.0
    private var steal = 0.0
    private var others = 0.0
    private var client = 0.0

    private enum CodingKeys: CodingKey { case calibration, measuredSeconds, stealShare, othersShare, clientShare }

    /// What the machine and this run have spent so far.
    struct Reading {
        let machine = CPUTimes.current
        let client = CPUTimes.ofThisProcess
        /// Of this process and all servers.
        let ours: Double
    }

    /// Times the fixed loop.
    mutating func calibrate() { calibration.append(Self.fixedLoop()) }

    /// Notes one measurement by what had been spent before and after it.
    mutating func note(before: Reading, after: Reading, seconds: Double) {
        measuredSeconds += seconds
        total += after.machine.total - before.machine.total
        steal += after.machine.steal - before.machine.steal
        others += max(0, after.machine.busy - before.machine.busy - (after.ours - before.ours))
        client += after.client - before.client
        guard total > 0 else { return }
        (stealShare, othersShare, clientShare) = (steal / total, others / total, client / total)
    }

    /// A chain of multiplications, about 30 ms of one processor, that nothing can do in advance.
    private static func fixedLoop() -> Double {
        let stopwatch = Stopwatch()
        var value = Stopwatch.now | 1
        for _ in 0..<200_000_000 { value = value &* 6_364_136_223_846_793_005 &+ 1 }
        let seconds = stopwatch.seconds
        // The result is used, so that the loop cannot be left out.
        return value == 0 ? seconds + 1e-12 : seconds
    }
}
