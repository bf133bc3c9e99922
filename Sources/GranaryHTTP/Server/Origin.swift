import GranaryFormat
import HTTPTypes

/// Finds out how clients reach this server, for the addresses in answers.
package struct OriginPolicy: Sendable {
    /// What an operator says it is; wins over everything.
    let configured: String?
    /// Whether `X-Forwarded-Proto` and `X-Forwarded-Host` come from a proxy that sets them.
    let trustsForwarded: Bool
    let isSecure: Bool
    /// For requests that name no host.
    let fallbackAuthority: String

    package init(configured: String?, trustsForwarded: Bool, isSecure: Bool, fallbackAuthority: String) {
        self.configured = configured
        self.trustsForwarded = trustsForwarded
        self.isSecure = isSecure
        self.fallbackAuthority = fallbackAuthority
    }

    /// `scheme://authority` without a slash at the end.
    func origin(of request: HTTPRequest) -> String {
        if let configured { return configured }
        var scheme = isSecure ? "https" : "http"
        var authority = request.authority ?? fallbackAuthority
        if trustsForwarded {
            let proto = request.headerFields[.xForwardedProto]
            if proto == "http" || proto == "https" { scheme = proto ?? scheme }
            authority = request.headerFields[.xForwardedHost] ?? authority
        }
        return "\(scheme)://\(Self.isAuthority(authority) ? authority : fallbackAuthority)"
    }

    /// What could not stand in a header or a document without harm is not repeated.
    private static func isAuthority(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"),
                    UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}

extension HTTPField.Name {
    static let xForwardedProto = Self(known: "X-Forwarded-Proto")
    static let xForwardedHost = Self(known: "X-Forwarded-Host")
}
