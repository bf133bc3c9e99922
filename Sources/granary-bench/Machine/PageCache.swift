import Glibc

/// Keeps the kernel's cache of files as full as it is on a machine that has run for a while.
///
/// What is written then goes to memory that was in use a moment ago. Where there is free memory, it would go there, and on a
/// virtual machine whose host takes back what is free that is some ten times as slow: servers would be measured by it.
struct PageCache: Sendable {
    /// As the kernel reads ahead at most in one call, whatever is asked for.
    private static let step = 128 << 10
    /// What is left free, in bytes.
    private static let reserve = 256 << 20

    private let path: String
    private let size: Int
    /// What is read goes on where it ended, with what has been out of the cache for longest.
    private var position = 0

    /// A file without any bytes on the disk, twice as large as the machine's memory, is made in `folder`.
    init(in folder: String) {
        path = "\(folder)/page-cache"
        size = 2 * sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    }

    /// Fills what has become free. The first time takes as long as the host takes to find the memory.
    mutating func fill() {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        guard ftruncate(descriptor, size) == 0 else { return }
        for _ in 0..<(max(0, Self.freeBytes - Self.reserve) / Self.step) {
            posix_fadvise(descriptor, position, Self.step, POSIX_FADV_WILLNEED)
            position = (position + Self.step) % size
        }
    }

    /// Of `/proc/meminfo`.
    private static var freeBytes: Int {
        let lines = (ProcFile.read("/proc/meminfo") ?? "").split(separator: "\n")
        let fields = lines.first { $0.hasPrefix("MemFree:") }?.split(separator: " ") ?? []
        return fields.count > 1 ? (Int(fields[1]) ?? 0) << 10 : 0
    }
}
