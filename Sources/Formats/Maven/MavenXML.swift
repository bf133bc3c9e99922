package import GranaryFormat
import GranaryModel

/// An element of an XML document with what is below it; attributes, comments and instructions are left out.
package struct MavenElement: Sendable, Equatable {
    /// Without a namespace prefix.
    package let name: String
    /// The character data directly in it, without white space at its ends.
    package fileprivate(set) var text = ""
    package fileprivate(set) var children: [MavenElement] = []

    fileprivate init(name: String) { self.name = name }

    /// Reads a document. Throws `.invalid(.content, …)` for what is not well-formed or over a limit, and for every document
    /// type: nobody can declare entities, so none is fetched and none grows.
    package init(document bytes: [UInt8]) throws(Problem) {
        var reader = XMLReader(try utf8(bytes))
        self = try reader.document()
    }

    /// The first child of a name.
    subscript(name: String) -> MavenElement? { children.first { $0.name == name } }

    /// What the first child of a name says; nil where that is nothing.
    func text(_ name: String) -> String? { self[name].flatMap { $0.text.isEmpty ? nil : $0.text } }

    func all(_ name: String) -> [MavenElement] { children.filter { $0.name == name } }
}

/// Reads what Maven's documents are made of (XML 1.0, fifth edition), and refuses the rest.
private struct XMLReader {
    static let maximumDepth = 100
    static let maximumElements = 100_000
    /// Of one element.
    static let maximumAttributes = 100
    static let maximumReferenceBytes = 32

    private let bytes: [UInt8]
    private var position = 0
    private var elements = 0
    /// The elements that are open, the document's own first, each with its name as it was written.
    private var open: [(element: MavenElement, tag: ArraySlice<UInt8>, text: [UInt8])] = []
    private var root: MavenElement?

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(Problem) -> MavenElement {
        while position < bytes.count {
            if take("<?") {
                try skip(past: "?>")
            } else if take("<!--") {
                try skip(past: "-->")
            } else if take("<![CDATA[") {
                try characterSection()
            } else if take("<!") {
                throw malformed("a document type is not taken")
            } else if take("</") {
                try endTag()
            } else if take("<") {
                try startTag()
            } else {
                try characters()
            }
        }
        guard open.isEmpty, let root else { throw malformed("it ends early") }
        return root
    }

    // MARK: Tags

    private mutating func startTag() throws(Problem) {
        guard root == nil else { throw malformed("more than one element at the top") }
        elements += 1
        guard elements <= Self.maximumElements else { throw malformed("more than \(Self.maximumElements) elements") }
        guard open.count < Self.maximumDepth else { throw malformed("nested deeper than \(Self.maximumDepth)") }
        let tag = try name()
        let isEmpty = try attributes()
        let local = tag.lastIndex(of: UInt8(ascii: ":")).map { tag[($0 + 1)...] } ?? tag
        open.append((MavenElement(name: String(decoding: local, as: UTF8.self)), tag, []))
        if isEmpty { close() }
    }

    private mutating func endTag() throws(Problem) {
        let tag = try name()
        skipSpace()
        guard take(">"), let last = open.last, last.tag == tag else { throw malformed("tags that do not match") }
        close()
    }

    private mutating func close() {
        guard let last = open.popLast() else { return }
        var element = last.element
        element.text = trimmed(last.text)
        guard let parent = open.indices.last else {
            root = element
            return
        }
        open[parent].element.children.append(element)
    }

    /// Skips attributes up to the end of the tag and answers whether it is that of an empty element.
    private mutating func attributes() throws(Problem) -> Bool {
        for _ in 0...Self.maximumAttributes {
            let start = position
            skipSpace()
            if take("/>") { return true }
            if take(">") { return false }
            guard position > start else { throw malformed("a tag that does not end") }
            _ = try name()
            skipSpace()
            guard take("=") else { throw malformed("an attribute without a value") }
            skipSpace()
            guard let quote = next, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
                throw malformed("an attribute without quotes")
            }
            position += 1
            guard let end = bytes[position...].firstIndex(of: quote),
                !bytes[position..<end].contains(UInt8(ascii: "<"))
            else { throw malformed("an attribute that does not end") }
            position = end + 1
        }
        throw malformed("more than \(Self.maximumAttributes) attributes")
    }

    private mutating func name() throws(Problem) -> ArraySlice<UInt8> {
        let start = position
        while let byte = next, isNameByte(byte) { position += 1 }
        guard position > start, !isLaterNameByte(bytes[start]) else { throw malformed("a name is missing") }
        return bytes[start..<position]
    }

    private func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: ":"), 0x80...:
            true
        default: isLaterNameByte(byte)
        }
    }

    private func isLaterNameByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }

    // MARK: Text

    private mutating func characters() throws(Problem) {
        let end = bytes[position...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
        guard let top = open.indices.last else {
            guard bytes[position..<end].allSatisfy(isSpace) else { throw malformed("text outside the element") }
            position = end
            return
        }
        while position < end {
            let byte = bytes[position]
            guard byte != UInt8(ascii: "&") else {
                open[top].text += try reference(before: end)
                continue
            }
            open[top].text.append(byte)
            position += 1
        }
    }

    private mutating func characterSection() throws(Problem) {
        let start = position
        try skip(past: "]]>")
        guard let top = open.indices.last else { throw malformed("text outside the element") }
        open[top].text += bytes[start..<(position - 3)]
    }

    /// What a reference stands for. Maven knows the names of HTML without a declaration; nothing here depends on what is written
    /// with them, so they stay as they are.
    private mutating func reference(before end: Int) throws(Problem) -> [UInt8] {
        let limit = min(end, position + Self.maximumReferenceBytes)
        guard let semicolon = bytes[position..<limit].firstIndex(of: UInt8(ascii: ";")) else {
            throw malformed("a reference that does not end")
        }
        let whole = bytes[position...semicolon]
        position = semicolon + 1
        let name = String(decoding: whole.dropFirst().dropLast(), as: UTF8.self)
        switch name {
        case "lt": return Array("<".utf8)
        case "gt": return Array(">".utf8)
        case "amp": return Array("&".utf8)
        case "quot": return Array("\"".utf8)
        case "apos": return Array("'".utf8)
        default: break
        }
        guard name.hasPrefix("#") else {
            guard !name.isEmpty, name.utf8.allSatisfy(isNameByte) else { throw malformed("a reference without a name") }
            return Array(whole)
        }
        let isHexadecimal = name.hasPrefix("#x")
        guard let value = UInt32(name.dropFirst(isHexadecimal ? 2 : 1), radix: isHexadecimal ? 16 : 10),
            let scalar = Unicode.Scalar(value), value >= 0x20 || [0x9, 0xA, 0xD].contains(value)
        else { throw malformed("a reference to no character") }
        return Array(String(Character(scalar)).utf8)
    }

    // MARK: Bytes

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ text: StaticString) -> Bool {
        let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard bytes[position...].starts(with: wanted) else { return false }
        position += wanted.count
        return true
    }

    private mutating func skip(past text: StaticString) throws(Problem) {
        while position < bytes.count {
            if take(text) { return }
            position += 1
        }
        throw malformed("it ends early")
    }

    private mutating func skipSpace() {
        while let byte = next, isSpace(byte) { position += 1 }
    }

    private func malformed(_ what: String) -> Problem {
        .invalid(.content, "the XML cannot be read at byte \(position): \(what)")
    }
}

private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x9 || byte == 0xA || byte == 0xD }

private func trimmed(_ bytes: [UInt8]) -> String {
    let start = bytes.drop(while: isSpace)
    let end = start.lastIndex { !isSpace($0) }.map { start[...$0] } ?? []
    return String(decoding: end, as: UTF8.self)
}

/// A document in UTF-8: what it is, unless it says that it is Latin-1 or its like.
private func utf8(_ bytes: [UInt8]) throws(Problem) -> [UInt8] {
    let document = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    guard document.allSatisfy({ $0 >= 0x20 || isSpace($0) }) else {
        throw .invalid(.content, "the XML has control characters, or is no UTF-8")
    }
    if isLatin(document) { return document.flatMap { $0 < 0x80 ? [$0] : [0xC0 | $0 >> 6, 0x80 | $0 & 0x3F] } }
    guard String(validating: document, as: UTF8.self) != nil else { throw .invalid(.content, "the XML is no UTF-8") }
    return document
}

private func isLatin(_ document: [UInt8]) -> Bool {
    guard document.starts(with: "<?xml".utf8), let end = document.firstIndex(of: UInt8(ascii: ">")) else {
        return false
    }
    let declaration = String(decoding: document[..<end], as: UTF8.self).lowercased()
    return ["iso-8859-1", "iso-8859-15", "windows-1252", "us-ascii"].contains { declaration.contains($0) }
}
