import Glibc

/// What some processes have used so far, taken together.
struct ProcessUsage: Sendable, Equatable {
    /// User and system time.
    var cpuSeconds = 0.0
    /// Memory that is resident now, and the most there was since the last reset, in bytes.
    var residentBytes = 0
    var peakBytes = 0

    /// Of these processes. One that has ended counts nothing.
    init(of processes: [pid_t]) {
        for process in processes {
            if let text = ProcFile.read("/proc/\(process)/stat") { cpuSeconds += Self.cpuSeconds(stat: text) ?? 0 }
            guard let text = ProcFile.read("/proc/\(process)/status") else { continue }
            residentBytes += Self.bytes("VmRSS", status: text) ?? 0
            peakBytes += Self.bytes("VmHWM", status: text) ?? 0
        }
    }

    /// Lets the peaks begin anew.
    static func resetPeaks(of processes: [pid_t]) {
        for process in processes { ProcFile.write("5", to: "/proc/\(process)/clear_refs") }
    }

    /// The processes whose parent is `parent`.
    static func children(of parent: pid_t) -> [pid_t] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var found: [pid_t] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let process = pid_t(name), let text = ProcFile.read("/proc/\(process)/stat") else { continue }
            if Self.fields(stat: text).dropFirst(1).first.flatMap({ pid_t($0) }) == parent { found.append(process) }
        }
        return found
    }

    // MARK: Reading

    /// The fields behind the command's name, which may hold anything: the state comes first.
    static func fields(stat: String) -> [Substring] {
        guard let end = stat.lastIndex(of: ")") else { return [] }
        return stat[stat.index(after: end)...].split(separator: " ")
    }

    /// User and system time of `/proc/PID/stat`, whose unit is a hundredth of a second.
    static func cpuSeconds(stat: String) -> Double? {
        let fields = fields(stat: stat)
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        return (user + system) / 100
    }

    /// One of the sizes in `/proc/PID/status`.
    static func bytes(_ name: String, status: String) -> Int? {
        let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
}
