import Glibc

/// Measures time that passes, unmoved by changes of the calendar.
struct Stopwatch: Sendable {
    private let start = Stopwatch.now

    /// Nanoseconds since some moment in the past.
    static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    var nanoseconds: UInt64 { Self.now - start }

    var seconds: Double { Double(nanoseconds) / 1e9 }
}

/// Lets the calling thread rest.
func rest(seconds: Double) { usleep(useconds_t(seconds * 1e6)) }
