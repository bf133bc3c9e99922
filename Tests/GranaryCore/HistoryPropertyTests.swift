import GranaryFormat
import GranaryModel
import GranaryPorts
import GranarySQLite
import GranaryStore
import GranaryTestKit
import Testing

@testable import GranaryCore

/// A database with one repository, on which publications and removals run as the core runs them.
private struct History {
    let driver: SQLiteDriver
    let repository: Repository

    init(in folder: TemporaryDirectory) async throws {
        driver = try SQLiteDriver(path: "\(folder.path)/test.db")
        try await Migrator(driver: driver).migrate()
        let name = try #require(RepositoryName("docker"))
        let format = try #require(FormatName("oci"))
        try await driver.write { connection in
            try RepositoryRows(connection).insert(
                name, format: format, kind: .local, settings: RepositorySettings(), at: Timestamp(milliseconds: 0),
                from: SequenceNumber(0))
        }
        repository = try #require(try await driver.read { try RepositoryRows($0).all() }.first)
    }

    private var change: Change { Change(actor: "ann", time: Timestamp(milliseconds: 1)) }

    func publish(_ draft: Draft) async throws -> Receipt {
        let publication = Publication(draft: draft, repository: repository, change: change)
        let scope = WidenedScope(memory: FileMemory())
        return try await driver.write { try publication.run(on: $0, touching: scope) }
    }

    func retract(_ retraction: Retraction) async throws -> Receipt {
        let removal = Removal(
            retraction: retraction, condition: .none, repository: repository, change: change, mayRemove: { _ in nil })
        return try await driver.write { try removal.run(on: $0) }
    }
}

@Suite("The history")
struct HistoryPropertyTests {
    private static let package = PackageName("app")
    private static let tags = ["v1", "v2", "latest"].compactMap(TagName.init)
    private static let versions = (0..<5).compactMap { VersionName("version-\($0)") }

    private static func draft(_ version: Int, tagged tags: [TagName], content: UInt8) throws -> Draft {
        let name = versions[version]
        var draft = Draft(package: try #require(package))
        draft.version = .init(name: name, mediaType: .json)
        let blob = StagedBlob(
            checksums: Checksums(sha256: BlobDigest(bytes: Array(repeating: content, count: 32))), size: ByteCount(1),
            lease: BlobLease {})
        draft.files = [.init(path: try #require(FilePath(name.text)), blob: blob, mediaType: .json)]
        draft.tags = tags
        return draft
    }

    /// Runs random changes and answers where each tag pointed after each of them.
    private func run(_ steps: Int, seed: UInt64, on history: History) async throws -> [Int64: [String: String]] {
        var generator = Generator(seed: seed)
        var pointing: [String: String] = [:]
        var states: [Int64: [String: String]] = [:]
        let package = try #require(Self.package)
        for _ in 0..<steps {
            let tag = try #require(Self.tags.randomElement(using: &generator))
            let version = Int.random(in: 0..<Self.versions.count, using: &generator)
            let name = Self.versions[version]
            let receipt: Receipt?
            switch Int.random(in: 0..<6, using: &generator) {
            case 0:
                receipt = try? await history.retract(.tag(package, tag))
                if receipt != nil { pointing[tag.text] = nil }
            case 1:
                receipt = try? await history.retract(.version(package, name))
                if receipt != nil { pointing = pointing.filter { $0.value != name.text } }
            default:
                let content = UInt8(version) * 16 + UInt8.random(in: 0..<2, using: &generator)
                receipt = try await history.publish(try Self.draft(version, tagged: [tag], content: content))
                pointing[tag.text] = name.text
            }
            if let sequence = receipt?.sequence { states[sequence.value] = pointing }
        }
        return states
    }

    @Test("Rows tell for every position of the history where every tag pointed", arguments: [1, 2, 3] as [UInt64])
    func asOf(seed: UInt64) async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let history = try await History(in: folder)
        let states = try await run(150, seed: seed, on: history)
        #expect(states.count > 50)
        for (sequence, expected) in states {
            let found = try await history.driver.read { connection in
                try connection.query(
                    """
                    select t.name, v.name from tag t join version v on v.id = t.version_id
                    where t.valid_from <= $1 and (t.valid_until is null or t.valid_until > $1)
                    """, [.integer(sequence)]
                ).map { ($0.text(0), $0.text(1)) }
            }
            #expect(Dictionary(found, uniquingKeysWith: { first, _ in first }) == expected)
            #expect(found.count == expected.count)
        }
    }

    @Test("Every change has one event, positions have no gaps, and every interval begins and ends at one")
    func events() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let history = try await History(in: folder)
        let states = try await run(150, seed: 9, on: history)
        let events = try await history.driver.read { try EventRows($0).page(since: .start) }
        #expect(events.map(\.sequence.value) == Array(1...Int64(events.count)))
        #expect(Set(events.map(\.sequence.value)) == Set(states.keys))
        for table in ["version", "file", "tag"] {
            let loose = try await history.driver.read { connection in
                try connection.query(
                    """
                    select id from \(table) where valid_from not in (select sequence from event)
                      or (valid_until is not null and valid_until not in (select sequence from event))
                      or valid_until <= valid_from
                    """, [])
            }
            #expect(loose.isEmpty)
        }
    }

    @Test("Publishing the same again changes nothing and writes no event")
    func unchanged() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let history = try await History(in: folder)
        let draft = try Self.draft(0, tagged: [Self.tags[0]], content: 1)
        #expect(try await history.publish(draft).change == .created)
        #expect(try await history.publish(draft) == Receipt(.unchanged, nil))
        let events = try await history.driver.read { try EventRows($0).page(since: .start) }
        #expect(events.count == 1)
    }

    @Test("A version that gets other bytes keeps its other files")
    func otherFiles() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let history = try await History(in: folder)
        let package = try #require(Self.package)
        var draft = try Self.draft(0, tagged: [Self.tags[0]], content: 1)
        let notes = Draft.File(
            path: try #require(FilePath("notes")), blob: draft.files[0].blob, mediaType: .octetStream)
        draft.files.append(notes)
        _ = try await history.publish(draft)
        #expect(try await history.publish(try Self.draft(0, tagged: [], content: 2)).change == .replaced)
        let found = try await history.driver.read { [history] in
            try ContentRows($0).file(.path(notes.path), of: package, in: history.repository.id)
        }
        guard case .found(let file) = found else {
            Issue.record("the other file is gone")
            return
        }
        #expect(file.version == Self.versions[0])
    }

    @Test("A repository that ended during a request takes nothing more")
    func ended() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let history = try await History(in: folder)
        try await history.driver.write { [history] in
            try RepositoryRows($0).end(history.repository.id, at: SequenceNumber(1))
        }
        await #expect(throws: Problem.self) {
            try await history.publish(try Self.draft(0, tagged: Self.tags, content: 1))
        }
    }

    @Test("A draft whose needs are not met leaves no trace")
    func needs() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let history = try await History(in: folder)
        var draft = try Self.draft(0, tagged: Self.tags, content: 1)
        draft.needs = [.init(anyOf: ["blobs/absent"], isMember: false)]
        await #expect(throws: Problem.missing(["blobs/absent"])) { try await history.publish(draft) }
        let rows = try await history.driver.read { connection in
            try ["package", "version", "file", "tag", "event"].map { table in
                try connection.first("select count(*) from \(table)", [])?.integer(0)
            }
        }
        #expect(rows.allSatisfy { $0 == 0 })
    }
}
