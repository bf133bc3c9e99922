import Foundation
import GranaryFormat
import GranaryModel
import NIOCore
import Testing

@testable import FormatNPM

@Suite("npm: the body of a publish")
struct PublishBodyTests {
    /// The tarball and the document of a body that comes in pieces of a size.
    private func split(_ text: String, every size: Int, limit: Int = 10_000) throws -> (
        tarball: [UInt8], document: String
    ) {
        var splitter = PublishSplitter(limit: limit)
        var tarball: [UInt8] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)])
            tarball += try splitter.take(piece).readableBytesView
        }
        try splitter.end()
        return (tarball, String(decoding: splitter.document, as: UTF8.self))
    }

    @Test(
        "The tarball is taken out, wherever it stands and wherever the pieces end",
        arguments: [1, 2, 3, 5, 7, 64, 10_000])
    func pieces(_ size: Int) throws {
        for count in 0..<70 {
            let tarball = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            let data = Data(tarball).base64EncodedString().replacingOccurrences(
                of: "/", with: count % 2 == 0 ? "/" : #"\/"#)
            let before = #"{"_attachments":{"x\u002etgz":{"length":1,"data":"#
            let after = #"}},"a":["{","data",{"data":"QUJD"}],"q":"\"\\"}"#
            let (found, document) = try split(#"\#(before)"\#(data)"\#(after)"#, every: size)
            #expect(found == tarball)
            #expect(document == before + #""""# + after)
        }
    }

    @Test(
        "Only the data of an attachment that is a tarball is taken",
        arguments: [
            #"{"_attachments":{"x.sigstore":{"data":"QUJD"}}}"#, #"{"attachments":{"x.tgz":{"data":"QUJD"}}}"#,
            #"{"_attachments":{"x.tgz":{"datum":"QUJD"}}}"#, #"{"a":{"_attachments":{"x.tgz":{"data":"QUJD"}}}}"#,
            #"{"_attachments":["x.tgz",{"data":"QUJD"}]}"#, #"["_attachments",{"x.tgz":{"data":"QUJD"}}]"#
        ])
    func others(_ text: String) throws {
        let (tarball, document) = try split(text, every: 3)
        #expect(tarball.isEmpty)
        #expect(document == text)
    }

    @Test(
        "What is no Base64 is refused",
        arguments: [
            "Q", "QU", "QUJ", "QUJDR", "QUJD=", "QUI=QQ==", "QQ===", "Q===", "====", "QU JD", "QUJ-", #"QU\nJD"#,
            #"QUJD\u0041"#
        ])
    func base64(_ data: String) {
        for size in [1, 2, 100] {
            #expect(throws: Problem.self) {
                try split(#"{"_attachments":{"x.tgz":{"data":"\#(data)"}}}"#, every: size)
            }
        }
    }

    @Test("A second tarball, a body that ends in the first, depth and length beyond the limits are refused")
    func limits() {
        let two = #"{"_attachments":{"x.tgz":{"data":"QUJD"},"y.tgz":{"data":"QUJD"}}}"#
        #expect(throws: Problem.self) { try split(two, every: 10) }
        #expect(throws: Problem.self) { try split(#"{"_attachments":{"x.tgz":{"data":"QUJD"#, every: 10) }
        #expect(throws: Problem.self) { try split(String(repeating: "[", count: 101), every: 10) }
        #expect(throws: Problem.tooLarge(ByteCount(20))) {
            try split(#"{"name":"aaaaaaaaaaaaaaaaaaaa"}"#, every: 5, limit: 20)
        }
        let long = Data(repeating: 7, count: 3000).base64EncodedString()
        #expect(throws: Never.self) {
            try split(#"{"_attachments":{"x.tgz":{"data":"\#(long)"}}}"#, every: 50, limit: 60)
        }
    }
}
