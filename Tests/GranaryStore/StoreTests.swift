import GranaryModel
import GranaryPorts
import GranarySQLite
import GranaryStore
import GranaryTestKit
import Testing

/// A migrated database in a folder of its own.
func withDatabase(_ body: (SQLiteDriver) async throws -> Void) async throws {
    let folder = try TemporaryDirectory()
    defer { folder.remove() }
    let driver = try SQLiteDriver(path: "\(folder.path)/test.db")
    try await Migrator(driver: driver).migrate()
    try await body(driver)
}

@Suite("Migrations of the schema")
struct MigratorTests {
    @Test("Migrating twice changes nothing")
    func twice() async throws {
        try await withDatabase { driver in
            try await Migrator(driver: driver).migrate()
            let count = try await driver.read { try $0.first("select count(*) from migration", [])?.integer(0) }
            #expect(count == Int64(Migration.all.count))
        }
    }

    @Test("A database of a newer server is refused")
    func newer() async throws {
        try await withDatabase { driver in
            try await driver.write {
                try $0.execute("insert into migration (number, name) values (9999, 'from the future')", [])
            }
            await #expect(throws: StoreError.newerSchema) { try await Migrator(driver: driver).migrate() }
        }
    }
}

@Suite("Directories")
struct DirectoryTests {
    private static let files = ["top", "a/x", "a-b/x", "a/b/deep/x", "a.c/x", "b/x", "b/y", "z/only/here/x"]

    private func withTree(
        adding more: [String] = [], _ body: @escaping @Sendable (ContentRows, RepositoryID) throws -> Void
    ) async throws {
        try await withDatabase { driver in
            let name = try #require(RepositoryName("files"))
            let format = try #require(FormatName("generic"))
            try await driver.write { connection in
                let at = Timestamp(milliseconds: 1)
                try RepositoryRows(connection).insert(
                    name, format: format, kind: .local, settings: RepositorySettings(), at: at,
                    from: SequenceNumber(1))
                let repository = try #require(try RepositoryRows(connection).all().first).id
                for file in Self.files + more { try Self.insert(file, in: repository, connection) }
            }
            try await driver.read { connection in
                let repository = try #require(try RepositoryRows(connection).all().first).id
                try body(ContentRows(connection), repository)
            }
        }
    }

    private static func insert(_ file: String, in repository: RepositoryID, _ connection: any SQLConnection) throws {
        let slash = file.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = try #require(PackageName(slash.map { String(file[..<$0]) } ?? "/"))
        let path = try #require(FilePath(slash.map { String(file[file.utf8.index(after: $0)...]) } ?? file))
        let blob = BlobDigest(bytes: Array(repeating: 1, count: 32))
        let content = ContentRows(connection)
        try BlobRows(connection).note(Checksums(sha256: blob), size: ByteCount(1), at: Timestamp(milliseconds: 1))
        try content.insertFile(
            path, of: try content.ensurePackage(folder, in: repository), version: nil, blob: blob, size: ByteCount(1),
            mediaType: .octetStream, at: Timestamp(milliseconds: 1), from: SequenceNumber(2))
    }

    @Test("Folders come in bytewise order of their names with a slash, each once, page by page")
    func folders() async throws {
        try await withTree { content, repository in
            var found: [String] = []
            var after: String?
            while let next = try content.folders(
                in: "/", of: repository, after: after, limit: 1, isIncluded: { _ in true }
            ).first {
                found.append(next.name)
                after = next.name + "/"
            }
            #expect(found == ["a-b", "a.c", "a", "b", "z"])
        }
    }

    @Test("A folder whose name begins with a combining character is listed once")
    func combining() async throws {
        try await withTree(adding: ["c/\u{301}b/x", "c/d/x"]) { content, repository in
            let folders = try content.folders(in: "c", of: repository, after: nil, limit: 10) { _ in true }
            #expect(folders.map(\.name) == ["d", "\u{301}b"])
            let tree = try content.tree(below: "c", of: repository, after: "c/d/x", limit: 1) { _ in true }
            #expect(tree.map(\.name) == ["c/\u{301}b/x"])
        }
    }

    @Test("A directory shows its own files and the next folders only")
    func directory() async throws {
        try await withTree { content, repository in
            let files = try content.files(in: "a", of: repository, after: nil, limit: 10).map(\.name)
            let folders = try content.folders(in: "a", of: repository, after: nil, limit: 10) { _ in true }
            #expect(files == ["x"])
            #expect(folders.map(\.name) == ["b"])
        }
    }

    @Test("A tree has every file below it, whatever the size of the page", arguments: [1, 2, 3, 100])
    func tree(pageSize: Int) async throws {
        try await withTree { content, repository in
            var found: [String] = []
            while true {
                let page = try content.tree(
                    below: "/", of: repository, after: found.last, limit: pageSize, isIncluded: { _ in true })
                found += page.map(\.name)
                if page.count < pageSize { break }
            }
            #expect(found.sorted() == Self.files.sorted())
            #expect(Set(found).count == found.count)
            let below = try content.tree(below: "a", of: repository, after: nil, limit: 100, isIncluded: { _ in true })
            #expect(below.map(\.name).sorted() == ["a/b/deep/x", "a/x"])
        }
    }
}
