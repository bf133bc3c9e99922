import GranaryModel
import GranaryPorts
import GranaryTestKit
import NIOCore
import Testing

@testable import GranaryCore

@Suite("The memory of small blobs")
struct SmallBlobsTests {
    /// Of the five bytes `hello`.
    private static let digest = BlobDigest(
        hex: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")

    private struct Stored: OpenBlob {
        let text: String
        var duringReading: @Sendable () -> Void = {}
        var size: Int64 { Int64(text.utf8.count) }

        func read(_ range: Range<Int64>) async throws(BlobStoreError) -> ByteBuffer {
            duringReading()
            return ByteBuffer(string: text)
        }

        func inspect<Value: Sendable>(
            _ body: @escaping @Sendable (_ read: @escaping (Range<Int64>) throws -> ByteBuffer) throws -> Value
        ) async throws -> Value {
            try body { _ in ByteBuffer(string: text) }
        }
    }

    @Test("Bytes are kept once they were read, until they are dropped")
    func keeping() async throws {
        let blobs = SmallBlobs()
        let digest = try #require(Self.digest)
        #expect(blobs.find(digest) == nil)
        #expect(try await blobs.read(digest, from: Stored(text: "hello")) == ByteBuffer(string: "hello"))
        #expect(blobs.find(digest) == ByteBuffer(string: "hello"))
        blobs.drop(digest)
        #expect(blobs.find(digest) == nil)
    }

    @Test("Bytes that are not those of their digest are refused and never kept")
    func damage() async throws {
        let blobs = SmallBlobs()
        let digest = try #require(Self.digest)
        await #expect(throws: BlobStoreError.self) {
            _ = try await blobs.read(digest, from: Stored(text: "hellO"))
        }
        #expect(blobs.find(digest) == nil)
    }

    @Test("What is dropped while it is read does not come back")
    func dropWhileReading() async throws {
        let blobs = SmallBlobs()
        let digest = try #require(Self.digest)
        _ = try await blobs.read(digest, from: Stored(text: "hello") { blobs.drop(digest) })
        #expect(blobs.find(digest) == nil)
    }
}
