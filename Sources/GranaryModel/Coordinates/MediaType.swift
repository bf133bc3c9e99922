/// A media type as it was given, `type/subtype` with optional parameters (RFC 9110, section 8.3.1).
package struct MediaType: Hashable, Sendable, CustomStringConvertible {
    package static let maximumBytes = 255
    package static let octetStream = MediaType(checked: "application/octet-stream")
    package static let json = MediaType(checked: "application/json")

    package let text: String

    /// Answers nil unless the text is printable ASCII with a slash between two non-empty halves.
    package init?(_ text: String) {
        guard (3...Self.maximumBytes).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }),
            let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")),
            slash != text.utf8.startIndex, text.utf8.index(after: slash) != text.utf8.endIndex
        else { return nil }
        self.text = text
    }

    /// For text known to be a media type: constants, and rows that were checked when they were written.
    package init(checked text: String) { self.text = text }

    /// The type without parameters, in lower case: what two media types are compared by.
    package var essence: String {
        let bare = text.prefix { $0 != ";" }.lowercased()
        return String(bare.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    package var description: String { text }
}
