import FormatGeneric
import GranaryFormat
import GranaryModel
import GranaryTestKit
import HTTPTypes
import Testing

@testable import GranaryHTTP

@Suite("Nearly right input")
struct HostilePropertyTests {
    @Test("A date that is read at all is read as what it is written as")
    func dates() {
        var generator = Generator(seed: 21)
        let seed = Array("Sun, 06 Nov 1994 08:49:37 GMT".utf8)
        for _ in 0..<5000 {
            let text = String(decoding: generator.mutation(of: seed), as: UTF8.self)
            guard let seconds = HTTPDate.parse(text) else { continue }
            #expect(HTTPDate.parse(HTTPDate.format(Timestamp(milliseconds: seconds * 1000))) == seconds, "\(text)")
        }
    }

    @Test("Conditions of any text come to a verdict, and only the right tag matches")
    func conditions() {
        var generator = Generator(seed: 22)
        for _ in 0..<5000 {
            let text = generator.text(of: "\"W/*abc, ", lengths: 0...24)
            let headers: HTTPFields = [.ifNoneMatch: text]
            let verdict = Preconditions.evaluate(headers, entityTag: "abc", modified: nil)
            let mayMatch = text.contains("\"abc\"") || text.contains("*")
            #expect(verdict == .proceed || mayMatch, "\(text)")
        }
    }

    @Test("Parameters of a query come back as they were encoded, whatever is in them")
    func queries() {
        var generator = Generator(seed: 23)
        for _ in 0..<2000 {
            let names = (0..<3).map { _ in generator.text(of: "ab&=%+ é/;", lengths: 1...8) }
            let raw = names.map { "\(percentEncoded($0))=\(percentEncoded($0 + "v"))" }.joined(separator: "&")
            #expect(Query(raw).items.map(\.name) == names)
            #expect(Query(raw).items.map(\.value) == names.map { $0 + "v" })
            // Broken encoding is taken as it is, not refused and not fatal.
            _ = Query(String(decoding: generator.mutation(of: Array(raw.utf8)), as: UTF8.self))
        }
    }

    @Test("Mutated bodies and credentials are refused or served, and never break the server")
    func management() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        try await TestServer.run(formats: [Generic()], repositories: [], in: folder, trustsForwarded: true) { server in
            var generator = Generator(seed: 24)
            let body = Array(#"{"name":"some","format":"generic","kind":"local","settings":{"isDefault":false}}"#.utf8)
            for _ in 0..<150 {
                let answer = try await server.send(
                    "POST", "/api/v1/repositories", body: generator.mutation(of: body))
                #expect([201, 400, 409].contains(answer.status), "\(answer.text)")
            }
            let credential = Array(
                TestServer.basic(TestServer.administrator.user, TestServer.administrator.password).utf8)
            for number in 0..<60 {
                let bytes = generator.mutation(of: credential).filter { (0x20...0x7E).contains($0) }
                let answer = try await server.send(
                    "GET", "/api/v1/whoami", ["X-Forwarded-For": "192.0.2.\(number)"],
                    authorization: String(decoding: bytes, as: UTF8.self))
                #expect([200, 401].contains(answer.status), "\(answer.text)")
            }
        }
    }
}
