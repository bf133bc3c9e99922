import GranaryModel

/// A JSON value as the bytes it was sent as (RFC 8259), checked once. Numbers, escapes, members nobody knows and the order of
/// members stay as they are.
package struct RawJSON: Sendable, Hashable {
    /// How deep arrays and objects may nest.
    package static let maximumDepth = 100

    /// UTF-8 without white space around it.
    package let bytes: ArraySlice<UInt8>

    /// Checks all of a document. Throws `.invalid(.content, …)` for what is no JSON, is nested deeper than `maximumDepth`, is no
    /// UTF-8, or has an object with two members of the same name: parsers disagree about which of them counts.
    package init(_ bytes: some Collection<UInt8>) throws(Problem) {
        let bytes = Array(bytes)
        guard String(validating: bytes, as: UTF8.self) != nil else { throw .invalid(.content, "JSON is UTF-8") }
        var scanner = JSONScanner(bytes[...])
        scanner.skipWhitespace()
        let start = scanner.position
        try scanner.checkValue(depth: 0)
        let end = scanner.position
        scanner.skipWhitespace()
        guard scanner.isAtEnd else { throw JSONScanner.malformed(at: scanner.position) }
        self.bytes = bytes[start..<end]
    }

    /// For bytes that are known to be one value.
    fileprivate init(checked bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package static func == (left: Self, right: Self) -> Bool { left.bytes.elementsEqual(right.bytes) }

    package func hash(into hasher: inout Hasher) {
        for byte in bytes { hasher.combine(byte) }
    }

    // MARK: Reading

    /// The members of an object in their order; nil for every other value.
    package var members: [(name: String, value: RawJSON)]? {
        guard bytes.first == UInt8(ascii: "{") else { return nil }
        var scanner = JSONScanner(bytes)
        return scanner.members().map { (JSONScanner.decodedString($0.name), RawJSON(checked: $0.value)) }
    }

    /// The elements of an array; nil for every other value.
    package var elements: [RawJSON]? {
        guard bytes.first == UInt8(ascii: "[") else { return nil }
        var scanner = JSONScanner(bytes)
        return scanner.elements().map { RawJSON(checked: $0) }
    }

    /// A string, decoded; nil for every other value. Half of a surrogate pair is read as U+FFFD.
    package var string: String? {
        bytes.first == UInt8(ascii: "\"") ? JSONScanner.decodedString(bytes) : nil
    }

    /// A whole number; nil for every other value.
    package var integer: Int64? { Int64(text) }

    /// True or false; nil for every other value.
    package var boolean: Bool? {
        switch text {
        case "true": true
        case "false": false
        default: nil
        }
    }

    package var isNull: Bool { bytes.elementsEqual("null".utf8) }

    /// A member of an object; nil where there is none, and for every other value.
    package subscript(name: String) -> RawJSON? { members?.first { $0.name == name }?.value }

    // MARK: Writing

    package static let null = RawJSON(checked: Array("null".utf8)[...])

    package init(_ value: Bool) { self.init(checked: Array((value ? "true" : "false").utf8)[...]) }

    package init(_ number: Int64) { self.init(checked: Array(String(number).utf8)[...]) }

    package init(_ string: String) {
        var bytes: [UInt8] = []
        JSONScanner.append(string, to: &bytes)
        self.init(checked: bytes[...])
    }

    package init(object members: [(name: String, value: RawJSON)]) {
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        bytes.reserveCapacity(members.reduce(2) { $0 + $1.name.utf8.count + $1.value.bytes.count + 4 })
        for (index, member) in members.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            JSONScanner.append(member.name, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            bytes += member.value.bytes
        }
        bytes.append(UInt8(ascii: "}"))
        self.init(checked: bytes[...])
    }

    package init(array elements: [RawJSON]) {
        var bytes: [UInt8] = [UInt8(ascii: "[")]
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += element.bytes
        }
        bytes.append(UInt8(ascii: "]"))
        self.init(checked: bytes[...])
    }

    package init(encoding value: some Encodable) { self.init(checked: Array(jsonText(value).utf8)[...]) }
}

/// Walks over JSON. What checks refuses; what splits relies on the check.
private struct JSONScanner {
    private let bytes: ArraySlice<UInt8>
    private(set) var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    var isAtEnd: Bool { position == bytes.endIndex }
    private var next: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    static func malformed(at position: Int) -> Problem {
        .invalid(.content, "this is no JSON, from byte \(position) on")
    }

    mutating func skipWhitespace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    // MARK: Checking

    mutating func checkValue(depth: Int) throws(Problem) {
        switch next {
        case UInt8(ascii: "{"):
            try checkObject(depth: depth + 1)
        case UInt8(ascii: "["):
            try checkArray(depth: depth + 1)
        case UInt8(ascii: "\""): try checkString()
        case UInt8(ascii: "t"): try expect("true")
        case UInt8(ascii: "f"): try expect("false")
        case UInt8(ascii: "n"): try expect("null")
        default: try checkNumber()
        }
    }

    private mutating func checkObject(depth: Int) throws(Problem) {
        var names: Set<String> = []
        try checkList(depth: depth, until: UInt8(ascii: "}")) { (scanner: inout Self) throws(Problem) in
            let start = scanner.position
            guard scanner.next == UInt8(ascii: "\"") else { throw Self.malformed(at: start) }
            try scanner.checkString()
            let name = Self.decodedString(scanner.bytes[start..<scanner.position])
            guard names.insert(name).inserted else {
                throw .invalid(.content, "an object has two members '\(name.prefix(100))'")
            }
            scanner.skipWhitespace()
            try scanner.expect(":")
            scanner.skipWhitespace()
            try scanner.checkValue(depth: depth)
        }
    }

    private mutating func checkArray(depth: Int) throws(Problem) {
        try checkList(depth: depth, until: UInt8(ascii: "]")) { (scanner: inout Self) throws(Problem) in
            try scanner.checkValue(depth: depth)
        }
    }

    /// What stands between an opening bracket and `end`: items with commas between them.
    private mutating func checkList(
        depth: Int, until end: UInt8, _ item: (inout Self) throws(Problem) -> Void
    ) throws(Problem) {
        guard depth <= RawJSON.maximumDepth else {
            throw .invalid(.content, "JSON nests at most \(RawJSON.maximumDepth) levels deep here")
        }
        position += 1
        skipWhitespace()
        if next == end {
            position += 1
            return
        }
        while true {
            try item(&self)
            skipWhitespace()
            switch next {
            case UInt8(ascii: ","): position += 1
            case end:
                position += 1
                return
            default: throw Self.malformed(at: position)
            }
            skipWhitespace()
        }
    }

    private mutating func checkString() throws(Problem) {
        position += 1
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return
            case UInt8(ascii: "\\"): try checkEscape()
            case ..<0x20: throw Self.malformed(at: position - 1)
            default: break
            }
        }
        throw Self.malformed(at: position)
    }

    private mutating func checkEscape() throws(Problem) {
        guard let byte = next else { throw Self.malformed(at: position) }
        position += 1
        switch byte {
        case UInt8(ascii: "u"):
            for _ in 0..<4 {
                guard next.flatMap(hexadecimalValue) != nil else { throw Self.malformed(at: position) }
                position += 1
            }
        case _ where Self.escapes[byte] != nil: return
        default: throw Self.malformed(at: position - 1)
        }
    }

    private mutating func checkNumber() throws(Problem) {
        if next == UInt8(ascii: "-") { position += 1 }
        if next == UInt8(ascii: "0") { position += 1 } else { try checkDigits() }
        if next == UInt8(ascii: ".") {
            position += 1
            try checkDigits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            try checkDigits()
        }
    }

    private mutating func checkDigits() throws(Problem) {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw Self.malformed(at: position) }
    }

    private mutating func expect(_ text: StaticString) throws(Problem) {
        let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard bytes[position...].starts(with: wanted) else { throw Self.malformed(at: position) }
        position += wanted.count
    }

    // MARK: Splitting what was checked

    mutating func members() -> [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] {
        var members: [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] = []
        position += 1
        skipToItem()
        while let byte = next, byte != UInt8(ascii: "}") {
            let name = value()
            skipWhitespace()
            position += 1
            skipWhitespace()
            members.append((name, value()))
            skipToItem()
        }
        return members
    }

    mutating func elements() -> [ArraySlice<UInt8>] {
        var elements: [ArraySlice<UInt8>] = []
        position += 1
        skipToItem()
        while let byte = next, byte != UInt8(ascii: "]") {
            elements.append(value())
            skipToItem()
        }
        return elements
    }

    private mutating func skipToItem() {
        skipWhitespace()
        if next == UInt8(ascii: ",") { position += 1 }
        skipWhitespace()
    }

    private mutating func value() -> ArraySlice<UInt8> {
        let start = position
        var depth = 0
        scan: while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                skipString()
                if depth == 0 { break scan }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { break scan }
                depth -= 1
                if depth == 0 {
                    position += 1
                    break scan
                }
            case UInt8(ascii: ","), 0x20, 0x0A, 0x0D, 0x09:
                if depth == 0 { break scan }
            default: break
            }
            position += 1
        }
        return bytes[start..<position]
    }

    private mutating func skipString() {
        position += 1
        while let byte = next, byte != UInt8(ascii: "\"") { position += byte == UInt8(ascii: "\\") ? 2 : 1 }
        position += 1
    }

    // MARK: Strings

    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
        UInt8(ascii: "/"): UInt8(ascii: "/"), UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0C, UInt8(ascii: "n"): 0x0A,
        UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09
    ]

    /// What a string that was checked stands for. `raw` has its quotes.
    static func decodedString(_ raw: ArraySlice<UInt8>) -> String {
        let inner = raw.dropFirst().dropLast()
        guard inner.contains(UInt8(ascii: "\\")) else { return String(decoding: inner, as: UTF8.self) }
        var units: [UInt16] = []
        var plain = inner.startIndex
        var position = inner.startIndex
        while position < inner.endIndex {
            guard inner[position] == UInt8(ascii: "\\") else {
                position += 1
                continue
            }
            units += String(decoding: inner[plain..<position], as: UTF8.self).utf16
            let kind = inner[position + 1]
            if kind == UInt8(ascii: "u") {
                let digits = inner[(position + 2)..<(position + 6)]
                units.append(digits.reduce(0) { $0 << 4 | UInt16(hexadecimalValue($1) ?? 0) })
                position += 6
            } else {
                units.append(UInt16(escapes[kind] ?? kind))
                position += 2
            }
            plain = position
        }
        units += String(decoding: inner[plain...], as: UTF8.self).utf16
        return String(decoding: units, as: UTF16.self)
    }

    static func append(_ string: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0x0A: bytes += "\\n".utf8
            case 0x0D: bytes += "\\r".utf8
            case 0x09: bytes += "\\t".utf8
            case ..<0x20: bytes += "\\u00\(byte < 0x10 ? "0" : "")\(String(byte, radix: 16))".utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
