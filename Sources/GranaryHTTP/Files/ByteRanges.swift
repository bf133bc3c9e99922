/// The `Range` of a request against a representation of a known size (RFC 9110, section 14).
enum ByteRanges: Equatable {
    /// More ranges than this, or ranges that overlap or run backwards, are answered with the whole.
    static let maximumRanges = 16

    /// No range, one that cannot be read, or a set not worth serving: the whole.
    case whole
    case single(Range<Int64>)
    case multiple([Range<Int64>])
    /// Nothing asked for exists.
    case unsatisfiable

    /// A header that is malformed or of another unit is ignored, as the specification says.
    init(_ header: String?, size: Int64) {
        guard let header, let specs = Self.specifications(header) else {
            self = .whole
            return
        }
        let ranges = specs.compactMap { $0.resolved(size: size) }
        switch ranges.count {
        case 0: self = .unsatisfiable
        case 1: self = .single(ranges[0])
        default: self = Self.isModest(ranges) ? .multiple(ranges) : .whole
        }
    }

    private enum Specification {
        case from(Int64, through: Int64?)
        case suffix(Int64)

        func resolved(size: Int64) -> Range<Int64>? {
            switch self {
            case .from(let first, let last):
                guard first < size else { return nil }
                return first..<min(last ?? size - 1, size - 1) + 1
            case .suffix(let count):
                guard count > 0, size > 0 else { return nil }
                return max(0, size - count)..<size
            }
        }
    }

    private static func specifications(_ header: String) -> [Specification]? {
        guard header.utf8.count <= 4096, header.lowercased().hasPrefix("bytes=") else { return nil }
        let pieces = header.dropFirst(6).split(separator: ",", omittingEmptySubsequences: false)
        let specs = pieces.map { specification($0.drop { $0 == " " }) }
        return specs.contains { $0 == nil } ? nil : specs.compactMap { $0 }
    }

    private static func specification(_ text: Substring) -> Specification? {
        let trimmed = text.reversed().drop { $0 == " " }.reversed()
        let halves = String(trimmed).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, halves.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            return nil
        }
        switch (Int64(halves[0]), Int64(halves[1])) {
        case (let first?, let last?): return first <= last ? .from(first, through: last) : nil
        case (let first?, nil): return halves[1].isEmpty ? .from(first, through: nil) : nil
        case (nil, let count?): return halves[0].isEmpty ? .suffix(count) : nil
        case (nil, nil): return nil
        }
    }

    private static func isModest(_ ranges: [Range<Int64>]) -> Bool {
        ranges.count <= maximumRanges && zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound }
    }
}
