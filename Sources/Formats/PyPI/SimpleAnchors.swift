import GranaryFormat
import GranaryModel

/// The links of a page of the simple API in HTML (PEP 503). What else a page holds is skipped.
struct SimpleAnchors {
    /// One `a` element: its attributes by name in lower case, and its text.
    struct Anchor: Sendable, Equatable {
        var attributes: [String: String]
        var text: String
    }

    static let maximumCount = 1_000_000
    private static let maximumAttributes = 50

    private var rest: Substring.UTF8View

    /// Throws `.invalid(.content, …)` for a page with more than `maximumCount` links.
    static func all(in page: String) throws(Problem) -> [Anchor] {
        var scanner = Self(rest: page[...].utf8)
        var found: [Anchor] = []
        while let anchor = scanner.next() {
            found.append(anchor)
            guard found.count <= maximumCount else { throw .invalid(.content, "a page has too many links") }
        }
        return found
    }

    /// The content of the first `meta` element of a name.
    static func meta(_ name: String, in page: String) -> String? {
        var scanner = Self(rest: page[...].utf8)
        while scanner.skip(toTag: "meta") {
            let attributes = scanner.attributes()
            if attributes["name"]?.lowercased() == name { return attributes["content"] }
        }
        return nil
    }

    private init(rest: Substring.UTF8View) { self.rest = rest }

    private mutating func next() -> Anchor? {
        guard skip(toTag: "a") else { return nil }
        let attributes = attributes()
        let text = rest.prefix { $0 != UInt8(ascii: "<") }
        rest = rest.dropFirst(text.count)
        return Anchor(attributes: attributes, text: Self.decoded(Substring(text)))
    }

    /// Goes behind the name of the next tag that has it; false at the end of the page.
    private mutating func skip(toTag name: String) -> Bool {
        while let start = rest.firstIndex(of: UInt8(ascii: "<")) {
            rest = rest[rest.index(after: start)...]
            if rest.starts(with: "!--".utf8) {
                guard let end = Substring(rest).firstRange(of: "-->") else { return false }
                rest = rest[end.upperBound...]
                continue
            }
            let tag = rest.prefix { $0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z") }
            guard Substring(tag).lowercased() == name else { continue }
            rest = rest.dropFirst(tag.count)
            return true
        }
        return false
    }

    /// Reads up to the end of a tag.
    private mutating func attributes() -> [String: String] {
        var found: [String: String] = [:]
        while true {
            rest = rest.drop { $0 == 0x20 || (0x09...0x0D).contains($0) || $0 == UInt8(ascii: "/") }
            guard let byte = rest.first else { return found }
            if byte == UInt8(ascii: ">") {
                rest = rest.dropFirst()
                return found
            }
            let name = rest.prefix { $0 > 0x20 && !"=>/".utf8.contains($0) }
            rest = rest.dropFirst(max(name.count, 1))
            rest = rest.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
            var value = ""
            if rest.first == UInt8(ascii: "=") {
                rest = rest.dropFirst().drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
                value = self.value()
            }
            // The first of a name counts (HTML, "Attribute name state").
            let key = Substring(name).lowercased()
            if found[key] == nil, found.count < Self.maximumAttributes { found[key] = value }
        }
    }

    private mutating func value() -> String {
        if let quote = rest.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
            rest = rest.dropFirst()
            let value = rest.prefix { $0 != quote }
            rest = rest.dropFirst(value.count).dropFirst()
            return Self.decoded(Substring(value))
        }
        let value = rest.prefix { $0 > 0x20 && $0 != UInt8(ascii: ">") }
        rest = rest.dropFirst(value.count)
        return Self.decoded(Substring(value))
    }

    /// With the references that pages of this kind have (HTML, "Character references") in place.
    private static func decoded(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "&")) else { return String(text) }
        var decoded = ""
        var rest = text
        while let start = rest.firstIndex(of: "&") {
            decoded += rest[..<start]
            let tail = rest[rest.index(after: start)...]
            let name = tail.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "#") }
            guard name.count <= 10, let character = character(name) else {
                decoded += "&"
                rest = tail
                continue
            }
            decoded.unicodeScalars.append(character)
            rest = tail.dropFirst(name.count)
            if rest.first == ";" { rest = rest.dropFirst() }
        }
        return decoded + rest
    }

    private static func character(_ name: Substring) -> Unicode.Scalar? {
        switch name {
        case "amp": return "&"
        case "lt": return "<"
        case "gt": return ">"
        case "quot": return "\""
        case "apos": return "'"
        default:
            let isHexadecimal = name.hasPrefix("#x") || name.hasPrefix("#X")
            guard name.hasPrefix("#") else { return nil }
            return UInt32(name.dropFirst(isHexadecimal ? 2 : 1), radix: isHexadecimal ? 16 : 10).flatMap(
                Unicode.Scalar.init)
        }
    }
}
