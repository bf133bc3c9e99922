/// A validated piece of text that names something. Parsing is the only way to make one.
package protocol Name: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    /// Limits and grammar in words, for error messages: "1 to 64 characters of a–z, 0–9 …".
    static var grammar: String { get }
    /// The text as given.
    var text: String { get }
    /// Answers nil when `text` breaks the grammar.
    init?(_ text: String)
}

extension Name {
    package var description: String { text }

    /// Bytewise order, the order of every list Granary serves.
    package static func < (left: Self, right: Self) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let name = Self(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "must be \(Self.grammar)")
        }
        self = name
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension Unicode.Scalar {
    /// C0, DEL and C1: what could steer a terminal or begin a line of its own.
    package var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
}

extension String {
    /// True when the text is 1 to `limit` bytes of UTF-8 without control characters.
    func isPrintable(limit: Int) -> Bool {
        (1...limit).contains(utf8.count) && utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }

    /// True when the text is 1 to `limit` bytes that may be shown to people as they are.
    package func isShowable(limit: Int) -> Bool {
        (1...limit).contains(utf8.count) && !unicodeScalars.contains(where: \.isControl)
    }
}
