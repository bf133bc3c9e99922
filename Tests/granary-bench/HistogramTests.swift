import Testing

@testable import granary_bench

@Suite("Histogram")
struct HistogramTests {
    @Test("Nothing counted has no durations")
    func empty() { #expect(Histogram().percentile(0.5) == 0) }

    @Test("Short durations are exact")
    func exact() {
        var histogram = Histogram()
        for value in UInt64(1)...50 { histogram.record(value) }
        #expect(histogram.total == 50)
        #expect(histogram.percentile(0.5) == 25)
        #expect(histogram.percentile(0.99) == 50)
        #expect(histogram.percentile(0) == 1)
        #expect(histogram.percentile(1) == 50)
    }

    @Test("Long durations are right to one part in 64", arguments: [64, 127, 128, 1_000_003, 60_000_000_000, .max])
    func near(_ value: UInt64) {
        var histogram = Histogram()
        histogram.record(value)
        let found = histogram.percentile(0.5)
        let distance = found > value ? found - value : value - found
        #expect(distance <= value / 64)
    }

    @Test("The slow end does not hide behind many fast answers")
    func tail() {
        var histogram = Histogram()
        for _ in 0..<985 { histogram.record(10) }
        for _ in 0..<15 { histogram.record(1_000_000) }
        #expect(histogram.percentile(0.98) == 10)
        #expect(histogram.percentile(0.99) > 900_000)
    }

    @Test("Two histograms merge into that of all")
    func merging() {
        var (left, right, all) = (Histogram(), Histogram(), Histogram())
        for value in UInt64(0)..<1000 {
            if value % 3 == 0 { left.record(value * value) } else { right.record(value * value) }
            all.record(value * value)
        }
        left.merge(right)
        #expect(left == all)
    }
}
