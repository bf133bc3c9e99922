/// The name of a repository, unique on a server and the first path component of its address.
///
/// The grammar is that of one path component of an OCI name (distribution specification, "Pulling manifests"), so that
/// every repository can be addressed under `/v2/`.
package struct RepositoryName: Name {
    package static let maximumLength = 64
    package static let grammar =
        "1 to 64 lower-case letters and digits, joined by single '.', '_', '__' or runs of '-'"
    package let text: String

    package init?(_ text: String) {
        guard (1...Self.maximumLength).contains(text.utf8.count), isPathComponent(text.utf8[...]) else { return nil }
        self.text = text
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, the component rule of OCI names.
package func isPathComponent(_ component: Substring.UTF8View) -> Bool {
    var separator: [UInt8] = []
    var afterAlphanumeric = false
    for byte in component {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            separator.removeAll(keepingCapacity: true)
            afterAlphanumeric = true
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            guard afterAlphanumeric, continues(separator, with: byte) else { return false }
            separator.append(byte)
        default:
            return false
        }
    }
    return afterAlphanumeric && separator.isEmpty
}

private func continues(_ separator: [UInt8], with byte: UInt8) -> Bool {
    switch (separator.first, byte) {
    case (nil, _): true
    case (UInt8(ascii: "-"), UInt8(ascii: "-")): true
    case (UInt8(ascii: "_"), UInt8(ascii: "_")): separator.count == 1
    default: false
    }
}
