import GranaryFormat
import GranaryModel
import HTTPTypes
import Testing

@testable import FormatOCI

@Suite struct IndexTests {
    private static func version(
        _ number: Int, artifactType: String = "", metadata: String = "{}"
    ) throws -> IndexRows.Entry {
        let name = try #require(VersionName(Sample.digest(number)))
        return IndexRows.Entry(
            name: name.text,
            version: IndexedVersion(
                name: name, mediaType: .imageManifest, artifactType: artifactType, metadata: metadata,
                size: ByteCount(number), createdAt: Timestamp(milliseconds: 0), properties: []))
    }

    private static func descriptor(_ number: Int, _ artifactType: String? = nil) -> Descriptor {
        Descriptor(
            mediaType: MediaType.imageManifest.text, digest: Sample.digest(number), size: Int64(number),
            artifactType: artifactType, annotations: nil)
    }

    private let image = PackageName("team/api")
    private func referrers(_ rows: [IndexRows.Entry], hasMore: Bool = false) throws -> OCI.Index {
        OCI().make(
            .referrers(try #require(image), target: Sample.sha256, artifactType: nil),
            from: IndexRows(entries: rows, hasMore: hasMore))
    }

    @Test func `Tags are listed in the order of the rows`() throws {
        let rows = IndexRows(entries: [.init(name: "V1"), .init(name: "latest"), .init(name: "v1")], hasMore: true)
        let index = OCI().make(.tags(try #require(image)), from: rows)
        #expect(index.tags == ["V1", "latest", "v1"])
        #expect(index.hasMore)
    }

    @Test func `A referrer is described by its type, size and annotations`() throws {
        let index = try referrers([
            Self.version(1), Self.version(2, artifactType: "a/b", metadata: #"{"annotations":{"k":"v"}}"#)
        ])
        var second = Self.descriptor(2, "a/b")
        second.annotations = ["k": "v"]
        #expect(index.descriptors == [Self.descriptor(1), second])
        #expect(
            jsonText(index.descriptors[0]) == """
                {"digest":"\(Sample.digest(1))","mediaType":"\(MediaType.imageManifest.text)","size":1}
                """)
    }

    @Test func `A page of referrers ends before clients stop reading`() throws {
        let metadata = #"{"annotations":{"k":"\#(String(repeating: "x", count: 64 << 10))"}}"#
        let index = try referrers((0..<1000).map { try Self.version($0, metadata: metadata) })
        #expect(index.hasMore)
        #expect((20..<100).contains(index.descriptors.count))
        #expect(jsonText(index.descriptors).utf8.count < 4 << 20)
    }

    @Test func `What an index lists is found in the metadata of its version`() throws {
        let metadata = #"{"members":[{"mediaType":"a/b","digest":"\#(Sample.digest(3))","size":3}]}"#
        let version = try #require(VersionName(Sample.digest(9)))
        let rows = IndexRows(entries: [try Self.version(9, metadata: metadata)], hasMore: false)
        let index = OCI().make(.version(try #require(image), version), from: rows)
        #expect(index.descriptors.map(\.digest) == [Sample.digest(3)])
        #expect(OCI().make(.directory("/"), from: rows).descriptors.isEmpty)
    }

    struct FoldCase: Sendable, CustomTestStringConvertible {
        let name: String
        let stored: [Int]
        let hasMore: Bool
        let folded: [Int]
        var after: Int?
        var limit = 10
        let page: [Int]
        let leavesMore: Bool
        var testDescription: String { name }
    }

    @Test(arguments: [
        FoldCase(name: "nothing folded", stored: [1, 3], hasMore: false, folded: [], page: [1, 3], leavesMore: false),
        FoldCase(name: "in between", stored: [1, 3], hasMore: false, folded: [2], page: [1, 2, 3], leavesMore: false),
        FoldCase(
            name: "twice", stored: [1, 3], hasMore: false, folded: [3, 2, 2, 1], page: [1, 2, 3], leavesMore: false),
        FoldCase(name: "only folded", stored: [], hasMore: false, folded: [5, 4], page: [4, 5], leavesMore: false),
        FoldCase(
            name: "beyond the page, where it may be stored", stored: [1, 3], hasMore: true, folded: [2, 9],
            page: [1, 2, 3], leavesMore: true),
        FoldCase(
            name: "before the page", stored: [5], hasMore: false, folded: [2, 9], after: 4, page: [5, 9],
            leavesMore: false),
        FoldCase(
            name: "more than fits", stored: [1, 4], hasMore: false, folded: [2, 3], limit: 2, page: [1, 2],
            leavesMore: true)
    ])
    func `Referrers noted under a fallback tag join the page they belong to`(_ expected: FoldCase) {
        let stored = OCI.Index(descriptors: expected.stored.map { Self.descriptor($0) }, hasMore: expected.hasMore)
        let missing = stored.missing(
            expected.folded.map { Self.descriptor($0) }, after: expected.after.map { Sample.digest($0) }, nil)
        let page = stored.adding(missing, limit: expected.limit)
        #expect(page.descriptors.map(\.digest) == expected.page.map { Sample.digest($0) })
        #expect(page.hasMore == expected.leavesMore)
    }

    @Test func `Folded referrers pass the filter too`() {
        let folded = [Self.descriptor(1, "a/b"), Self.descriptor(2, "c/d"), Self.descriptor(3)]
        #expect(OCI.Index().missing(folded, after: nil, "c/d").map(\.digest) == [Sample.digest(2)])
        #expect(OCI.Index().missing(folded, after: nil, nil).count == 3)
    }

    @Test func `A fallback tag is the algorithm and at most 64 digits`() throws {
        #expect(OCI().fallbackTag(of: try #require(Digest(Sample.sha256))) == "sha256-" + Sample.hex)
        let long = OCI().fallbackTag(of: try #require(Digest(Sample.sha512)))
        #expect(long == "sha512-" + String(repeating: "b", count: 64))
        #expect(tagName(long) != nil)
    }

    struct LinkCase: Sendable {
        let query: String
        let last: String?
        var filter: String?
        let link: String?
    }

    @Test(arguments: [
        LinkCase(query: "n=2", last: "v1", link: #"</v2/docker/a/tags/list?n=2&last=v1>; rel="next""#),
        LinkCase(query: "", last: "v1", link: #"</v2/docker/a/tags/list?n=1000&last=v1>; rel="next""#),
        LinkCase(
            query: "n=99999999999999999999", last: "v", link: #"</v2/docker/a/tags/list?n=1000&last=v>; rel="next""#),
        LinkCase(query: "n=0", last: nil, link: nil),
        LinkCase(
            query: "n=1", last: "sha256:ab", filter: "a/b+c",
            link: #"</v2/docker/a/tags/list?n=1&last=sha256%3Aab&artifactType=a%2Fb%2Bc>; rel="next""#)
    ])
    func `A link leads to the next page on this host`(_ expected: LinkCase) throws {
        let listing = try Listing(Query(expected.query))
        #expect(OCI().link("/v2/docker/a/tags/list", listing, after: expected.last, expected.filter) == expected.link)
    }

    @Test func `A page begins after the last entry of the one before`() throws {
        let listing = try Listing(Query("n=5&last=v1"))
        #expect(listing.page == Page(after: "v1", limit: 5))
        #expect(try Listing(Query("last=")).page == Page())
    }
}
