import GranaryTestKit
import Testing

@testable import GranaryHTTP

@Suite("Ranges of a representation")
struct ByteRangesTests {
    private static let cases: [(header: String?, size: Int64, expected: ByteRanges)] = [
        (nil, 10, .whole), ("bytes=0-0", 10, .single(0..<1)), ("bytes=0-", 10, .single(0..<10)),
        ("BYTES=3-4", 10, .single(3..<5)), ("bytes= 3-4 ", 10, .single(3..<5)), ("bytes=-4", 10, .single(6..<10)),
        ("bytes=-40", 10, .single(0..<10)), ("bytes=9-100", 10, .single(9..<10)), ("bytes=10-", 10, .unsatisfiable),
        ("bytes=-0", 10, .unsatisfiable), ("bytes=0-", 0, .unsatisfiable), ("bytes=-5", 0, .unsatisfiable),
        ("bytes=0-1,5-6", 10, .multiple([0..<2, 5..<7])), ("bytes=0-1,20-", 10, .single(0..<2)),
        ("bytes=20-,30-", 10, .unsatisfiable), ("bytes=0-5,5-9", 10, .whole), ("bytes=5-6,0-1", 10, .whole),
        ("bytes=0-9,0-9", 10, .whole), ("bytes=", 10, .whole), ("bytes=,", 10, .whole), ("bytes=0-1,", 10, .whole),
        ("bytes=-", 10, .whole), ("bytes=2-1", 10, .whole), ("bytes=+1-2", 10, .whole), ("bytes=1-2-3", 10, .whole),
        ("bytes=0x1-2", 10, .whole), ("bytes 0-1", 10, .whole), ("items=0-1", 10, .whole), ("", 10, .whole),
        ("bytes=0-9223372036854775807", 10, .single(0..<10)), ("bytes=9223372036854775807-", 10, .unsatisfiable),
        ("bytes=-9223372036854775807", .max, .single(0..<Int64.max)),
        ("bytes=0-9223372036854775808", 10, .whole), ("bytes=9223372036854775808-", 10, .whole)
    ]

    @Test("A header becomes ranges within the size, or the whole")
    func parsing() {
        for (header, size, expected) in Self.cases {
            #expect(ByteRanges(header, size: size) == expected, "\(header ?? "none") of \(size)")
        }
    }

    @Test("More ranges than the limit are the whole")
    func limit() {
        func header(_ count: Int) -> String {
            "bytes=" + (0..<count).map { "\($0 * 2)-\($0 * 2)" }.joined(separator: ",")
        }
        let most = ByteRanges.maximumRanges
        let expected = (0..<Int64(most)).map { number -> Range<Int64> in number * 2..<number * 2 + 1 }
        #expect(ByteRanges(header(most), size: 1000) == .multiple(expected))
        #expect(ByteRanges(header(most + 1), size: 1000) == .whole)
        #expect(ByteRanges("bytes=0-" + String(repeating: "0", count: 5000), size: 1000) == .whole)
    }

    @Test("No header makes a range that is empty or outside", arguments: 1...200 as ClosedRange<UInt64>)
    func mutations(_ seed: UInt64) {
        var generator = Generator(seed: seed)
        let size = Int64.random(in: 0...50, using: &generator)
        let header = String(decoding: generator.mutation(of: "bytes=0-4,7-9,-3,12-".bytes), as: UTF8.self)
        switch ByteRanges(header, size: size) {
        case .whole, .unsatisfiable: break
        case .single(let range): #expect(!range.isEmpty && range.lowerBound >= 0 && range.upperBound <= size)
        case .multiple(let ranges):
            #expect(ranges.count > 1)
            for range in ranges { #expect(!range.isEmpty && range.lowerBound >= 0 && range.upperBound <= size) }
        }
    }
}
