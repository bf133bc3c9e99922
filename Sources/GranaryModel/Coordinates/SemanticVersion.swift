/// A version by Semantic Versioning 2.0.0: `1.2.3-rc.1+build`. Build metadata does not count in comparisons.
package struct SemanticVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    package static let maximumBytes = 256

    /// Of major, minor and patch, each without leading zeros: they may be longer than any integer.
    private let numbers: [String]
    private let prerelease: [String]
    /// Without its plus; empty where there is none.
    package let build: String

    /// Answers nil for anything but the whole grammar.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.maximumBytes else { return nil }
        let halves = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        let parts = halves[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = Self.identifiers(parts[0])
        let prerelease = parts.count > 1 ? Self.identifiers(parts[1]) : []
        let build = halves.count > 1 ? Self.identifiers(halves[1]) : []
        guard numbers.count == 3, numbers.allSatisfy(Self.isNumber),
            parts.count == 1 || prerelease.allSatisfy({ Self.isIdentifier($0) && !Self.hasLeadingZero($0) }),
            halves.count == 1 || build.allSatisfy(Self.isIdentifier)
        else { return nil }
        self.numbers = numbers
        self.prerelease = prerelease
        self.build = build.joined(separator: ".")
    }

    package var isPrerelease: Bool { !prerelease.isEmpty }

    /// Without build metadata.
    package var core: String {
        numbers.joined(separator: ".") + (isPrerelease ? "-" + prerelease.joined(separator: ".") : "")
    }

    package var description: String { core + (build.isEmpty ? "" : "+" + build) }

    package static func == (left: Self, right: Self) -> Bool {
        left.numbers == right.numbers && left.prerelease == right.prerelease
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(numbers)
        hasher.combine(prerelease)
    }

    /// Precedence (section 11).
    package static func < (left: Self, right: Self) -> Bool {
        for (one, other) in zip(left.numbers, right.numbers) where one != other { return precedes(one, other) }
        guard left.isPrerelease, right.isPrerelease else { return left.isPrerelease && !right.isPrerelease }
        for (one, other) in zip(left.prerelease, right.prerelease) where one != other {
            switch (isNumber(one), isNumber(other)) {
            case (true, true): return precedes(one, other)
            case (true, false): return true
            case (false, true): return false
            case (false, false): return one.utf8.lexicographicallyPrecedes(other.utf8)
            }
        }
        return left.prerelease.count < right.prerelease.count
    }

    private static func identifiers(_ text: Substring) -> [String] {
        text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    }

    private static func precedes(_ number: String, _ other: String) -> Bool {
        number.utf8.count == other.utf8.count
            ? number.utf8.lexicographicallyPrecedes(other.utf8) : number.utf8.count < other.utf8.count
    }

    private static func isNumber(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            && !hasLeadingZero(text)
    }

    private static func hasLeadingZero(_ text: String) -> Bool {
        text.utf8.count > 1 && text.utf8.first == UInt8(ascii: "0")
            && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func isIdentifier(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
