/// A pattern over names: `*` stands for any run of characters but `/`, `**` for any run at all, everything else for itself.
package struct Pattern: Name {
    package static let maximumBytes = 255
    package static let grammar = "1 to 255 bytes; '*' matches within one path component, '**' across components"
    package static let everything = Pattern(pieces: [.anything], text: "**")

    package let text: String
    private let pieces: [Piece]

    private enum Piece: Hashable, Sendable {
        case literal([UInt8])
        case component
        case anything
    }

    package init?(_ text: String) {
        guard text.isPrintable(limit: Self.maximumBytes) else { return nil }
        self.init(pieces: Self.parse(Array(text.utf8)), text: text)
    }

    private init(pieces: [Piece], text: String) {
        self.pieces = pieces
        self.text = text
    }

    package static func == (left: Pattern, right: Pattern) -> Bool { left.text == right.text }

    package func hash(into hasher: inout Hasher) { hasher.combine(text) }

    /// True when the whole of `name` fits the pattern. Takes time in proportion to the product of both lengths.
    package func matches(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        var reachable = Set([0])
        for piece in pieces {
            reachable = Self.advance(reachable, by: piece, over: bytes)
            if reachable.isEmpty { return false }
        }
        return reachable.contains(bytes.count)
    }

    private static func advance(_ positions: Set<Int>, by piece: Piece, over bytes: [UInt8]) -> Set<Int> {
        switch piece {
        case .literal(let literal):
            return Set(positions.filter { bytes[$0...].starts(with: literal) }.map { $0 + literal.count })
        case .anything:
            return Set((positions.min() ?? 0)...bytes.count)
        case .component:
            var reached = positions
            for position in positions {
                let end = bytes[position...].firstIndex(of: UInt8(ascii: "/")) ?? bytes.count
                reached.formUnion(position...end)
            }
            return reached
        }
    }

    private static func parse(_ bytes: [UInt8]) -> [Piece] {
        var pieces: [Piece] = []
        var literal: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "*") else {
                literal.append(bytes[index])
                index += 1
                continue
            }
            if !literal.isEmpty { pieces.append(.literal(literal)) }
            literal = []
            let isDouble = index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "*")
            pieces.append(isDouble ? .anything : .component)
            index += isDouble ? 2 : 1
        }
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        return pieces
    }
}
