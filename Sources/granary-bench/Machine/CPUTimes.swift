import Glibc

/// What all processors of the machine have spent so far, in seconds.
struct CPUTimes: Sendable, Equatable {
    /// Everything but waiting.
    var busy = 0.0
    /// Taken away by the host this machine runs on.
    var steal = 0.0
    var total = 0.0

    /// Now.
    static var current: CPUTimes { ProcFile.read("/proc/stat").flatMap(CPUTimes.init(stat:)) ?? CPUTimes() }

    init() {}

    /// Reads the first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal, in hundredths.
    init?(stat: String) {
        let fields =
            stat.split(separator: "\n").first?.split(separator: " ").dropFirst().compactMap { Double($0) } ?? []
        guard fields.count >= 8 else { return nil }
        let ticks = fields.prefix(8).map { $0 / 100 }
        steal = ticks[7]
        total = ticks.reduce(0, +)
        busy = total - ticks[3] - ticks[4] - steal
    }

    /// User and system time of this process, in seconds.
    static var ofThisProcess: Double { used(RUSAGE_SELF.rawValue) }

    /// User and system time of this process and of its children that have ended, in seconds.
    static var ofThisRun: Double { ofThisProcess + used(RUSAGE_CHILDREN.rawValue) }

    private static func used(_ who: __rusage_who_t) -> Double {
        var usage = rusage()
        getrusage(who, &usage)
        let seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
        return Double(seconds) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }
}
