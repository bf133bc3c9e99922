/// A version as Maven orders it: what Maven calls `ComparableVersion`, as of Maven 3.9 ("POM Reference", section "Version Order
/// Specification").
///
/// It is a tree: dots separate items of a list, dashes and changes between digits and letters begin a list below it. Trailing
/// items that mean nothing are left out, so that `1`, `1.0` and `1-ga` are equal. The tree is as deep as the text has dashes: who
/// orders texts of others limits their length.
package struct MavenVersion: Sendable, Comparable {
    package let text: String
    private let items: [VersionItem]

    package init(_ text: String) {
        self.text = text
        var parser = VersionParser()
        items = parser.parse(Array(text.lowercased().utf8))
    }

    package static func == (left: Self, right: Self) -> Bool { compare(left.items, right.items) == 0 }

    package static func < (left: Self, right: Self) -> Bool { compare(left.items, right.items) < 0 }

    /// Whether it is before `other` in a list that is the same whoever makes it: versions that are equal go by their text.
    func isListed(before other: Self) -> Bool {
        let order = compare(items, other.items)
        return order == 0 ? text.utf8.lexicographicallyPrecedes(other.text.utf8) : order < 0
    }

    /// Whether what it names may change: `1.0-SNAPSHOT`.
    static func isSnapshot(_ text: String) -> Bool { text == "SNAPSHOT" || text.hasSuffix("-SNAPSHOT") }
}

private indirect enum VersionItem: Sendable {
    /// Decimal digits without leading zeros; none is 0.
    case number([UInt8])
    case qualifier(Qualifier)
    /// A qualifier with its number, `rc1` or `rc-1`.
    case numbered(Qualifier, [UInt8])
    case list([VersionItem])

    /// Whether it can be left out at the end.
    var isNull: Bool {
        switch self {
        case .number(let digits): digits.isEmpty
        case .qualifier(let qualifier): qualifier.name.isEmpty
        case .numbered: false
        case .list(let items): items.isEmpty
        }
    }

    var beginsWithQualifier: Bool {
        switch self {
        case .qualifier, .numbered: true
        case .number, .list: false
        }
    }
}

private struct Qualifier: Sendable {
    /// In their order; the empty one is the release, and what is not here comes after all of them.
    private static let known = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"]
    private static let aliases = ["ga": "", "final": "", "release": "", "cr": "rc"]
    private static let abbreviations = ["a": "alpha", "b": "beta", "m": "milestone"]
    static let release = Qualifier("", isNumbered: false)

    let name: String
    let rank: Int

    init(_ text: String, isNumbered: Bool) {
        let whole = isNumbered ? Self.abbreviations[text] ?? text : text
        name = Self.aliases[whole] ?? whole
        rank = Self.known.firstIndex(of: name) ?? Self.known.count
    }
}

// MARK: - Order

/// Below, at or above 0. What one list is longer than the other is compared with nothing.
private func compare(_ left: [VersionItem], _ right: [VersionItem]) -> Int {
    for index in 0..<max(left.count, right.count) {
        let result: Int
        if index >= left.count {
            result = -compareWithNothing(right[index])
        } else if index >= right.count {
            result = compareWithNothing(left[index])
        } else {
            result = compare(left[index], right[index])
        }
        if result != 0 { return result }
    }
    return 0
}

private func compareWithNothing(_ item: VersionItem) -> Int {
    switch item {
    case .number(let digits): digits.isEmpty ? 0 : 1
    case .qualifier(let qualifier), .numbered(let qualifier, _): compare(qualifier, .release)
    case .list(let items): items.lazy.map(compareWithNothing).first { $0 != 0 } ?? 0
    }
}

/// A number is after a list, which is after a qualifier: `1-sp < 1-1 < 1.1`.
private func compare(_ left: VersionItem, _ right: VersionItem) -> Int {
    switch (left, right) {
    case (.number(let left), .number(let right)): compare(left, right)
    case (.number, _): 1
    case (_, .number): -1
    case (.list(let left), .list(let right)): compare(left, right)
    case (.numbered, .list), (.qualifier, .list): -1
    case (.list, .numbered), (.list, .qualifier): 1
    case (.qualifier(let left), .qualifier(let right)): compare(left, right)
    case (.qualifier(let left), .numbered(let right, _)): nonZero(compare(left, right), else: -1)
    case (.numbered(let left, _), .qualifier(let right)): nonZero(compare(left, right), else: 1)
    case (.numbered(let left, let first), .numbered(let right, let second)):
        nonZero(compare(left, right), else: compare(first, second))
    }
}

private func nonZero(_ result: Int, else fallback: Int) -> Int { result == 0 ? fallback : result }

private func compare(_ left: Qualifier, _ right: Qualifier) -> Int {
    guard left.rank == right.rank else { return left.rank < right.rank ? -1 : 1 }
    guard left.name != right.name else { return 0 }
    return left.name.utf8.lexicographicallyPrecedes(right.name.utf8) ? -1 : 1
}

/// Digits of any number, so that no version is too large to be compared.
private func compare(_ left: [UInt8], _ right: [UInt8]) -> Int {
    guard left.count == right.count else { return left.count < right.count ? -1 : 1 }
    guard left != right else { return 0 }
    return left.lexicographicallyPrecedes(right) ? -1 : 1
}

// MARK: - Parsing

private struct VersionParser {
    /// Each is the last item of the one before, once it is whole.
    private var levels: [[VersionItem]] = [[]]
    private var token: [UInt8] = []
    private var isNumber = false
    /// Whether the token is a qualifier and, behind it, its number.
    private var isNumbered = false

    mutating func parse(_ bytes: [UInt8]) -> [VersionItem] {
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "."): endItem()
            case UInt8(ascii: "-"):
                // X-1 is read as X1.
                if !token.isEmpty, !isNumber, index + 1 < bytes.count, isDigit(bytes[index + 1]) {
                    isNumbered = true
                } else {
                    endItem()
                    beginList()
                }
            default: add(byte)
            }
        }
        if !token.isEmpty {
            // .X is read as -X where X is a qualifier.
            if !isNumber { beginList() }
            append()
        }
        return whole()
    }

    private mutating func add(_ byte: UInt8) {
        if isDigit(byte) {
            if !isNumber, !token.isEmpty {
                isNumbered = true
                beginList()
            }
            isNumber = true
        } else {
            if isNumber, !token.isEmpty {
                append()
                levels.append([])
            }
            isNumber = false
        }
        token.append(byte)
    }

    /// An item of which there is nothing is 0.
    private mutating func endItem() {
        if token.isEmpty { levels[levels.count - 1].append(.number([])) } else { append() }
    }

    private mutating func append() {
        levels[levels.count - 1].append(item())
        token = []
        isNumbered = false
    }

    private mutating func beginList() {
        if levels.last?.isEmpty == false { levels.append([]) }
    }

    private func item() -> VersionItem {
        guard isNumbered else {
            return isNumber
                ? .number(digits(token[...])) : .qualifier(Qualifier(text(token[...]), isNumbered: false))
        }
        let split = token.firstIndex(where: isDigit) ?? token.endIndex
        return .numbered(Qualifier(text(token[..<split]), isNumbered: true), digits(token[split...]))
    }

    private func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    private func digits(_ bytes: ArraySlice<UInt8>) -> [UInt8] { Array(bytes.drop { $0 == UInt8(ascii: "0") }) }

    /// The lists within each other, from the innermost out.
    private mutating func whole() -> [VersionItem] {
        var inner = normalized(levels.removeLast())
        while var outer = levels.popLast() {
            outer.append(.list(inner))
            inner = normalized(outer)
        }
        return inner
    }

    /// Without what means nothing at the end, or before a qualifier: `1.0-rc` is `1-rc`.
    private func normalized(_ items: [VersionItem]) -> [VersionItem] {
        var items = items
        for index in items.indices.reversed() {
            guard items[index].isNull else {
                if case .list = items[index] { continue }
                break
            }
            guard index + 1 < items.count else {
                items.removeLast()
                continue
            }
            if isQualified(items[index + 1]) { items.remove(at: index) }
        }
        return items
    }

    private func isQualified(_ item: VersionItem) -> Bool {
        if case .list(let items) = item { return items.first?.beginsWithQualifier ?? false }
        return item.beginsWithQualifier
    }
}

private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
