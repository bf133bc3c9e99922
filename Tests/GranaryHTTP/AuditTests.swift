import FormatNPM
import Foundation
import GranaryCore
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

@Suite("npm audit")
struct AuditTests {
    private static let path = "-/npm/v1/security/advisories/bulk"
    private static let advisory = #"{"id":7,"title":"bad","severity":"high","vulnerable_versions":"<2.0.0"}"#

    private static let upstream: @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer = { request in
        guard request.path == "/\(path)", request.method == "POST" else { return .respond(404) }
        // What was not asked for must not come through.
        return .respond(200, [:], Array(#"{"left":[\#(advisory)],"mine":[\#(advisory)]}"#.utf8))
    }

    private static let question = Array(#"{"left":["1.0.0"],"mine":["1.0.0"],"@acme/new":["1.0.0"],"_bad":["1"]}"#.utf8)

    @Test("An upstream is asked about what is its own, and answers about nothing else")
    func passedOn() async throws {
        try await FakeUpstream.run(Self.upstream) { upstream in
            let others = try [NewRepository.local("own", NPM())]
            try await withRemote(of: upstream, format: NPM(), others: others) { server async throws in
                try await server.makeVirtual(of: ["own", "far"], format: "npm", reserved: ["@acme/*"])
                #expect(try await server.publish("mine", "1.0.0", to: "own").status == 201)
                let answer = try await server.send("POST", "/npm/all/\(Self.path)", body: Self.question)
                #expect(answer.text == #"{"left":[\#(Self.advisory)]}"#)
                #expect(upstream.requests.map(\.body) == [Array(#"{"left":["1.0.0"]}"#.utf8)])
                #expect(try await server.send("POST", "/npm/own/\(Self.path)", body: Self.question).text == "{}")
            }
        }
    }

    @Test("A question may be compressed, and is refused in words where it cannot be read")
    func compressed() async throws {
        try await FakeUpstream.run(Self.upstream) { upstream in
            try await withRemote(of: upstream, format: NPM()) { server async throws in
                let gzip = try #require(Data(base64Encoded: "H4sIAOCLCWsC/6tWyklNK1GyilYy1DPQM1CKrQUAxL+i3RIAAAA="))
                let compressed = try await server.send(
                    "POST", "/npm/far/\(Self.path)", ["Content-Encoding": "gzip"], body: Array(gzip))
                #expect(compressed.text == #"{"left":[\#(Self.advisory)]}"#)
                for (body, encoding) in [
                    (Self.question, "gzip"), (Self.question, "br"), (Array("[1]".utf8), "identity")
                ] {
                    let answer = try await server.send(
                        "POST", "/npm/far/\(Self.path)", ["Content-Encoding": encoding], body: body)
                    #expect(answer.status == 400 && answer.text.contains("error"))
                }
            }
        }
    }

    @Test("An upstream that does not do audits has nothing to say; one that fails is told of")
    func failing() async throws {
        try await FakeUpstream.run({ _ in .respond(404) }) { upstream in
            try await withRemote(of: upstream, format: NPM()) { server async throws in
                #expect(try await server.send("POST", "/npm/far/\(Self.path)", body: Self.question).text == "{}")
                upstream.answer { _ in .respond(500) }
                #expect(try await server.send("POST", "/npm/far/\(Self.path)", body: Self.question).status == 503)
                upstream.answer { _ in .cut(Array(repeating: 0x20, count: 100), after: 10) }
                #expect(try await server.send("POST", "/npm/far/\(Self.path)", body: Self.question).status == 503)
            }
        }
    }
}
