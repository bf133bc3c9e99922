import Crypto
import GranaryModel
package import GranaryPorts
import NIOCore
import Synchronization
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
        try await listsUploads()
        try await keepsWhatCameBeforeAFailure()
        try await refusesBeyondTheLimit()
        try await hashesOnRequest()
        try await oneWriterAtATime()
        try await appendsWhereItStands()
        try await cancelForgets()
        try await neverCommitsAsAnotherDigest()
        try await staysReadableWhileOpen()
        try await listsInOrder()
        try await removesOnlyWhatNobodyHolds()
        try await rescuesWhatIsTakenMeanwhile()
        try await holdsRemovals()
        try await setsDamagedBytesAside()
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
        #expect(try await remove(first, from: store))
        #expect(try await store.open(first) == nil)
        _ = try await remove(first, from: store)
    }

    private func listsUploads() async throws {
        let store = try await open()
        let before = Set(try await store.uploads().map(\.id))
        for number in 0..<4 { try await store.begin("open-\(number)", hashing: [], memo: "memo \(number)") }
        try await store.begin("request", hashing: [], memo: nil)
        try await store.cancel("open-1")
        _ = try await store.commit("open-2", CommitTerms())
        for store in [store, try await open()] {
            let listed = try await store.uploads().filter { !before.contains($0.id) }.sorted { $0.id < $1.id }
            #expect(listed.map(\.id) == ["open-0", "open-3"])
            #expect(listed.map(\.memo) == ["memo 0", "memo 3"])
        }
        for id in ["open-0", "open-3", "request"] { try await store.cancel(id) }
    }

    private func listsInOrder() async throws {
        let store = try await open()
        var digests: Set<BlobDigest> = []
        for number in 0..<40 {
            digests.insert(try await put(Array("listed \(number)".utf8), "list-\(number)", in: store))
        }
        var listed: [StoredBlob] = []
        while true {
            let page = try await store.list(after: listed.last?.digest, limit: 7)
            #expect(page.count <= 7)
            listed += page
            if page.isEmpty { break }
        }
        #expect(listed.map(\.digest.hex) == listed.map(\.digest.hex).sorted())
        #expect(Set(listed.map(\.digest)).isSuperset(of: digests))
        #expect(Set(listed.map(\.digest)).count == listed.count)
        #expect(listed.first { $0.digest == sha256(of: "listed 7") }?.size == 8)
    }

    private func removesOnlyWhatNobodyHolds() async throws {
        let store = try await open()
        let held = try await put(Array("held".utf8), "held", in: store)
        let unconfirmed = try await put(Array("unconfirmed".utf8), "unconfirmed", in: store)
        let free = try await put(Array("free".utf8), "free", in: store)
        let lease = store.lease(held)
        let gone = try await store.remove([held, unconfirmed, free]) { asked in
            #expect(Set(asked) == [unconfirmed, free])
            return [free, held]
        }
        #expect(gone == [free])
        #expect(try await store.open(free) == nil)
        for digest in [held, unconfirmed] { #expect(try await store.open(digest) != nil) }
        #expect(try await remove(held, from: store) == false)
        withExtendedLifetime(lease) {}
    }

    private func rescuesWhatIsTakenMeanwhile() async throws {
        let store = try await open()
        let leased = try await put(Array("leased".utf8), "leased", in: store)
        let pushed = try await put(Array("pushed".utf8), "pushed", in: store)
        let gone = try await store.remove([leased, pushed]) { asked in
            // Taken and let go again: whoever took it may have named it.
            _ = store.lease(leased)
            _ = try await put(Array("pushed".utf8), "pushed again", in: store)
            return Set(asked)
        }
        #expect(gone == [])
        for digest in [leased, pushed] {
            #expect(try await store.open(digest) != nil)
            #expect(try await remove(digest, from: store))
        }
    }

    private func holdsRemovals() async throws {
        let store = try await open()
        let digest = try await put(Array("on hold".utf8), "on hold", in: store)
        let elsewhere = try await open()
        let hold = try await elsewhere.holdRemovals()
        let another = try await store.holdRemovals()
        await #expect {
            _ = try await remove(digest, from: store)
        } throws: { error in
            if case BlobStoreError.busy = error { true } else { false }
        }
        withExtendedLifetime((hold, another)) {}
    }

    private func setsDamagedBytesAside() async throws {
        let store = try await open()
        let digest = try await put(Array("rotten".utf8), "rotten", in: store)
        try await store.quarantine(digest)
        #expect(try await store.open(digest) == nil)
        try await store.quarantine(digest)
        #expect(try await put(Array("rotten".utf8), "fresh", in: store) == digest)
        #expect(try await store.open(digest)?.size == 6)
    }

    private func remove(_ digest: BlobDigest, from store: any BlobStore) async throws -> Bool {
        try await store.remove([digest]) { Set($0) } == [digest]
    }

    private func resumesAfterRestart() async throws {
        let store = try await open()
        try await store.begin("resumed", hashing: [], memo: "about it")
        #expect(try await store.append(stream("first "), to: "resumed", at: nil, limit: .max) == 6)
        let again = try await open()
        let found = try #require(try await again.upload("resumed"))
        #expect(found.memo == "about it")
        #expect(found.offset == 6)
        _ = try await again.append(stream("second"), to: "resumed", at: nil, limit: .max)
        _ = try await again.commit("resumed", expecting("first second"))
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
        await #expect(throws: BlobStoreError.self) {
            _ = try await store.append(broken, to: "broken", at: nil, limit: .max)
        }
        #expect(try await store.upload("broken")?.offset == 4)
        _ = try await store.append(stream(" and more"), to: "broken", at: nil, limit: .max)
        _ = try await store.commit("broken", expecting("kept and more"))
    }

    private func refusesBeyondTheLimit() async throws {
        let store = try await open()
        try await store.begin("large", hashing: [], memo: "")
        await #expect(throws: BlobStoreError.self) {
            _ = try await store.append(stream("too much"), to: "large", at: nil, limit: 4)
        }
        #expect(try #require(try await store.upload("large")).offset <= 4)
    }

    private func hashesOnRequest() async throws {
        let store = try await open()
        try await store.begin("hashed", hashing: ["md5"], memo: "")
        _ = try await store.append(stream("abc"), to: "hashed", at: nil, limit: .max)
        let hashes = try await store.commit("hashed", CommitTerms(hashes: ["md5", "sha1", "sha512"])).hashes
        #expect(hashes["md5"] == "900150983cd24fb0d6963f7d28e17f72")
        #expect(hashes["sha1"] == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(hashes["sha256"] == sha256(of: "abc").hex)
        #expect(hashes["sha512"]?.hasPrefix("ddaf35a193617aba") == true)
    }

    private func oneWriterAtATime() async throws {
        let store = try await open()
        try await store.begin("shared", hashing: [], memo: "")
        let (chunks, source) = AsyncThrowingStream<ByteBuffer, any Error>.makeStream()
        async let slow = store.append(chunks, to: "shared", at: nil, limit: .max)
        source.yield(ByteBuffer(string: "slow"))
        var isBusy = false
        for _ in 0..<200 where !isBusy {
            do {
                _ = try await store.append(stream(""), to: "shared", at: nil, limit: .max)
                try await Task.sleep(for: .milliseconds(5))
            } catch BlobStoreError.busy {
                isBusy = true
            }
        }
        #expect(isBusy)
        // Nor can it become a blob while somebody writes to it.
        await #expect {
            _ = try await store.commit("shared", CommitTerms())
        } throws: { error in
            if case BlobStoreError.busy = error { true } else { false }
        }
        source.finish()
        #expect(try await slow == 4)
    }

    private func appendsWhereItStands() async throws {
        let store = try await open()
        try await store.begin("placed", hashing: [], memo: "")
        _ = try await store.append(stream("1234"), to: "placed", at: 0, limit: .max)
        for wrong: Int64 in [0, 3, 5] {
            await #expect {
                _ = try await store.append(stream("5"), to: "placed", at: wrong, limit: .max)
            } throws: { error in
                if case BlobStoreError.outOfOrder(4) = error { true } else { false }
            }
        }
        #expect(try await store.append(stream("5"), to: "placed", at: 4, limit: .max) == 5)
        _ = try await store.commit("placed", expecting("12345"))
        await #expect(throws: BlobStoreError.self) {
            _ = try await store.append(stream("6"), to: "placed", at: nil, limit: .max)
        }
    }

    private func cancelForgets() async throws {
        let store = try await open()
        try await store.begin("cancelled", hashing: [], memo: "")
        try await store.cancel("cancelled")
        #expect(try await store.upload("cancelled") == nil)
        await #expect(throws: BlobStoreError.self) {
            _ = try await store.append(stream("x"), to: "cancelled", at: nil, limit: .max)
        }
        try await store.cancel("cancelled")
    }

    private func neverCommitsAsAnotherDigest() async throws {
        let store = try await open()
        try await store.begin("wrong", hashing: [], memo: "")
        _ = try await store.append(stream("these"), to: "wrong", at: nil, limit: .max)
        let verified = Count()
        let those = expecting("those", verified)
        await #expect(throws: BlobStoreError.self) { _ = try await store.commit("wrong", those) }
        await #expect(throws: BlobStoreError.self) { _ = try await store.commit("wrong", CommitTerms(size: 4)) }
        #expect(try await store.open(sha256(of: "those")) == nil)
        #expect(try await store.open(sha256(of: "these")) == nil)
        #expect(verified.number.withLock { $0 } == 0)
        #expect(try await store.commit("wrong", expecting("these", verified)).size == 5)
        #expect(verified.number.withLock { $0 } == 1)
    }

    private func staysReadableWhileOpen() async throws {
        let store = try await open()
        let digest = try await put(Array("read me".utf8), "removed", in: store)
        let blob = try #require(try await store.open(digest))
        #expect(try await remove(digest, from: store))
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
        _ = try await store.append(chunks, to: id, at: nil, limit: .max)
        let blob = try await store.commit(id, CommitTerms())
        #expect(blob.digest == BlobDigest(bytes: SHA256.hash(data: bytes)))
        return blob.digest
    }

    private func stream(_ text: String) -> AsyncThrowingStream<ByteBuffer, any Error> {
        AsyncThrowingStream { stream in
            stream.yield(ByteBuffer(string: text))
            stream.finish()
        }
    }

    private func expecting(_ text: String, _ verified: Count? = nil) -> CommitTerms {
        CommitTerms(expected: ["sha256": sha256(of: text).hex]) { verified?.number.withLock { $0 += 1 } }
    }

    private func sha256(of text: String) -> BlobDigest { BlobDigest(bytes: SHA256.hash(data: Array(text.utf8))) }
}

/// How often something has happened.
private final class Count: Sendable {
    let number = Mutex(0)
}
