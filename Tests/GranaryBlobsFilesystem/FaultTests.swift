import Crypto
import GranaryBlobsFilesystem
import GranaryFormat
import GranaryModel
import GranaryPorts
import GranaryTestKit
import NIOCore
import NIOPosix
import Testing

/// What a client of the store does, and what it was told.
private struct Script {
    /// Texts whose commit was answered, and that were not removed since.
    private(set) var stored: Set<String> = []
    /// Texts whose removal was begun: they may be there or not.
    private(set) var leaving: Set<String> = []
    /// How many bytes of the session were answered for.
    private(set) var sessionBytes: Int64 = 0
    private(set) var isSessionOpen = false

    static let texts = ["alpha", "beta", "gamma", String(repeating: "long", count: 5000), ""]
    static let sessionText = "one two three"

    static func digest(_ text: String) -> BlobDigest { BlobDigest(bytes: SHA256.hash(data: Array(text.utf8))) }

    /// Does everything there is to do to a store; goes on after failures.
    mutating func run(on store: FilesystemBlobStore) async {
        for (number, text) in Self.texts.enumerated() { await push(text, "push-\(number)", to: store) }
        if (try? await store.begin("session", hashing: [], memo: "memo")) != nil { isSessionOpen = true }
        if let offset = try? await store.append(body("one "), to: "session", at: 0, limit: .max) {
            sessionBytes = offset
        }
        await push("alpha", "again", to: store)
        await remove("beta", from: store)
        await push("beta", "beta-again", to: store)
        await remove("gamma", from: store)
        try? await store.cancel("push-0")
    }

    private mutating func push(_ text: String, _ id: String, to store: FilesystemBlobStore) async {
        do {
            try await store.begin(id, hashing: [], memo: nil)
            _ = try await store.append(body(text), to: id, at: 0, limit: .max)
            _ = try await store.commit(id, CommitTerms(expected: ["sha256": Self.digest(text).hex]))
            stored.insert(text)
            leaving.remove(text)
        } catch {
            try? await store.cancel(id)
        }
    }

    private mutating func remove(_ text: String, from store: FilesystemBlobStore) async {
        stored.remove(text)
        leaving.insert(text)
        _ = try? await store.remove([Self.digest(text)]) { Set($0) }
    }

    private func body(_ text: String) -> RequestBody { RequestBody(bytes: ByteBuffer(string: text)) }
}

@Suite("A blob store whose disk fails")
struct FaultTests {
    private static func operationsOfAScript() async throws -> Int {
        let files = SimulatedFileSystem()
        var script = Script()
        await script.run(on: try FilesystemBlobStore(root: "/data", pool: .singleton, files: files))
        #expect(script.stored.count == Script.texts.count - 1)
        return files.operations
    }

    /// Everything that was answered is there, everything that is there is whole, and the session goes on.
    private func expectWhole(_ store: FilesystemBlobStore, _ script: Script, _ fault: String) async throws {
        for text in script.stored {
            #expect(try await store.open(Script.digest(text)) != nil, "\(fault): '\(text.prefix(10))' was answered")
        }
        for blob in try await store.list(after: nil, limit: 100) {
            let open = try #require(try await store.open(blob.digest))
            let bytes = try await open.read(0..<open.size)
            #expect(BlobDigest(bytes: SHA256.hash(data: Array(bytes.readableBytesView))) == blob.digest, "\(fault)")
        }
    }

    private func expectSessionGoesOn(_ store: FilesystemBlobStore, _ fault: String) async throws {
        guard let session = try await store.upload("session") else { return }
        let rest = String(decoding: Script.sessionText.utf8.dropFirst(Int(session.offset)), as: UTF8.self)
        let body = RequestBody(bytes: ByteBuffer(string: rest))
        _ = try await store.append(body, to: "session", at: session.offset, limit: .max)
        let terms = CommitTerms(expected: ["sha256": Script.digest(Script.sessionText).hex])
        #expect(try await store.commit("session", terms).size == Int64(Script.sessionText.utf8.count), "\(fault)")
    }

    @Test("An error at any write, flush or rename loses nothing that was answered, and the next push works")
    func errors() async throws {
        let count = try await Self.operationsOfAScript()
        for error in [BlobStoreError.full, .failed("an error")] {
            for operation in 0..<count {
                let files = SimulatedFileSystem()
                let store = try? FilesystemBlobStore(root: "/data", pool: .singleton, files: files)
                guard let store else { continue }
                files.plan(.fail(error), at: operation - files.operations)
                var script = Script()
                await script.run(on: store)
                let fault = "\(error) at \(operation)"
                try await expectWhole(store, script, fault)
                // A session whose opening was answered has every byte that was answered for.
                if script.isSessionOpen {
                    #expect(try #require(try await store.upload("session")).offset == script.sessionBytes, "\(fault)")
                }
                try await expectSessionGoesOn(store, fault)
                var second = Script()
                await second.run(on: store)
                #expect(second.stored.count == Script.texts.count - 1, "\(fault): the store works again")
                try await expectWhole(store, second, fault)
            }
        }
    }

    @Test("A power failure at any write, flush or rename loses nothing that was answered, and leaves nothing half")
    func powerLoss() async throws {
        let count = try await Self.operationsOfAScript()
        for seed: UInt64 in 1...8 {
            for operation in 0..<count {
                let files = SimulatedFileSystem(seed: seed)
                files.plan(.powerLoss, at: operation)
                var script = Script()
                if let store = try? FilesystemBlobStore(root: "/data", pool: .singleton, files: files) {
                    await script.run(on: store)
                }
                files.restart()
                let store = try FilesystemBlobStore(root: "/data", pool: .singleton, files: files)
                let fault = "power failure at \(operation), seed \(seed)"
                try await expectWhole(store, script, fault)
                var second = Script()
                await second.run(on: store)
                try await expectWhole(store, second, fault)
            }
        }
    }
}
