/// The query of a request target (RFC 3986, section 3.4), in order, percent-decoded, `+` read as a blank.
package struct Query: Sendable, Hashable {
    /// More parameters than this are dropped.
    package static let maximumParameters = 256
    package let items: [(name: String, value: String)]

    package init(_ raw: String) {
        guard !raw.isEmpty else {
            items = []
            return
        }
        items = raw.split(separator: "&").prefix(Self.maximumParameters).map { pair in
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (decodeQuery(halves[0]), halves.count > 1 ? decodeQuery(halves[1]) : "")
        }
    }

    /// The first value of `name`.
    package subscript(name: String) -> String? { items.first { $0.name == name }?.value }

    /// Every value of `name`, in order.
    package func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

    package static func == (left: Query, right: Query) -> Bool {
        left.items.elementsEqual(right.items) { $0.name == $1.name && $0.value == $1.value }
    }

    package func hash(into hasher: inout Hasher) {
        for item in items {
            hasher.combine(item.name)
            hasher.combine(item.value)
        }
    }
}

private func decodeQuery(_ text: some StringProtocol) -> String {
    let spaced = text.utf8.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
    return String(decoding: percentDecoded(spaced) ?? spaced, as: UTF8.self)
}

/// The bytes that `text` stands for; nil when a `%` is not followed by two hexadecimal digits.
package func percentDecoded(_ text: some Sequence<UInt8>) -> [UInt8]? {
    var decoded: [UInt8] = []
    var iterator = text.makeIterator()
    while let byte = iterator.next() {
        guard byte == UInt8(ascii: "%") else {
            decoded.append(byte)
            continue
        }
        guard let high = iterator.next().flatMap(hexadecimalValue), let low = iterator.next().flatMap(hexadecimalValue)
        else { return nil }
        decoded.append(high << 4 | low)
    }
    return decoded
}

/// What a hexadecimal digit stands for; nil for every other byte.
func hexadecimalValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

/// `text` with every byte outside RFC 3986's unreserved set and `allowed` percent-encoded.
package func percentEncoded(_ text: String, allowing allowed: String = "") -> String {
    let kept = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8).union(allowed.utf8)
    var encoded = ""
    for byte in text.utf8 {
        if kept.contains(byte) {
            encoded.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
            encoded += "%" + hexadecimalDigits(byte)
        }
    }
    return encoded
}

private func hexadecimalDigits(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return byte < 16 ? "0" + digits : digits
}
