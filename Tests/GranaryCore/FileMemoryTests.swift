import GranaryFormat
import GranaryModel
import GranaryPorts
import GranaryTestKit
import NIOCore
import Synchronization
import Testing

@testable import GranaryCore

@Suite("The memory of files")
struct FileMemoryTests {
    private static let repository = RepositoryID(1)

    private static func key(_ package: String = "app") throws -> FileMemory.Key {
        FileMemory.Key(
            repository: repository, package: try #require(PackageName(package)),
            reference: .tag(try #require(TagName("latest"))))
    }

    /// A file whose size tells it from others.
    private static func file(_ number: Int, in package: String = "app") throws -> StoredFile {
        StoredFile(
            package: try #require(PackageName(package)), version: nil, path: try #require(FilePath("a")),
            size: ByteCount(Int64(number)), mediaType: .json,
            checksums: Checksums(sha256: BlobDigest(bytes: Array(repeating: 1, count: 32))),
            modified: Timestamp(milliseconds: 0))
    }

    private static func remember(_ file: StoredFile, as key: FileMemory.Key, in memory: FileMemory) throws {
        memory.keep(file, as: key, since: try #require(memory.find(key).ticket))
    }

    @Test("What was looked up is remembered until something touches its package")
    func packageChange() throws {
        let memory = FileMemory()
        let (app, other) = (try Self.key(), try Self.key("other"))
        try Self.remember(Self.file(1), as: app, in: memory)
        try Self.remember(Self.file(2, in: "other"), as: other, in: memory)
        #expect(memory.find(app).file?.size == ByteCount(1))
        let scope = FileMemory.Scope.package(Self.repository, app.package)
        memory.begin(scope)
        #expect(memory.find(app).file == nil && memory.find(app).ticket == nil)
        #expect(memory.find(other).file?.size == ByteCount(2))
        memory.end(scope)
        #expect(memory.find(app).file == nil && memory.find(app).ticket != nil)
    }

    @Test("A document of a repository is remembered until something in it changes, and others stay")
    func repositoryChange() throws {
        let memory = FileMemory()
        let document = Document(ByteBuffer(string: "text"))
        func key(_ selection: Selection, in repository: Int64 = 1) throws -> FileMemory.DocumentKey {
            try #require(FileMemory.DocumentKey(repository: RepositoryID(repository), selection, "v"))
        }
        let app = try #require(PackageName("app"))
        let keys = [try key(.everything), try key(.package(app)), try key(.everything, in: 2)]
        for key in keys {
            guard case .unknown(let ticket?) = memory.find(key) else { throw Problem.unknown(.file, "ticket") }
            memory.keep(document, as: key, since: ticket)
        }
        func known() -> [Bool] { keys.map { if case .known = memory.find($0) { true } else { false } } }
        #expect(known() == [true, true, true])
        let change = FileMemory.Scope.package(Self.repository, try #require(PackageName("other")))
        memory.begin(change)
        guard case .unknown(nil) = memory.find(keys[0]) else {
            Issue.record("it is answered while a change is under way")
            return
        }
        memory.end(change)
        #expect(known() == [false, true, true])
        guard case .unknown(let ticket?) = memory.find(keys[0]) else { throw Problem.unknown(.file, "ticket") }
        memory.begin(change)
        memory.end(change)
        memory.keep(document, as: keys[0], since: ticket)
        #expect(known() == [false, true, true], "it was made before the change")
        #expect(FileMemory.DocumentKey(repository: Self.repository, .packages, "v") == nil)
    }

    @Test("A change of everything forgets everything, and so does one that fails")
    func wholeChange() async throws {
        struct Failure: Error {}
        let memory = FileMemory()
        let key = try Self.key()
        try Self.remember(Self.file(1), as: key, in: memory)
        await #expect(throws: Failure.self) {
            try await memory.changing(.everything) { () async throws -> Void in
                #expect(memory.find(key).file == nil)
                throw Failure()
            }
        }
        #expect(memory.find(key).file == nil)
        try Self.remember(Self.file(2), as: key, in: memory)
        #expect(memory.find(key).file?.size == ByteCount(2))
    }

    @Test("What was read before a change is not kept after it, nor while it is under way")
    func lateKeeping() throws {
        let memory = FileMemory()
        let key = try Self.key()
        let scope = FileMemory.Scope.package(Self.repository, key.package)
        let ticket = try #require(memory.find(key).ticket)
        memory.begin(scope)
        memory.keep(try Self.file(1), as: key, since: ticket)
        memory.end(scope)
        memory.keep(try Self.file(1), as: key, since: ticket)
        #expect(memory.find(key).file == nil)
    }

    @Test("A change that widens itself touches everything, once")
    func widening() async throws {
        let memory = FileMemory()
        let key = try Self.key()
        try Self.remember(Self.file(1), as: key, in: memory)
        let driver = RememberedDriver(base: NoDatabase(), memory: memory)
        let other = FileMemory.Scope.package(Self.repository, try #require(PackageName("other")))
        try await driver.write(touching: other) { _, _ in #expect(memory.find(key).file != nil) }
        try await driver.write(touching: other) { _, scope in
            scope.widen()
            scope.widen()
            #expect(memory.find(key).ticket == nil)
        }
        #expect(memory.find(key).file == nil && memory.find(key).ticket != nil)
    }

    @Test("Readers beside writers never see less than what was acknowledged")
    func linearizable() async throws {
        let race = Race(key: try Self.key())
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await race.write() }
            for _ in 0..<3 { group.addTask { await race.read { try? Self.file($0) } } }
        }
        #expect(race.hits.withLock { $0 } >= 100)
    }

    @Test("A map of recent things is bounded, and keeps what is used")
    func recent() {
        var map = RecentMap<Int, Int>(capacity: 20)
        for number in 0..<100 {
            map.insert(number, for: number)
            _ = map.find(0)
        }
        #expect(map.find(0) == 0 && map.find(99) == 99 && map.find(50) == nil)
        #expect((0..<100).count { map.find($0) != nil } <= 20)
        map.remove(99)
        #expect(map.find(99) == nil)
        var weighed = RecentMap<Int, Int>(capacity: 100) { $0 }
        for number in 0..<10 { weighed.insert(30, for: number) }
        #expect((0..<10).count { weighed.find($0) != nil } <= 3)
    }
}

/// One who writes numbers, and readers who must never see one that was replaced before they asked.
private final class Race: Sendable {
    private static let rounds = 2000

    let hits = Mutex(0)
    private let memory = FileMemory()
    private let key: FileMemory.Key
    private let stored = Mutex(0)
    private let acknowledged = Mutex(0)

    init(key: FileMemory.Key) { self.key = key }

    func write() async {
        for number in 1...Self.rounds {
            await memory.changing(.package(key.repository, key.package)) {
                stored.withLock { $0 = number }
                await Task.yield()
            }
            acknowledged.withLock { $0 = number }
            // Now and then there is time to remember something.
            let before = hits.withLock { $0 }
            while number % 20 == 10, hits.withLock({ $0 }) == before { await Task.yield() }
        }
    }

    func read(_ file: @Sendable (Int) -> StoredFile?) async {
        var last = 0
        while last < Self.rounds {
            let least = max(last, acknowledged.withLock { $0 })
            let found = memory.find(key)
            let seen = found.file.map { Int($0.size.bytes) } ?? stored.withLock { $0 }
            if found.file != nil { hits.withLock { $0 += 1 } }
            await Task.yield()
            if let ticket = found.ticket, let file = file(seen) { memory.keep(file, as: key, since: ticket) }
            #expect(seen >= least)
            last = seen
        }
    }
}

/// A driver whose transactions do nothing but run.
private struct NoDatabase: SQLDriver, SQLConnection {
    let identityColumn = ""

    func read<Value: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> Value) async throws -> Value {
        try body(self)
    }

    func write<Value: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> Value) async throws -> Value {
        try body(self)
    }

    func damage() async throws -> [String] { [] }
    func copy(to path: String) async throws {}

    func query(_ sql: String, _ arguments: [SQLValue]) throws -> [SQLRow] { [] }
    func execute(_ sql: String, _ arguments: [SQLValue]) throws -> Int { 0 }
}

extension FileMemory.Recollection<StoredFile> {
    fileprivate var file: StoredFile? {
        if case .known(let file) = self { file } else { nil }
    }

    fileprivate var ticket: FileMemory.Ticket? {
        if case .unknown(let ticket) = self { ticket } else { nil }
    }
}
