import GranaryFormat
import GranaryModel
import GranaryTestKit
import HTTPTypes
import NIOCore
import Testing

@testable import FormatPyPI

@Suite("The simple index")
struct IndexTests {
    private static let hex = String(repeating: "ab", count: 32)

    private static func stored(_ path: String, _ note: FileNote = FileNote(), version: String) throws -> StoredFile {
        StoredFile(
            package: try #require(PackageName("my-pkg")), version: VersionName(version),
            path: try #require(FilePath(path)), size: ByteCount(17), mediaType: .octetStream,
            checksums: Checksums(sha256: try #require(BlobDigest(hex: hex)), md5: "0a"),
            modified: Timestamp(milliseconds: 1_767_225_600_000), metadata: note.json)
    }

    private static func entry(
        _ version: String, _ files: [StoredFile], yanked: String? = nil
    ) throws -> IndexRows.Entry {
        let name = try #require(VersionName(version))
        let properties = try yanked.map { [try #require(Property(PyPI.yankedProperty, $0))] } ?? []
        return IndexRows.Entry(
            name: version,
            version: IndexedVersion(
                name: name, mediaType: .json, artifactType: "", metadata: "{}", size: .zero,
                createdAt: Timestamp(milliseconds: 0), properties: properties),
            files: files)
    }

    private static func page(_ entries: [IndexRows.Entry]) throws -> ProjectPage {
        let package = try #require(PackageName("my-pkg"))
        let index = PyPI().make(.package(package), from: IndexRows(entries: entries, hasMore: false))
        guard case .project(let page) = index else { throw Problem.unknown(.package, "my-pkg") }
        return page
    }

    private static func sample() throws -> ProjectPage {
        var note = FileNote()
        note.packageType = "bdist_wheel"
        note.pythonTag = "py3"
        note.requiresPython = ">=3.8,<4"
        note.metadataDigest = hex
        let wheel = "my_pkg-1.0-py3-none-any.whl"
        return try page([
            entry(
                "1.0", [stored(wheel, note, version: "1.0"), stored("\(wheel).metadata", version: "1.0")],
                yanked: "bad \"build\" <1>"),
            entry("2.0+cpu", [stored("my_pkg-2.0+cpu.tar.gz", version: "2.0+cpu")], yanked: ""),
            entry("3.0", [stored("x.metadata", version: "3.0")]),
            entry("4.0", [stored("my_pkg-4.0.tar.gz", version: "4.0")])
        ])
    }

    @Test("Rows become a page, without metadata files and releases that have no other")
    func making() throws {
        let page = try Self.sample()
        #expect(page.versions == ["1.0", "2.0+cpu", "4.0"])
        #expect(
            page.files.map(\.filename) == ["my_pkg-1.0-py3-none-any.whl", "my_pkg-2.0+cpu.tar.gz", "my_pkg-4.0.tar.gz"])
        #expect(page.files.map(\.yanked) == [Yank(reason: "bad \"build\" <1>"), Yank(reason: ""), nil])
        #expect(page.files[0].coreMetadata == .present(sha256: Self.hex))
        #expect(page.files[1].coreMetadata == .none)
    }

    @Test("A page in JSON has every attribute")
    func json() throws {
        let document = try RawJSON(PyPI().encode(try Self.sample(), .json, files: "../../packages/").readableBytesView)
        #expect(document["meta"]?.text == #"{"api-version":"1.4"}"#)
        #expect(document["name"]?.string == "my-pkg")
        #expect(document["versions"]?.text == #"["1.0","2.0+cpu","4.0"]"#)
        #expect(document["project-status"]?.text == #"{"status":"active"}"#)
        let files = try #require(document["files"]?.elements)
        #expect(
            files[0].text == """
                {"filename":"my_pkg-1.0-py3-none-any.whl",\
                "url":"../../packages/my-pkg/1.0/my_pkg-1.0-py3-none-any.whl",\
                "hashes":{"sha256":"\(Self.hex)","md5":"0a"},"size":17,"upload-time":"2026-01-01T00:00:00.000Z",\
                "requires-python":">=3.8,<4","core-metadata":{"sha256":"\(Self.hex)"},"yanked":"bad \\"build\\" <1>"}
                """)
        #expect(files[1]["yanked"]?.boolean == true)
        #expect(files[1]["url"]?.string == "../../packages/my-pkg/2.0%2Bcpu/my_pkg-2.0%2Bcpu.tar.gz")
        #expect(files[2]["yanked"]?.boolean == false)
        #expect(files[2]["core-metadata"]?.boolean == false)
        #expect(files[2]["dist-info-metadata"] == nil)
    }

    @Test("A page in HTML has every attribute, escaped")
    func html() throws {
        let text = String(buffer: PyPI().encode(try Self.sample(), .html, files: "../../packages/"))
        #expect(text.hasPrefix("<!DOCTYPE html>\n"))
        #expect(text.contains(#"<meta name="pypi:repository-version" content="1.4">"#))
        #expect(text.contains(#"<meta name="pypi:project-status" content="active">"#))
        #expect(
            text.contains(
                """
                <a href="../../packages/my-pkg/1.0/my_pkg-1.0-py3-none-any.whl#sha256=\(Self.hex)" \
                data-requires-python="&gt;=3.8,&lt;4" data-core-metadata="sha256=\(Self.hex)" \
                data-dist-info-metadata="sha256=\(Self.hex)" data-yanked="bad &quot;build&quot; &lt;1&gt;">\
                my_pkg-1.0-py3-none-any.whl</a><br>
                """))
        #expect(text.contains(#" data-yanked="">my_pkg-2.0+cpu.tar.gz</a>"#))
        #expect(!text.contains("x.metadata"))
    }

    @Test("What is in quarantine is not offered", arguments: SimpleForm.allCases)
    func quarantine(_ form: SimpleForm) throws {
        var page = try Self.sample()
        page.status = .quarantined
        page.statusReason = "under <review>"
        let text = String(buffer: PyPI().encode(page, form, files: ""))
        #expect(text.contains("quarantined") && !text.contains(".whl"))
        #expect(text.contains(form == .json ? "under <review>" : "under &lt;review&gt;"))
    }

    @Test("Projects are listed")
    func projects() {
        let list = PyPI().encode(["a", "b-c"], .json)
        #expect(
            String(buffer: list)
                == #"{"meta":{"api-version":"1.4"},"projects":[{"name":"a"},{"name":"b-c"}]}"#)
        let html = String(buffer: PyPI().encode(["a", "b-c"], .html))
        #expect(html.contains("<a href=\"b-c/\">b-c</a>"))
    }

    @Test("A note of a file comes back as it was")
    func note() throws {
        var note = FileNote()
        note.requiresPython = ">=3 \"\\\n"
        let again = FileNote(note.json)
        #expect(again.requiresPython == note.requiresPython && again.metadataDigest == nil)
        #expect(FileNote("").packageType.isEmpty && FileNote("[1]").requiresPython == nil)
    }
}
