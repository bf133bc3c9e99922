import GranaryFormat
import GranaryModel
import HTTPTypes
import NIOCore
import Testing

@testable import FormatHelm

@Suite("The index of another chart repository")
struct UpstreamTests {
    private static let hex = String(repeating: "ab", count: 32)

    /// What is made of an index.
    private static func decode(_ text: String) throws(Problem) -> Helm.Index {
        try Helm().decode(
            .everything,
            ReceivedDocument(
                bytes: ByteBuffer(string: text), mediaType: "text/plain",
                source: "https://far.example/charts/index.yaml"))
    }

    /// The versions of each chart, in order.
    private static func versions(_ index: Helm.Index) -> [String: [String]] {
        Dictionary(uniqueKeysWithValues: index.charts.map { ($0.name.text, $0.versions.map(\.chart.version.text)) })
    }

    private static func json(_ index: Helm.Index) throws -> RawJSON {
        try RawJSON(try index.encode(.index, at: "/helm/far/").readableBytesView)
    }

    private static let yaml = """
        # a comment
        apiVersion: v1
        entries:
          app:
          - apiVersion: v2
            appVersion: 1.10
            created: 2024-05-06T09:08:09.123456789+02:00
            description: |
              One & two, *three*
            dependencies:
            - {name: base, version: 1.x.x, repository: "https://far.example"}
            digest: sha256:\(hex.uppercased())
            bogus: [1, 2]
            name: app
            keywords: {not: a list}
            urls:
            - oci://far.example/app:1.2.3
            - app-1.2.3.tgz
            version: 1.2.3
          - {name: app, version: 1.10.0, urls: [https://elsewhere.example/a/app-1.10.0.tgz]}
          - {name: app, version: 1.10.0, urls: [https://elsewhere.example/b/app-1.10.0.tgz]}
        generated: "2024-05-06T07:08:09Z"
        serverInfo: {}
        """

    @Test("An entry keeps what Helm reads, and gets an address of ours")
    func entry() throws {
        let index = try Self.decode(Self.yaml)
        #expect(Self.versions(index) == ["app": ["1.10.0", "1.2.3"]])
        let entries = try #require(try Self.json(index)["entries"]?["app"]?.elements)
        #expect(
            entries[1].text == #"{"apiVersion":"v2","name":"app","version":"1.2.3","appVersion":"1.10","#
                + #""description":"One & two, *three*\n","#
                + #""dependencies":[{"name":"base","version":"1.x.x","repository":"https://far.example"}],"#
                + #""created":"2024-05-06T07:08:09.123Z","digest":"\#(Self.hex)","#
                + #""urls":["charts/app-1.2.3.tgz"]}"#)
        #expect(entries[0]["digest"] == nil && entries[0]["created"] == nil)
        #expect(index.charts[0].versions[0].location == "https://elsewhere.example/a/app-1.10.0.tgz")
        #expect(index.charts[0].versions[1].location == "app-1.2.3.tgz")
    }

    @Test("JSON is read as the YAML it is")
    func asJSON() throws {
        let index = try Self.decode(
            #"{"apiVersion":"v1","entries":{"app":[{"name":"app","version":"1.2.3","deprecated":true,"x":1,"#
                + #""annotations":{"a/b":"c"},"icon":null,"urls":["app.tgz"]},7]}}"#)
        #expect(Self.versions(index) == ["app": ["1.2.3"]])
        let entry = try Self.json(index)["entries"]?["app"]?.elements?.first
        #expect(
            entry?.text == #"{"apiVersion":"v1","name":"app","version":"1.2.3","deprecated":true,"#
                + #""annotations":{"a/b":"c"},"urls":["charts/app-1.2.3.tgz"]}"#)
    }

    @Test(
        "What is malformed is left out, and the rest stays",
        arguments: [
            "null", "7", "[]", "{name: app}", "{version: 1.0.0, urls: [a.tgz]}",
            "{name: other, version: 1.0.0, urls: [a.tgz]}", "{name: app, version: 1.0, urls: [a.tgz]}",
            "{name: app, version: none, urls: [a.tgz]}", "{name: app, version: 1.0.0}",
            "{name: app, version: 1.0.0, urls: []}", "{name: app, version: 1.0.0, urls: ['oci://a.example/app']}",
            "{name: app, version: 1.0.0, urls: ['file:///etc/passwd']}",
            "{name: app, version: 1.0.0, urls: [a.tgz], type: more}",
            "{name: app, version: 1.0.0, urls: [a.tgz], digest: abc}",
            "{name: app, version: 1.0.0, urls: [a.tgz], apiVersion: v9}",
            "{name: app, version: !!binary MQ==, urls: [a.tgz]}",
            "{name: app, version: 1.0.0, urls: [a.tgz], ? [a] : b}"
        ])
    func malformed(_ entry: String) throws {
        let text = """
            apiVersion: v1
            entries:
              app:
              - \(entry)
              - {name: app, version: 2.0.0, urls: [b.tgz]}
              nothing: null
              ../up: [{name: ../up, version: 1.0.0, urls: [c.tgz]}]
            """
        #expect(Self.versions(try Self.decode(text)) == ["app": ["2.0.0"]])
    }

    @Test("A version that is not written by the book counts as what is meant")
    func lenient() throws {
        let versions = ["v1.2.3", "v1.10", "2", "v2.0.0-rc.1", "1.2.3+b"]
        let entries = versions.map { #"{name: app, version: "\#($0)", urls: [x.tgz]}"# }.joined(separator: ", ")
        let index = try Self.decode("apiVersion: v1\nentries: {app: [\(entries)]}")
        #expect(Self.versions(index) == ["app": ["2", "v2.0.0-rc.1", "v1.10", "v1.2.3", "1.2.3+b"]])
        let urls = try Self.json(index)["entries"]?["app"]?.elements?.compactMap { $0["urls"]?.elements?[0].string }
        #expect(urls?[3...] == ["charts/app/app-v1.2.3.tgz", "charts/app-1.2.3+b.tgz"])
    }

    private struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let version: String
        let address: String

        var testDescription: String { address }
    }

    @Test(
        "An address leads back to the chart that it is of, wherever its hyphens are",
        arguments: [
            Case(name: "a", version: "1.0.0", address: "charts/a-1.0.0.tgz"),
            Case(name: "a-1", version: "2.0.0", address: "charts/a-1-2.0.0.tgz"),
            Case(name: "a-1.0.0-b", version: "2.0.0", address: "charts/a-1.0.0-b/a-1.0.0-b-2.0.0.tgz"),
            Case(name: "a", version: "1.0.0-b-2.0.0", address: "charts/a-1.0.0-b-2.0.0.tgz"),
            Case(name: "a", version: "v1.0.0", address: "charts/a/a-v1.0.0.tgz")
        ])
    private func address(_ example: Case) throws {
        let chart = try #require(ChartID(listed: example.name, example.version))
        #expect(chart.address == example.address)
        for suffix in ["", ".prov"] {
            guard case .file(let found, let path) = try Helm().parse(head(.get, example.address + suffix)).call else {
                Issue.record("no file")
                return
            }
            #expect(found == chart && path == (suffix.isEmpty ? chart.archive : chart.provenance))
        }
    }

    @Test("In a folder stands what is called after it, and nothing is put there")
    func folders() {
        for path in [
            "charts/a/b-1.0.0.tgz", "charts/a/a-1.0.0.txt", "charts/a/a-.tgz", "charts/a/a-x.tgz", "charts/a/a"
        ] {
            #expect(status(head(.get, path)) == 404)
        }
        #expect(status(head(.put, "charts/a/a-1.0.0.tgz")) == 405)
    }

    @Test(
        "What is no index is refused as a whole",
        arguments: [
            "", "a", "[]", "{}", "apiVersion: v1", "entries: {}", "apiVersion: v1\nentries: 7",
            "apiVersion: v1\nentries: []", #"{"apiVersion":"v1"}"#, #"{"apiVersion":"v1","entries":[]}"#,
            "<!DOCTYPE html><html></html>", "apiVersion: v1\nentries: {a: [], a: []}", "\u{0}", "a: [", "--- a\n--- b"
        ])
    func noIndex(_ text: String) {
        #expect(throws: Problem.self) { try Self.decode(text) }
    }

    @Test("An index without charts is one")
    func empty() throws {
        for text in ["apiVersion: v1\nentries: {}", "apiVersion: v1\nentries:", #"{"apiVersion":"v1","entries":null}"#]
        {
            #expect(try Self.decode(text).charts.isEmpty)
        }
    }

    @Test("Aliases, which can stand for any number of values, are refused before they are followed")
    func laughs() throws {
        let levels = (1...12).map {
            "l\($0): &l\($0) [\(Array(repeating: "*l\($0 - 1)", count: 10).joined(separator: ","))]"
        }
        let text = "apiVersion: v1\nentries: {}\nl0: &l0 lol\n" + levels.joined(separator: "\n")
        #expect(refusal { _ = try Self.decode(text) }?.contains("aliases") == true)
    }

    @Test("An index with more values than there may be is refused before it is read, and so is one that nests too deep")
    func limits() throws {
        let many = "apiVersion: v1\nentries: {}\nx: [" + String(repeating: "a,", count: YAMLValue.maximumMarks) + "]"
        #expect(refusal { _ = try Self.decode(many) }?.contains("4000000 values") == true)
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        let entries = "{name: a, version: 1.0.0, urls: [a.tgz], x: \(deep)}, {name: a, version: 2.0.0, urls: [a.tgz]}"
        #expect(Self.versions(try Self.decode("apiVersion: v1\nentries: {a: [\(entries)]}")) == ["a": ["2.0.0"]])
        let charts = (0...Helm.maximumCharts).map { #""c\#($0)":[]"# }.joined(separator: ",")
        #expect(
            refusal { _ = try Self.decode(#"{"apiVersion":"v1","entries":{\#(charts)}}"#) }?.contains("50000 charts")
                == true)
        let versions = String(repeating: "0,", count: Helm.maximumVersions) + "0"
        #expect(
            refusal { _ = try Self.decode(#"{"apiVersion":"v1","entries":{"a":[\#(versions)]}}"#) }?
                .contains("500000 versions") == true)
    }

    // MARK: What is made of indexes

    private static func index(_ charts: (name: String, version: String, url: String, created: String)...) throws
        -> Helm.Index
    {
        let entries = charts.map { chart in
            "  \(chart.name):\n  - {name: \(chart.name), version: \(chart.version), urls: [\(chart.url)], "
                + "created: '\(chart.created)'}"
        }
        return try decode("apiVersion: v1\nentries:\n" + entries.joined(separator: "\n"))
    }

    @Test("What is too young, or of an unknown age, is held back and known to be")
    func withholding() throws {
        let gate = ReleaseGate(
            cutoff: try #require(Timestamp("2026-01-10T00:00:00Z")), minimumAge: .seconds(86400))
        let index = Helm().withholding(
            try Self.index(
                ("a", "1.0.0", "a.tgz", "2026-01-09T00:00:00Z"), ("b", "1.0.0", "b.tgz", "2026-01-11T00:00:00Z"),
                ("c", "1.0.0", "c.tgz", "")), gate)
        #expect(Self.versions(index) == ["a": ["1.0.0"]])
        #expect(Set(index.withheld.keys.map(\.package.text)) == ["b", "c"])
    }

    @Test("Of a version, the first one that has it counts, and no other one gives what it holds back")
    func merge() throws {
        let gate = ReleaseGate(
            cutoff: try #require(Timestamp("2026-01-10T00:00:00Z")), minimumAge: .seconds(86400))
        let old = "2026-01-01T00:00:00Z"
        let first = try Self.index(("a", "1.0.0", "first.tgz", old), ("b", "1.0.0", "b.tgz", "2026-01-11T00:00:00Z"))
        let second = try Self.index(("a", "1.0.0", "second.tgz", old), ("b", "1.0.0", "b.tgz", old))
        let third = try Self.index(("a", "2.0.0", "third.tgz", old), ("c", "1.0.0", "c.tgz", old))
        let merged = Helm().merge(.everything, [Helm().withholding(first, gate), second, third])
        #expect(Self.versions(merged) == ["a": ["2.0.0", "1.0.0"], "c": ["1.0.0"]])
        #expect(merged.charts[0].versions.map(\.location) == ["third.tgz", "first.tgz"])
    }

    @Test("Charts that do not belong into it are taken out, also out of what is held back")
    func keeping() throws {
        let gate = ReleaseGate(cutoff: Timestamp(milliseconds: 0), minimumAge: .seconds(86400))
        let young = Helm().withholding(try Self.index(("a", "1.0.0", "a.tgz", ""), ("b", "1.0.0", "b.tgz", "")), gate)
        #expect(Helm().keeping(young) { $0.text == "a" }.withheld.keys.map(\.package.text) == ["a"])
        let index = try Self.index(("a", "1.0.0", "a.tgz", ""), ("b", "1.0.0", "b.tgz", ""))
        #expect(Self.versions(Helm().keeping(index) { $0.text == "b" }) == ["b": ["1.0.0"]])
    }
}
