import AsyncHTTPClient
import GranaryFormat
import GranaryTestKit
import HTTPTypes
import NIOCore
import Testing

@testable import GranaryUpstream

@Suite("Addresses and challenges of upstreams")
struct UpstreamParsingTests {
    @Test(
        "Only addresses of the Internet are public",
        arguments: [
            ("8.8.8.8", true), ("127.0.0.1", false), ("10.1.2.3", false), ("172.16.0.1", false), ("172.32.0.1", true),
            ("192.168.1.1", false), ("169.254.169.254", false), ("100.64.0.1", false), ("0.0.0.0", false),
            ("224.0.0.1", false), ("203.0.113.5", false), ("::1", false), ("fe80::1%eth0", false), ("fd00::1", false),
            ("2606:4700::1111", true), ("::ffff:10.0.0.1", false), ("::ffff:8.8.8.8", true), ("2002:7f00:1::", false),
            ("2001:db8::1", false), ("64:ff9b::7f00:1", false), ("nonsense", false), ("", false)
        ])
    func addresses(_ address: String, _ isPublic: Bool) {
        #expect(AddressRules.isPublic(address) == isPublic)
    }

    @Test(
        "An address of a server is absolute and has no user",
        arguments: [
            ("http://a/b", "http://a:80"), ("HTTPS://A.example:8443/x?y#z", "https://a.example:8443"),
            ("ftp://a/", nil), ("/a", nil), ("http://u@a/", nil), ("http://a:0/", nil), ("http:///x", nil), ("", nil),
            ("http://[::1]:5000/x", "http://::1:5000"), ("http://[::1/", nil), ("http://[a]/", nil),
            ("http://ex%61mple/", nil), ("http://a\\b/", nil), ("http://bücher.example/", nil), ("http://a b/", nil),
            ("http://a:+80/", nil), ("http://a:99999/", nil)
        ])
    func origins(_ text: String, _ origin: String?) {
        #expect(UpstreamURL(text)?.origin == origin)
    }

    @Test("A server has one spelling: the name that is looked up is the one that is connected to")
    func spelling() {
        #expect(UpstreamURL("HTTP://EVIL.Example:80/A?B#c")?.text == "http://evil.example:80/A?B")
    }

    @Test("A token lasts as long as is said, within reason", arguments: [Int.min, -1, 0, 60, 300, Int.max])
    func lifetimes(_ seconds: Int) async throws {
        let body = RequestBody(bytes: ByteBuffer(string: #"{"token":"x","expires_in":\#(seconds)}"#))
        let token = await BearerTokens.Token(body)
        #expect(token?.lifetime == .seconds(max(5, min(max(seconds, 0), 3600) - 10)))
    }

    @Test("Nothing is connected to but the address that was looked up")
    func otherAddress() async throws {
        try await FakeUpstream.run({ _ in .respond(200) }) { upstream in
            for (host, address, isRight) in [("127.0.0.1", "127.0.0.1", true), ("other.example", "127.0.0.9", false)] {
                let connections = ServerConnections(host: host, address: address, readTimeout: .seconds(60))
                let answer: Result<HTTPClientResponse, any Error>
                do {
                    answer = .success(
                        try await connections.client.execute(
                            HTTPClientRequest(url: upstream.url), timeout: .seconds(60)))
                } catch {
                    answer = .failure(error)
                }
                #expect(((try? answer.get()) != nil) == isRight, "\(answer)")
                await connections.shutDown()
            }
            #expect(upstream.requests.count == 1)
        }
    }

    @Test(
        "A redirect leads from where one is",
        arguments: [
            ("/c", "http://a/c"), ("c", "http://a/x/c"), ("//b/c", "http://b/c"), ("https://b/c", "https://b/c"),
            ("mailto:x", nil)
        ])
    func redirects(_ location: String, _ target: String?) {
        #expect(UpstreamURL("http://a/x/y")?.following(location)?.text == target)
    }

    @Test("A challenge says where tokens come from")
    func challenge() throws {
        var headers = HTTPFields()
        headers.append(HTTPField(name: .wwwAuthenticate, value: "Basic realm=\"x\""))
        headers.append(
            HTTPField(
                name: .wwwAuthenticate,
                value:
                    #"Bearer realm="https://auth.example/token?a=b", service="r, example",scope="repository:a/b:pull,push""#
            ))
        let challenge = try #require(BearerChallenge(headers))
        #expect(
            challenge.url == "https://auth.example/token?a=b&service=r,%20example&scope=repository:a/b:pull,push")
        #expect(BearerChallenge([.wwwAuthenticate: "Bearer scope=x"]) == nil)
        #expect(BearerChallenge([.wwwAuthenticate: "Bearer realm=nowhere"])?.url == nil)
    }
}
