/// Counts durations in classes that are at most 1/64 wide of what they hold: percentiles at a fixed cost, whatever the
/// number of requests.
struct Histogram: Sendable, Equatable {
    private static let classesPerDoubling = 64
    private static let classes = 59 * classesPerDoubling

    private var counts = [UInt64](repeating: 0, count: classes)
    private(set) var total: UInt64 = 0

    mutating func record(_ nanoseconds: UInt64) {
        counts[Self.index(of: nanoseconds)] += 1
        total += 1
    }

    mutating func merge(_ other: Histogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        total += other.total
    }

    /// The duration that `share` (0…1) of all are not longer than, as the middle of its class; 0 where nothing was counted.
    func percentile(_ share: Double) -> UInt64 {
        let rank = max(1, UInt64((share * Double(total)).rounded(.up)))
        var seen: UInt64 = 0
        for index in counts.indices {
            seen += counts[index]
            if seen >= rank { return Self.middle(ofClass: index) }
        }
        return 0
    }

    /// Values below 64 have a class each; from there on, every doubling is divided into 64.
    private static func index(of value: UInt64) -> Int {
        guard value >= UInt64(classesPerDoubling) else { return Int(value) }
        let shift = 63 - value.leadingZeroBitCount - classesPerDoubling.trailingZeroBitCount
        return shift * classesPerDoubling + Int(value >> UInt64(shift))
    }

    private static func middle(ofClass index: Int) -> UInt64 {
        guard index >= classesPerDoubling else { return UInt64(index) }
        let shift = index / classesPerDoubling - 1
        let low = UInt64(index - shift * classesPerDoubling) << UInt64(shift)
        return low + (1 << UInt64(shift)) / 2
    }
}
