import FoundationEssentials

/// An absolute address of another server (RFC 3986), `http` or `https`, without user and fragment.
struct UpstreamURL: Sendable, Equatable {
    static let maximumBytes = 8192

    let text: String
    let isSecure: Bool
    let host: String
    let port: Int

    /// Answers nil for everything else, and for what is longer than `maximumBytes`.
    init?(_ text: String) {
        guard text.utf8.count <= Self.maximumBytes,
            let url = URL(string: text), let scheme = url.scheme?.lowercased(), scheme == "http" || scheme == "https",
            let host = url.host()?.lowercased(), !host.isEmpty, url.user() == nil
        else { return nil }
        isSecure = scheme == "https"
        self.host = host
        port = url.port ?? (isSecure ? 443 : 80)
        guard (1...65535).contains(port) else { return nil }
        self.text = String(text.prefix { $0 != "#" })
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
