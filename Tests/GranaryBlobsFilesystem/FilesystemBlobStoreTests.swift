import FoundationEssentials
import GranaryBlobsFilesystem
import GranaryFormat
import GranaryModel
import GranaryPorts
import GranaryTestKit
import NIOCore
import NIOPosix
import Testing

@Suite("The blob store on a file system")
struct FilesystemBlobStoreTests {
    @Test("It keeps the contract of every blob store")
    func contract() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        try await BlobStoreContract {
            try FilesystemBlobStore(root: folder.path, pool: .singleton)
        }.verify()
    }

    @Test("Blobs lie under the first two digits of their digest, and nothing is left beside them")
    func layout() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let store = try FilesystemBlobStore(root: folder.path, pool: .singleton)
        let empty = try #require(BlobDigest(hex: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))
        try await store.begin("id", hashing: [], memo: "memo")
        #expect(try await store.commit("id", CommitTerms()).digest == empty)
        let path = "\(folder.path)/blobs/sha256/e3/\(empty.hex)"
        #expect(FileManager.default.fileExists(atPath: path))
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/uploads") == [])
    }

    @Test("More sessions than may be open at once all keep their bytes")
    func manySessions() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let store = try FilesystemBlobStore(root: folder.path, pool: .singleton)
        let count = FilesystemBlobStore.maximumOpenSessions + 50
        for half in ["first", "second"] {
            for number in 0..<count {
                if half == "first" { try await store.begin("s\(number)", hashing: [], memo: "") }
                _ = try await store.append(
                    RequestBody(bytes: ByteBuffer(string: half)), to: "s\(number)", at: nil, limit: .max)
            }
        }
        for number in stride(from: 0, to: count, by: 100) {
            #expect(try await store.commit("s\(number)", CommitTerms()).size == 11)
        }
    }

    @Test("Uploads that nobody touched expire, and so do those of requests that never ended")
    func expiry() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let store = try FilesystemBlobStore(root: folder.path, pool: .singleton)
        try await store.begin("session", hashing: [], memo: "memo")
        try await store.begin("request", hashing: [], memo: nil)
        #expect(try await store.expireUploads(before: Timestamp(milliseconds: 0)) == [])
        let future = Timestamp(milliseconds: 4_000_000_000_000)
        #expect(try await store.expireUploads(before: future).sorted() == ["request", "session"])
        #expect(try await store.upload("session") == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/uploads") == [])
    }
}
