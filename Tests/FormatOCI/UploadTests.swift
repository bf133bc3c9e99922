import GranaryFormat
import GranaryModel
import HTTPTypes
import Testing

@testable import FormatOCI

@Suite struct UploadTests {
    struct RangeCase: Sendable, CustomTestStringConvertible {
        let text: String
        let first: Int64
        let last: Int64
        var testDescription: String { text }
    }

    @Test(arguments: [
        RangeCase(text: "0-0", first: 0, last: 0), RangeCase(text: "0-1023", first: 0, last: 1023),
        RangeCase(text: "1024-2047", first: 1024, last: 2047), RangeCase(text: "bytes 0-9/10", first: 0, last: 9),
        RangeCase(text: "bytes 5-9/*", first: 5, last: 9), RangeCase(text: "bytes 5-9", first: 5, last: 9),
        RangeCase(text: "0-999999999999999999", first: 0, last: 999_999_999_999_999_999)
    ])
    func `A content range is first and last, with or without a unit`(_ expected: RangeCase) throws {
        let range = try #require(ContentRange(expected.text))
        #expect(range.first == expected.first)
        #expect(range.last == expected.last)
        #expect(range.length == expected.last - expected.first + 1)
    }

    @Test(arguments: [
        "", "-", "0", "0-", "-5", "5-4", "0--1", "a-b", "+0-+5", "0-5-9", " 0-5", "0-5 ", "bytes=0-5", "bytes  0-5/6",
        "bytes 0-5/5", "bytes 0-5/x", "bytes 0-5/", "bytes */5", "0-5/6", "items 0-5/6", "0-1000000000000000000",
        "99999999999999999999-99999999999999999999", "٠-٩"
    ])
    func `Anything else is no content range`(_ text: String) {
        #expect(ContentRange(text) == nil)
    }

    @Test func `A session tells where it is and what it holds`() throws {
        let status = UploadStatus(
            id: try #require(UploadID(Sample.upload)), package: try #require(PackageName("a")), offset: 5, length: nil,
            note: "", expiresAt: Timestamp(milliseconds: 0))
        let address = ImageAddress(request(.post, "a/blobs/uploads/", prefix: "/v2/"), status.package)
        let reply = OCI().session(.accepted, status, address)
        #expect(reply.headers[.location] == "/v2/a/blobs/uploads/" + Sample.upload)
        #expect(reply.headers[.range] == "0-4")
        #expect(reply.headers[.uploadID] == Sample.upload)
    }

    @Test func `A blob becomes a file of its image without a version`() throws {
        let blob = StagedBlob(
            checksums: Checksums(sha256: BlobDigest(bytes: Array(repeating: 7, count: 32))), size: .zero)
        let draft = try OCI().draft(
            of: blob, try #require(Digest(Sample.sha512)), try #require(PackageName("a")))
        #expect(draft.version == nil)
        #expect(draft.files.map(\.path.text) == ["blobs/" + Sample.sha512])
        #expect(draft.files.map(\.mediaType) == [.octetStream])
        #expect(draft.needs.isEmpty && draft.edges.isEmpty && draft.tags.isEmpty)
    }
}
