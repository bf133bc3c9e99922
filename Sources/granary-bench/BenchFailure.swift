import Glibc

/// Why a run cannot go on, in one sentence; an answer that was not expected is quoted below it.
struct BenchFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// A system call that failed, with what the system says of it.
    static func lastError(_ call: String) -> BenchFailure {
        BenchFailure("\(call): \(String(cString: strerror(errno)))")
    }
}
