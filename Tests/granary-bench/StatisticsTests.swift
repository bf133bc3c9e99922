import Testing

@testable import granary_bench

@Suite("Statistics")
struct StatisticsTests {
    static let medians: [([Double], Double)] = [([3], 3), ([1, 9, 2], 2), ([4, 1, 3, 2], 2.5)]

    @Test("The median is in the middle", arguments: medians)
    func median(_ values: [Double], _ expected: Double) { #expect(Statistics.median(values) == expected) }

    @Test("Nothing has no median") func none() { #expect(Statistics.median([]) == nil) }

    @Test("One bad round does not make the spread large")
    func deviation() throws {
        let deviation = try #require(Statistics.relativeDeviation([100, 101, 99, 100, 900]))
        #expect(abs(deviation - 0.01) < 1e-9)
        #expect(try #require(Statistics.relativeRange([100, 101, 99, 100, 900])) > 8)
    }

    @Test("A single value, and a median of zero, have no spread")
    func noSpread() {
        #expect(Statistics.relativeDeviation([1]) == nil)
        #expect(Statistics.relativeRange([0, 0, 0]) == nil)
    }
}

@Suite("Numbers for people")
struct NumbersTests {
    @Test(
        "Three digits count",
        arguments: [
            (0.0, "0"), (1234.4, "1234"), (123.4, "123"), (12.34, "12.3"), (1.0, "1.00"), (0.01234, "0.0123"),
            (-2.5, "-2.50")
        ])
    func significant(_ value: Double, _ expected: String) { #expect(Numbers.significant(value) == expected) }

    @Test("Targets are as short as they can be")
    func plain() {
        #expect(Numbers.plain(12) == "12")
        #expect(Numbers.plain(0.35) == "0.35")
    }
}

@Suite("Targets")
struct TargetTests {
    private let medians: [PeerKind: Double] = [.granary: 30, .registry: 2]

    private func isMet(_ target: Target, _ medians: [PeerKind: Double]) -> Bool? {
        target.isMet(by: "a") { key, peer in key == "a" ? medians[peer] : key == "first" ? 25 : nil }
    }

    static let cases: [(Target, Bool)] = [
        (.atLeast(15, of: .registry), true), (.atLeast(16, of: .registry), false),
        (.atMost(15, of: .registry), true), (.atMost(14, of: .registry), false),
        (.limit(30), true), (.limit(29), false),
        (.holds(1.2, key: "first"), true), (.holds(1.3, key: "first"), false),
        (.grows(1.2, key: "first"), true), (.grows(1.1, key: "first"), false)
    ]

    @Test("A target compares the medians", arguments: cases)
    func verdict(_ target: Target, _ expected: Bool) { #expect(isMet(target, medians) == expected) }

    @Test("A shorter time is faster")
    func faster() {
        #expect(isMet(.faster(10, than: .registry), [.granary: 1, .registry: 10]) == true)
        #expect(isMet(.faster(11, than: .registry), [.granary: 1, .registry: 10]) == false)
    }

    @Test("What was not measured leaves a target open")
    func open() {
        #expect(isMet(.atLeast(0.5, of: .nginx), medians) == nil)
        #expect(isMet(.limit(1), [.registry: 2]) == nil)
    }
}
