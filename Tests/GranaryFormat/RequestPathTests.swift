import GranaryModel
import GranaryFormat
import GranaryTestKit
import NIOCore
import Testing

@Suite("Paths, queries and bodies of requests")
struct RequestPathTests {
    @Test(
        "What two parsers could read in two ways is refused",
        arguments: [
            "a//b", "/a", "a/../b", "a/./b", "..", "%2e%2e", "a/%2E%2e/b", "a%2Fb", "a%5cb", "a\\b", "a%00b", "a%0ab",
            "%", "%2", "%zz", "%ff", "%c0%af", "a/%CC%81b/x", "%D8%80", "a%D8%80/b", String(repeating: "a", count: 256),
            String(repeating: "a/", count: 600)
        ])
    func refused(path: String) {
        #expect(throws: Problem.self) { try RequestPath(path) }
    }

    @Test(
        "Segments are decoded once",
        arguments: [
            ("a/b", ["a", "b"], false), ("a/b/", ["a", "b"], true), ("", [], true), ("%20", [" "], false),
            ("a+b", ["a+b"], false), ("%252e", ["%2e"], false), ("%C3%A9", ["é"], false)
        ])
    func accepted(path: String, segments: [String], isDirectory: Bool) throws {
        let parsed = try RequestPath(path)
        #expect(parsed.segments == segments)
        #expect(parsed.isDirectory == isDirectory)
    }

    @Test("Nothing that is accepted leaves its directory, and encoding it again leads back")
    func property() {
        var generator = Generator(seed: 5)
        for _ in 0..<5000 {
            let raw = generator.text(of: "ab./%25e2Ff\\ é;", lengths: 0...30)
            guard let path = try? RequestPath(raw) else { continue }
            #expect(!path.segments.contains { $0 == ".." || $0 == "." || $0.isEmpty || $0.contains("/") })
            let again = path.segments.map { percentEncoded($0) }.joined(separator: "/")
            #expect((try? RequestPath(again))?.segments == path.segments)
        }
    }

    @Test("A query keeps its order and its repetitions")
    func query() {
        let query = Query("tag=a&tag=b%20c&x=1+2&empty=&flag&&=y")
        #expect(query.all("tag") == ["a", "b c"])
        #expect(query["x"] == "1 2")
        #expect(query["empty"] == "")
        #expect(query["flag"] == "")
        #expect(query["absent"] == nil)
    }

    @Test("A body is collected up to its limit and not beyond")
    func collect() async throws {
        let body = RequestBody(bytes: ByteBuffer(string: "12345"))
        #expect(String(buffer: try await body.collect(upTo: .init(5))) == "12345")
        await #expect(throws: Problem.tooLarge(.init(4))) {
            try await RequestBody(bytes: ByteBuffer(string: "12345")).collect(upTo: .init(4))
        }
    }
}
