import GranaryFormat
import GranaryModel
import NIOCore
import Testing

@testable import FormatHelm

@Suite("The index of charts")
struct IndexTests {
    private static let hex = String(repeating: "ab", count: 32)

    private static func entry(
        _ name: String, _ version: String, at seconds: Int64 = 1_767_225_600, hasArchive: Bool = true
    ) throws -> IndexRows.Entry {
        let chart = try ChartID(name: name, version: version)
        let paths = [hasArchive ? chart.archive : nil, chart.provenance].compactMap { $0 }
        let files = try paths.map { path in
            StoredFile(
                package: chart.package, version: chart.version, path: path, size: ByteCount(1), mediaType: .octetStream,
                checksums: Checksums(sha256: try #require(BlobDigest(hex: hex))),
                modified: Timestamp(milliseconds: seconds * 1000))
        }
        return IndexRows.Entry(
            name: version,
            version: IndexedVersion(
                name: chart.version, mediaType: .json, artifactType: "",
                metadata: #"{"name":"\#(name)","version":"\#(version)"}"#, size: .zero,
                createdAt: Timestamp(milliseconds: 0), properties: []),
            files: files)
    }

    private static func index(_ entries: [IndexRows.Entry]) -> Helm.Index {
        Helm().make(.everything, from: IndexRows(entries: entries, hasMore: false))
    }

    private static func json(_ index: Helm.Index, _ request: Helm.Request = .index) throws -> RawJSON {
        try RawJSON(try index.encode(request, at: "/helm/charts/").readableBytesView)
    }

    @Test("An empty repository has an index")
    func empty() throws {
        #expect(
            try Self.json(Self.index([])).text
                == #"{"apiVersion":"v1","generated":"1970-01-01T00:00:00.000Z","serverInfo":{"contextPath":"/helm/charts"},"entries":{}}"#
        )
    }

    @Test("An entry is what the chart says and what the repository knows")
    func entry() throws {
        let json = try Self.json(Self.index([Self.entry("a", "1.2.3+build.7")]))
        #expect(json["generated"]?.string == "2026-01-01T00:00:00.000Z")
        #expect(
            json["entries"]?["a"]?.text == #"[{"name":"a","version":"1.2.3+build.7","#
                + #""created":"2026-01-01T00:00:00.000Z","digest":"\#(Self.hex)","#
                + #""urls":["charts/a-1.2.3+build.7.tgz"]}]"#)
    }

    @Test("Versions stand by precedence, newest first, and charts apart")
    func order() throws {
        let versions = ["1.0.0", "1.10.0", "1.9.0", "2.0.0-rc.1", "2.0.0-rc.10", "2.0.0-rc.2", "1.0.0+b", "1.0.0+a"]
        let entries = try versions.map { try Self.entry("a", $0) } + [Self.entry("b", "0.1.0")]
        let json = try Self.json(Self.index(entries))
        #expect(
            json["entries"]?["a"]?.elements?.compactMap { $0["version"]?.string } == [
                "2.0.0-rc.10", "2.0.0-rc.2", "2.0.0-rc.1", "1.10.0", "1.9.0", "1.0.0+b", "1.0.0+a", "1.0.0"
            ])
        #expect(json["entries"]?.members?.map(\.name) == ["a", "b"])
    }

    @Test("A version whose archive is gone or damaged is left out")
    func damaged() throws {
        let index = Self.index([try Self.entry("a", "1.0.0", hasArchive: false), try Self.entry("b", "1.0.0")])
        #expect(try Self.json(index)["entries"]?.members?.map(\.name) == ["b"])
        #expect(throws: Problem.self) {
            try Self.json(index, .versions(try ChartID(name: "a", version: "1.0.0").package))
        }
    }

    @Test("The newest is the newest that is no pre-release, where there is one")
    func latest() throws {
        func latest(_ versions: [String]) throws -> String? {
            let package = try ChartID(name: "a", version: "1.0.0").package
            let index = Self.index(try versions.map { try Self.entry("a", $0) })
            return try Self.json(index, .version(package, nil))["version"]?.string
        }
        #expect(try latest(["1.0.0", "2.0.0-rc.1", "1.1.0"]) == "1.1.0")
        #expect(try latest(["2.0.0-rc.1", "2.0.0-rc.2"]) == "2.0.0-rc.2")
        #expect(throws: Problem.self) { try latest([]) }
    }

    @Test("The same charts are the same bytes")
    func stable() throws {
        let index = Self.index([try Self.entry("a", "1.0.0"), try Self.entry("a", "1.1.0", at: 1_767_225_700)])
        #expect(try index.encode(.index, at: "/helm/charts/") == index.encode(.index, at: "/helm/charts/"))
        #expect(try Self.json(index)["generated"]?.string == "2026-01-01T00:01:40.000Z")
    }
}
