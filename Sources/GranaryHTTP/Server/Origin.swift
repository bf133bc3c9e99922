import GranaryFormat
import HTTPTypes
import NIOCore

/// Finds out how clients reach this server, for the addresses in answers, and from where.
package struct OriginPolicy: Sendable {
    /// What an operator says it is; wins over everything.
    let configured: String?
    /// Whether `X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Forwarded-For` come from a proxy that sets them.
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

    /// The address of the client: that of the connection, or what a trusted proxy says of it, which adds what it has seen
    /// to the end of what others claim.
    func peer(of request: HTTPRequest, connectedFrom address: String) -> String {
        guard trustsForwarded, let claims = request.headerFields[.xForwardedFor] else { return address }
        let last = claims.split(separator: ",", omittingEmptySubsequences: false).last ?? ""
        let text = String(last.drop { $0 == " " }.prefix { $0 != " " })
        return (try? SocketAddress(ipAddress: text, port: 0))?.ipAddress ?? address
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
    static let xForwardedFor = Self(known: "X-Forwarded-For")
    static let xForwardedHost = Self(known: "X-Forwarded-Host")
}
