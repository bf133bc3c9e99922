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

    private static let clients: [(trusts: Bool, claims: [String], expected: String)] = [
        (false, ["192.0.2.1"], "127.0.0.1"), (true, [], "127.0.0.1"), (true, ["192.0.2.1"], "192.0.2.1"),
        (true, ["192.0.2.1, 192.0.2.2"], "192.0.2.2"), (true, ["192.0.2.1", "192.0.2.2 "], "192.0.2.2"),
        (true, ["192.0.2.1,2001:DB8:0::1"], "2001:db8::1"), (true, ["192.0.2.1,"], "127.0.0.1"),
        (true, ["unknown"], "127.0.0.1"), (true, ["192.0.2.1:80"], "127.0.0.1"), (true, ["192.0.2.999"], "127.0.0.1"),
        (true, ["/var/run/socket"], "127.0.0.1"), (true, [""], "127.0.0.1")
    ]

    @Test("A client is where its connection comes from, unless somebody trusted knows better", arguments: clients)
    func peers(_ example: (trusts: Bool, claims: [String], expected: String)) {
        let policy = OriginPolicy(
            configured: nil, trustsForwarded: example.trusts, isSecure: false, fallbackAuthority: "fallback:1")
        var request = HTTPRequest(method: .get, scheme: "http", authority: "h", path: "/")
        for claim in example.claims { request.headerFields.append(.init(name: .xForwardedFor, value: claim)) }
        #expect(policy.peer(of: request, connectedFrom: "127.0.0.1") == example.expected)
    }

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
