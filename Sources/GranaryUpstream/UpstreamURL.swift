import FoundationEssentials

/// An absolute address of another server (RFC 3986), `http` or `https`, without user and fragment.
///
/// A server has one spelling, in `text` too: whoever looks up the address of `host` and whoever connects to `text` must not
/// take them for two names.
struct UpstreamURL: Sendable, Equatable {
    static let maximumBytes = 8192

    let text: String
    let isSecure: Bool
    /// A name in lower case, an IPv4 address, or an IPv6 address without its brackets.
    let host: String
    let port: Int

    /// Answers nil for everything else, for a name with anything but letters, digits, `-`, `.` and `_`, and for what is longer
    /// than `maximumBytes`.
    init?(_ text: String) {
        guard text.utf8.count <= Self.maximumBytes, let mark = text.firstRange(of: "://") else { return nil }
        let scheme = text[..<mark.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { return nil }
        isSecure = scheme == "https"
        let rest = text[mark.upperBound...].prefix { $0 != "#" }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<end].lowercased()
        guard let (host, port) = Self.parts(of: authority) else { return nil }
        self.host = host
        self.port = port ?? (isSecure ? 443 : 80)
        guard (1...65535).contains(self.port) else { return nil }
        self.text = "\(scheme)://\(authority)\(rest[end...])"
        guard let url = URL(string: self.text), url.host() == host else { return nil }
    }

    /// The name and the port of `host`, `host:port`, `[address]` or `[address]:port`; nil for anything else.
    private static func parts(of authority: String) -> (host: String, port: Int?)? {
        let isBracketed = authority.hasPrefix("[")
        let host = isBracketed ? authority.dropFirst().prefix { $0 != "]" } : authority.prefix { $0 != ":" }
        let characters = isBracketed ? "0123456789abcdef:." : "0123456789abcdefghijklmnopqrstuvwxyz-._"
        guard !host.isEmpty, host.allSatisfy({ characters.contains($0) }), !isBracketed || host.contains(":") else {
            return nil
        }
        let rest = authority.dropFirst(isBracketed ? host.count + 2 : host.count)
        if rest.isEmpty { return isBracketed && !authority.hasSuffix("]") ? nil : (String(host), nil) }
        guard rest.first == ":", rest.dropFirst().allSatisfy({ $0.isASCII && $0.isNumber }),
            let port = Int(rest.dropFirst())
        else { return nil }
        return (String(host), port)
    }

    /// `scheme://host:port`
    var origin: String { "\(isSecure ? "https" : "http")://\(host):\(port)" }

    /// Where a redirect from here leads; nil where that is no such address.
    func following(_ location: String) -> UpstreamURL? {
        guard let base = URL(string: text), let url = URL(string: location, relativeTo: base) else { return nil }
        return UpstreamURL(url.absoluteString)
    }
}

/// Base64 of UTF-8, as `Basic` credentials are sent (RFC 7617).
func base64Text(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
