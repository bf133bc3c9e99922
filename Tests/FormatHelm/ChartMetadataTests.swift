import GranaryFormat
import Testing

@testable import FormatHelm

@Suite("Chart.yaml")
struct ChartMetadataTests {
    private static func json(_ text: String) throws -> RawJSON { try ChartMetadata(text.utf8).json }

    @Test("What readers of an index know is kept in its types, and the rest is dropped")
    func members() throws {
        let json = try Self.json(
            """
            \u{FEFF}apiVersion: v2
            name: my-chart
            version: 1.2.3+build.7
            appVersion: 1.10
            description: >-
              one
              "two"
            type: library
            keywords: [web, 7, ~]
            maintainers:
            - {name: Al, email: al@home.example, phone: 1}
            dependencies:
            - name: base
              version: ~1.0
              enabled: on
              tags: [front]
              import-values: [data, {child: a, parent: b}]
            - {name: base, alias: other, version: 1.0.0}
            deprecated: True
            annotations: {a.b/c: "true", d: 1, e: }
            icon:
            urls: [https://evil.example/x.tgz]
            digest: 00
            """)
        #expect(
            json.text == #"{"apiVersion":"v2","name":"my-chart","version":"1.2.3+build.7","appVersion":"1.10","#
                + #""description":"one \"two\"","type":"library","keywords":["web","7"],"#
                + #""maintainers":[{"name":"Al","email":"al@home.example"}],"#
                + #""dependencies":[{"name":"base","version":"~1.0","tags":["front"],"enabled":true,"#
                + #""import-values":["data",{"child":"a","parent":"b"}]},"#
                + #"{"name":"base","version":"1.0.0","alias":"other"}],"#
                + #""deprecated":true,"annotations":{"a.b/c":"true","d":"1"}}"#)
    }

    @Test("A chart of the time before versions of the interface is one of the first")
    func apiVersion() throws {
        #expect(try Self.json("name: a\nversion: 1.0.0")["apiVersion"]?.string == "v1")
    }

    @Test("A text never breaks an index for those who read it as YAML")
    func cleaning() throws {
        let json = try Self.json(#"{name: a, version: 1.0.0, description: "\0x\x7f\u2028y\uFEFFz\n\t\"\u0085"}"#)
        #expect(json["description"]?.string == "xyz\n\t\"")
        #expect(try ChartMetadata(json.bytes).json == json)
    }

    @Test(
        "What cannot be a chart is refused",
        arguments: [
            ("", "empty"), ("[a]", "no map"), ("a", "no map"), ("name: a", "'version'"),
            ("name: 1\nversion: 1.0.0", "needs quotes"), ("name: null\nversion: 1.0.0", "needs quotes"),
            ("name: 1e3\nversion: 1.0.0", "needs quotes"), ("name: a\nversion: 1.10", "needs quotes"),
            ("name: a\nversion: 'v1.0.0'", "SemVer"), ("name: ../a\nversion: 1.0.0", "name of a chart"),
            ("name: a\nName: b\nversion: 1.0.0", "spelled 'name'"),
            ("name: a\nver\u{17F}ion: 2.0.0\nversion: 1.0.0", "spelled 'version'"),
            ("name: a\nname: b\nversion: 1.0.0", "duplicate"), ("name: a\nversion: 1.0.0\n---\nname: b", "document"),
            ("name: a\nversion: 1.0.0\napiVersion: v9", "apiVersion"), ("name: a\nversion: 1.0.0\ntype: x", "type"),
            ("name: a\nversion: 1.0.0\nkeywords: x", "no list at 'keywords'"),
            ("name: a\nversion: 1.0.0\nkeywords: [[x]]", "no text at 'keywords'"),
            ("name: a\nversion: 1.0.0\nmaintainers: [x]", "'maintainers'"),
            ("name: a\nversion: 1.0.0\nmaintainers: [~]", "'maintainers'"),
            ("name: a\nversion: 1.0.0\ndeprecated: maybe", "'deprecated'"),
            ("name: a\nversion: 1.0.0\ndependencies: [{version: 1.0.0}]", "without a name"),
            ("name: a\nversion: 1.0.0\ndependencies: [{name: b}, {name: c, alias: b}]", "without a name"),
            ("name: a\nversion: 1.0.0\nannotations: {a: {b: c}}", "no text at 'annotations'"),
            ("name: a\nversion: 1.0.0\nhome: [", "no YAML"), ("name: a\nversion: 1.0.0\nhome: \u{1}", "no YAML")
        ])
    func refused(_ text: String, _ words: String) {
        let said = refusal { _ = try ChartMetadata(text.utf8) } ?? "nothing"
        #expect(said.contains(words), "\(said)")
    }
}

@Suite("YAML of strangers")
struct YAMLValueTests {
    private static func said(_ text: String) -> String { refusal { _ = try YAMLValue(text.utf8, "it") } ?? "nothing" }

    @Test("Aliases are refused before they stand for anything")
    func aliases() {
        var bomb = "a0: &a0 [x, x]\n"
        for level in 1..<60 { bomb += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        #expect(Self.said(bomb).contains("aliases"))
        #expect(Self.said(bomb + "? *a59\n: x\n").contains("aliases"))
        #expect(Self.said("a: &x-1 b\nc: [d,*x-1]").contains("aliases"))
        #expect(Self.said("a: *x") != "nothing")
        #expect(Self.said("a: &x b\nc: d") == "nothing")
        #expect(Self.said("a: R&D and 2*D\nb: |\n  *bold* &amp;") == "nothing")
    }

    @Test("Depth is bounded", arguments: ["[", "{a: ", "- ", "? "])
    func depth(_ opening: String) {
        for count in [40, 900, 5000, 100_000] {
            #expect(Self.said(String(repeating: opening, count: count)) != "nothing")
        }
        let nested = String(repeating: "[", count: 33) + String(repeating: "]", count: 33)
        #expect(Self.said(nested).contains("levels deep"))
        #expect(Self.said(String(repeating: "[", count: 32) + String(repeating: "]", count: 32)) == "nothing")
    }

    @Test("Length, tags and keys are bounded")
    func limits() {
        #expect(Self.said("a: " + String(repeating: "x", count: 1 << 20)).contains("bytes"))
        for text in ["a: !!binary aaaa", "a: !x b", "!!set {a}", "a: !!int '3'"] {
            #expect(Self.said(text).contains("tag"), "\(text)")
        }
        #expect(Self.said("a: !!str 3") == "nothing")
        for text in ["[a]: b", "<<: {a: b}", "\"\\0\": b", "\(String(repeating: "k", count: 257)): b"] {
            #expect(Self.said(text).contains("key"), "\(text)")
        }
        #expect(Self.said("a: 1\n!!str a: 2") != "nothing")
        #expect(refusal { _ = try YAMLValue([0xFF, 0xFE, 0x61, 0], "it") }?.contains("UTF-8") == true)
    }

    @Test("Many keys are read in good time")
    func time() throws {
        let text = (0..<60_000).map { "key\($0): x\n" }.joined()
        let clock = ContinuousClock()
        let took = try clock.measure { _ = try YAMLValue(text.utf8, "it") }
        #expect(took < .seconds(20))
    }
}
