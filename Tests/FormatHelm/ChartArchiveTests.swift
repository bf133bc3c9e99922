import GranaryFormat
import GranaryModel
import GranaryTestKit
import NIOCore
import Testing

@testable import FormatHelm

@Suite("The inside of chart archives")
struct ChartArchiveTests {
    private typealias Entry = Archives.Entry

    private static let chart = Entry("a/Chart.yaml", "name: a\nversion: 1.0.0\n")

    private static func read(_ bytes: [UInt8]) throws -> ChartMetadata {
        try ChartArchive.metadata(
            in: StoredBytes(size: ByteCount(bytes.count)) { range in
                ByteBuffer(bytes: bytes[Int(range.lowerBound)..<Int(range.upperBound)])
            })
    }

    private static func said(_ entries: [Entry]) -> String {
        refusal { _ = try read(Archives.gzip(Archives.tar(entries))) } ?? "nothing"
    }

    @Test("The chart of the top folder counts, whatever that is called")
    func reading() throws {
        let entries = [
            Entry("top/", type: "5"), Entry("top/charts/b/Chart.yaml", "name: b\nversion: 2.0.0\n"),
            Entry("top/Chart.yaml", "name: a\nversion: 1.0.0\n"), Entry("top/templates/x.yaml", "{{ nonsense")
        ]
        #expect(try Self.read(Archives.gzip(Archives.tar(entries))).chart == ChartID(name: "a", version: "1.0.0"))
    }

    @Test("What is no gzip is refused")
    func compression() {
        let tar = Archives.tar([Self.chart])
        for bytes in [[], [0x1F], tar, Archives.zip([Self.chart]), Array(Archives.gzip(tar).prefix(60))] {
            #expect(refusal { _ = try Self.read(bytes) } != nil)
        }
    }

    @Test("Archives that are not one chart in one folder are refused")
    func misfits() {
        let cases: [(String, [Entry])] = [
            ("no file Chart.yaml", []), ("no file Chart.yaml", [Entry("a/values.yaml", "x: 1")]),
            ("no file Chart.yaml", [Entry("a/b/Chart.yaml", Self.chart.path)]),
            ("in no folder", [Entry("Chart.yaml", "name: a")]), ("in no folder", [Self.chart, Entry("README", "x")]),
            ("more than one folder", [Self.chart, Entry("b/x", "x")]), ("twice", [Self.chart, Self.chart]),
            ("no path", [Self.chart, Entry("a/../x", "x")]), ("no path", [Self.chart, Entry("/a/x", "x")]),
            ("no path", [Self.chart, Entry("a/x\\..\\y", "x")]), ("no path", [Entry("./a/Chart.yaml", "name: a")]),
            ("no path", [Self.chart, Entry("a//x", "x")]), ("no path", [Self.chart, Entry("a/C:/x", "x")]),
            ("no path", [Self.chart, Entry("a/../\u{301}x", "x")]),
            ("neither", [Self.chart, Entry("a/x", type: "2", link: "Chart.yaml")]),
            ("neither", [Self.chart, Entry("a/x", type: "1", link: "a/Chart.yaml")]),
            ("neither", [Self.chart, Entry("a/x", type: "3")]),
            ("bytes", [Self.chart, Entry("a/x", String(repeating: "x", count: 5 << 20 + 1))]),
            ("bytes", [Entry("a/Chart.yaml", String(repeating: "#", count: 1 << 20 + 1))]),
            ("entries", [Self.chart] + (0..<20_000).map { Entry("a/\($0)", "") }),
            ("SemVer", [Entry("a/Chart.yaml", "name: a\nversion: x\n")])
        ]
        for (words, entries) in cases {
            let said = Self.said(entries)
            #expect(said.contains(words), "\(words): \(said)")
        }
    }
}

@Suite("Provenance of charts")
struct ProvenanceTests {
    private static let hex = String(repeating: "ab", count: 32)
    private static let signature = "-----BEGIN PGP SIGNATURE-----\n\nwsBc\n=abcd\n-----END PGP SIGNATURE-----\n"

    private static func text(
        head: String = "Hash: SHA512\n", chart: String = "name: a\nversion: 1.0.0\n\n",
        sums: String = "files:\n  a-1.0.0.tgz: sha256:\(hex)\n"
    ) -> String {
        "-----BEGIN PGP SIGNED MESSAGE-----\n\(head)\n\(chart)...\n\(sums)\(signature)"
    }

    @Test("The chart and the digest of its archive are read", arguments: ["\n", "\r\n"])
    func reading(_ newline: String) throws {
        let text = Self.text(chart: "name: a\nversion: 1.0.0\nkeywords:\n- - k\n\n").replacing("\n", with: newline)
        let provenance = try Provenance(text.utf8)
        #expect(provenance.chart == (try ChartID(name: "a", version: "1.0.0")))
        #expect(provenance.digest.hex == Self.hex)
        #expect(throws: Problem.self) { try provenance.check(BlobDigest(bytes: [UInt8](repeating: 1, count: 32))) }
    }

    @Test("What is no such message is refused")
    func refused() {
        let texts = [
            "", "name: a", Self.text(head: "Evil: x\n"), Self.text(chart: "name: a\nversion: 1.0.0\n- k\n"),
            Self.text(sums: "files: {}\n"), Self.text(sums: "files:\n  b-1.0.0.tgz: sha256:\(Self.hex)\n"),
            Self.text(sums: "files:\n  a-1.0.0.tgz: sha1:00\n"), Self.text(sums: "...\n"), Self.text() + "more",
            "x" + Self.text(), Self.text().replacing(Self.signature, with: ""), Self.text(chart: "name: a\n")
        ]
        for text in texts { #expect(refusal { _ = try Provenance(text.utf8) } != nil, "\(text)") }
    }
}
