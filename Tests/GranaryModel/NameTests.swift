import GranaryModel
import GranaryTestKit
import Testing

@Suite("Names and digests")
struct NameTests {
    @Test(
        "A repository's name is one component of an OCI name",
        arguments: [
            ("docker", true), ("a", true), ("a.b", true), ("a_b", true), ("a__b", true), ("a---b", true),
            ("0", true), ("", false), ("A", false), ("a..b", false), ("a___b", false), ("-a", false), ("a-", false),
            ("a._b", false), ("a/b", false), ("ä", false), (String(repeating: "a", count: 64), true),
            (String(repeating: "a", count: 65), false), ("_catalog", false), ("a\u{0}", false)
        ])
    func repository(text: String, isValid: Bool) {
        #expect((RepositoryName(text) != nil) == isValid)
    }

    @Test(
        "A digest has a known algorithm and as many lower-case digits",
        arguments: [
            ("sha256:" + String(repeating: "a", count: 64), true),
            ("sha512:" + String(repeating: "0", count: 128), true),
            ("sha256:" + String(repeating: "A", count: 64), false),
            ("sha256:" + String(repeating: "a", count: 63), false),
            ("sha512:" + String(repeating: "a", count: 64), false),
            ("md5:" + String(repeating: "a", count: 32), false), ("sha256", false), ("", false), (":", false)
        ])
    func digest(text: String, isValid: Bool) {
        #expect((Digest(text) != nil) == isValid)
        if isValid { #expect(Digest(text)?.description == text) }
    }

    @Test(
        "A pattern matches within components, and across them with two stars",
        arguments: [
            ("*", "api", true), ("*", "team/api", false), ("**", "team/api", true), ("team/*", "team/api", true),
            ("team/*", "team/a/b", false), ("team/**", "team/a/b", true), ("team/**", "team", false),
            ("*-prod", "api-prod", true), ("a*c", "abbbc", true), ("a*c", "ab/c", false), ("a**c", "ab/c", true),
            ("api", "api", true), ("api", "api2", false), ("**/x", "a/b/x", true), ("*a*a*a*", "aaaa", true)
        ])
    func pattern(pattern: String, name: String, matches: Bool) {
        #expect(Pattern(pattern)?.matches(name) == matches)
    }

    @Test("No pattern takes long, however many stars it has")
    func patternTime() throws {
        let pattern = try #require(Pattern(String(repeating: "*a", count: 100)))
        #expect(!pattern.matches(String(repeating: "a", count: 1000) + "b/"))
    }

    @Test("No text makes a parser of names stop, and what is accepted reads back the same")
    func property() {
        var generator = Generator(seed: 11)
        for _ in 0..<3000 {
            let text = generator.text(of: "abc019._-/:*AZ \u{7}é", lengths: 0...40)
            #expect(RepositoryName(text).map { $0.text == text } ?? true)
            #expect(UserName(text).map { RepositoryName($0.text) != nil } ?? true)
            #expect(Digest(text).map { $0.description == text } ?? true)
            _ = Pattern(text)?.matches(generator.text(of: "abc/", lengths: 0...20))
        }
    }

    @Test("A moment reads back as it was written", arguments: [0, 1, 999, 1_767_225_600_123, 4_102_444_799_999])
    func timestamp(milliseconds: Int64) {
        let moment = Timestamp(milliseconds: milliseconds)
        #expect(Timestamp(moment.description) == moment)
    }

    @Test("Sizes are shown in binary units", arguments: [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB")])
    func byteCount(bytes: Int, text: String) {
        #expect(ByteCount(bytes).description == text)
    }
}
