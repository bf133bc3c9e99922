/// What some numbers have in common.
enum Statistics {
    /// The middle value; of an even number of values, the mean of the two in the middle. Nil of none.
    static func median(_ values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// The median distance from the median, as a share of the median. Nil of fewer than two, and where the median is
    /// zero.
    static func relativeDeviation(_ values: [Double]) -> Double? {
        guard values.count > 1, let center = median(values), center != 0 else { return nil }
        return median(values.map { abs($0 - center) }).map { $0 / abs(center) }
    }

    /// From the smallest to the largest, as a share of the median. Nil of fewer than two, and where the median is zero.
    static func relativeRange(_ values: [Double]) -> Double? {
        guard values.count > 1, let center = median(values), center != 0, let low = values.min(),
            let high = values.max()
        else {
            return nil
        }
        return (high - low) / abs(center)
    }
}
