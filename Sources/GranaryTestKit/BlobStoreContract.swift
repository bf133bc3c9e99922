import Crypto
import GranaryModel
package import GranaryPorts
import NIOCore
import Testing

/// What every blob store must do; each store's tests run all of it over a fresh store.
package struct BlobStoreContract: Sendable {
    /// Opens the store again over the same bytes, as a restart of the process does.
    private let open: @Sendable () async throws -> any BlobStore

    package init(opening open: @escaping @Sendable () async throws -> any BlobStore) { self.open = open }

    /// Runs every check.
    package func verify() async throws {
        try await roundTrip()
        try await emptyBlob()
        try await committingTwiceKeepsOne()
        try await resumesAfterRestart()
        try await keepsWhatCameBeforeAFailure()
        try await refusesBeyondTheLimit()
        try await hashesOnRequest()
        try await oneWriterAtATime()
        try await cancelForgets()
        try await neverCommitsAsAnotherDigest()
        try await staysReadableWhileOpen()
    }

    private func roundTrip() async throws {
        let store = try await open()
        let bytes = Array(repeating: UInt8(7), count: 3 << 20) + Array("tail".utf8)
        let digest = try await put(bytes, "roundtrip", in: store)
        let blob = try #require(try await store.open(digest))
        #expect(blob.size == Int64(bytes.count))
        let end = try await blob.read(Int64(bytes.count - 4)..<Int64(bytes.count))
        #expect(String(buffer: end) == "tail")
        #expect(try await store.open(sha256(of: "absent")) == nil)
    }

    private func emptyBlob() async throws {
        let store = try await open()
        let digest = try await put([], "empty", in: store)
        #expect(try await store.open(digest)?.size == 0)
    }

    private func committingTwiceKeepsOne() async throws {
        let store = try await open()
        let first = try await put(Array("same".utf8), "twice-1", in: store)
        let second = try await put(Array("same".utf8), "twice-2", in: store)
        #expect(first == second)
        try await store.remove(first)
        #expect(try await store.open(first) == nil)
        try await store.remove(first)
    }

    private func resumesAfterRestart() async throws {
        let store = try await open()
        try await store.begin("resumed", hashing: [], memo: "about it")
        #expect(try await store.append(stream("first "), to: "resumed", limit: .max) == 6)
        let again = try await open()
        let found = try #require(try await again.upload("resumed"))
        #expect(found.memo == "about it")
        #expect(found.offset == 6)
        _ = try await again.append(stream("second"), to: "resumed", limit: .max)
        try await again.commit("resumed", as: sha256(of: "first second"))
        #expect(try await again.open(sha256(of: "first second"))?.size == 12)
        #expect(try await again.upload("resumed") == nil)
    }

    private func keepsWhatCameBeforeAFailure() async throws {
        let store = try await open()
        try await store.begin("broken", hashing: [], memo: "")
        let broken = AsyncThrowingStream<ByteBuffer, any Error> { stream in
            stream.yield(ByteBuffer(string: "kept"))
            stream.finish(throwing: CancellationError())
        }
        await #expect(throws: BlobStoreError.self) { _ = try await store.append(broken, to: "broken", limit: .max) }
        #expect(try await store.upload("broken")?.offset == 4)
        _ = try await store.append(stream(" and more"), to: "broken", limit: .max)
        try await store.commit("broken", as: sha256(of: "kept and more"))
    }

    private func refusesBeyondTheLimit() async throws {
        let store = try await open()
        try await store.begin("large", hashing: [], memo: "")
        await #expect(throws: BlobStoreError.self) {
            _ = try await store.append(stream("too much"), to: "large", limit: 4)
        }
        #expect(try #require(try await store.upload("large")).offset <= 4)
    }

    private func hashesOnRequest() async throws {
        let store = try await open()
        try await store.begin("hashed", hashing: ["md5"], memo: "")
        _ = try await store.append(stream("abc"), to: "hashed", limit: .max)
        let hashes = try await store.hashes(of: "hashed", ["md5", "sha1", "sha512"])
        #expect(hashes["md5"] == "900150983cd24fb0d6963f7d28e17f72")
        #expect(hashes["sha1"] == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(hashes["sha256"] == sha256(of: "abc").hex)
        #expect(hashes["sha512"]?.hasPrefix("ddaf35a193617aba") == true)
    }

    private func oneWriterAtATime() async throws {
        let store = try await open()
        try await store.begin("shared", hashing: [], memo: "")
        let (chunks, source) = AsyncThrowingStream<ByteBuffer, any Error>.makeStream()
        async let slow = store.append(chunks, to: "shared", limit: .max)
        source.yield(ByteBuffer(string: "slow"))
        var isBusy = false
        for _ in 0..<200 where !isBusy {
            do {
                _ = try await store.append(stream(""), to: "shared", limit: .max)
                try await Task.sleep(for: .milliseconds(5))
            } catch BlobStoreError.busy {
                isBusy = true
            }
        }
        #expect(isBusy)
        source.finish()
        #expect(try await slow == 4)
    }

    private func cancelForgets() async throws {
        let store = try await open()
        try await store.begin("cancelled", hashing: [], memo: "")
        try await store.cancel("cancelled")
        #expect(try await store.upload("cancelled") == nil)
        await #expect(throws: BlobStoreError.self) {
            _ = try await store.append(stream("x"), to: "cancelled", limit: .max)
        }
        try await store.cancel("cancelled")
    }

    private func neverCommitsAsAnotherDigest() async throws {
        let store = try await open()
        try await store.begin("wrong", hashing: [], memo: "")
        _ = try await store.append(stream("these"), to: "wrong", limit: .max)
        await #expect(throws: BlobStoreError.self) { try await store.commit("wrong", as: sha256(of: "those")) }
        #expect(try await store.open(sha256(of: "those")) == nil)
    }

    private func staysReadableWhileOpen() async throws {
        let store = try await open()
        let digest = try await put(Array("read me".utf8), "removed", in: store)
        let blob = try #require(try await store.open(digest))
        try await store.remove(digest)
        #expect(String(buffer: try await blob.read(0..<7)) == "read me")
    }

    private func put(_ bytes: [UInt8], _ id: String, in store: any BlobStore) async throws -> BlobDigest {
        try await store.begin(id, hashing: [], memo: nil)
        let chunks = AsyncThrowingStream<ByteBuffer, any Error> { stream in
            for start in stride(from: 0, to: bytes.count, by: 100_000) {
                stream.yield(ByteBuffer(bytes: bytes[start..<min(start + 100_000, bytes.count)]))
            }
            stream.finish()
        }
        _ = try await store.append(chunks, to: id, limit: .max)
        let digest = BlobDigest(bytes: SHA256.hash(data: bytes))
        try await store.commit(id, as: digest)
        return digest
    }

    private func stream(_ text: String) -> AsyncThrowingStream<ByteBuffer, any Error> {
        AsyncThrowingStream { stream in
            stream.yield(ByteBuffer(string: text))
            stream.finish()
        }
    }

    private func sha256(of text: String) -> BlobDigest { BlobDigest(bytes: SHA256.hash(data: Array(text.utf8))) }
}
