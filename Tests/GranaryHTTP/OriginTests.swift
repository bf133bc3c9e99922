import HTTPTypes
import Testing

@testable import GranaryHTTP

@Suite("The origin in answers")
struct OriginTests {
    private struct Case {
        var configured: String?
        var trusts = false
        var isSecure = false
        var authority: String? = "registry.example:8443"
        var headers: HTTPFields = [:]
        let expected: String
    }

    private static let forwarded: HTTPFields = [.xForwardedProto: "https", .xForwardedHost: "outside.example"]

    private static let cases = [
        Case(expected: "http://registry.example:8443"), Case(isSecure: true, expected: "https://registry.example:8443"),
        Case(configured: "https://fixed.example", trusts: true, headers: forwarded, expected: "https://fixed.example"),
        Case(headers: forwarded, expected: "http://registry.example:8443"),
        Case(trusts: true, headers: forwarded, expected: "https://outside.example"),
        Case(trusts: true, headers: [.xForwardedProto: "gopher"], expected: "http://registry.example:8443"),
        Case(trusts: true, headers: [.xForwardedHost: "evil\"><script>"], expected: "http://fallback:1"),
        Case(trusts: true, headers: [.xForwardedHost: "a, b"], expected: "http://fallback:1"),
        Case(authority: nil, expected: "http://fallback:1"), Case(authority: "", expected: "http://fallback:1"),
        Case(authority: "[::1]:8080", expected: "http://[::1]:8080"),
        Case(authority: "user@host", expected: "http://fallback:1"),
        Case(authority: "host/path", expected: "http://fallback:1"),
        Case(authority: "é", expected: "http://fallback:1"),
        Case(authority: String(repeating: "a", count: 256), expected: "http://fallback:1")
    ]

    @Test("It is what the client used, unless somebody trusted knows better")
    func origins() {
        for example in Self.cases {
            let policy = OriginPolicy(
                configured: example.configured, trustsForwarded: example.trusts, isSecure: example.isSecure,
                fallbackAuthority: "fallback:1")
            let request = HTTPRequest(
                method: .get, scheme: "http", authority: example.authority, path: "/", headerFields: example.headers)
            #expect(policy.origin(of: request) == example.expected, "\(example)")
        }
    }
}
