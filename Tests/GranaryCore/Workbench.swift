import Crypto
import FoundationEssentials
import GranaryBlobsFilesystem
import GranaryFormat
import GranaryModel
import GranaryPorts
import GranarySQLite
import GranaryStore
import GranaryTestKit
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import GranaryCore

/// The stores of a server without its HTTP, with one repository that takes everything.
struct Workbench: Sendable {
    let services: Services
    let clock = ManualClock()
    let repository: Repository
    let folder: TemporaryDirectory

    /// `files` is where blobs are kept; the database is on the real file system in any case.
    init(
        in folder: TemporaryDirectory, files: any FileSystem = POSIXFileSystem(),
        wrapping wrap: (any SQLDriver) -> any SQLDriver = { $0 }
    ) async throws {
        self.folder = folder
        let driver = wrap(try SQLiteDriver(path: "\(folder.path)/granary.db"))
        try await Migrator(driver: driver).migrate()
        services = Services(
            driver: driver, blobs: try FilesystemBlobStore(root: folder.path, pool: .singleton, files: files),
            snapshot: CurrentSnapshot(driver: driver), now: { [clock] in clock.now },
            random: { (0..<$0).map { _ in UInt8.random(in: .min ... .max) } },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, passwordRounds: 10)
        repository = try await driver.write { connection in
            let rows = RepositoryRows(connection)
            if try rows.all().isEmpty {
                try rows.insert(
                    try #require(RepositoryName("images")), format: FormatName(checked: "oci"), kind: .local,
                    settings: RepositorySettings(), at: Timestamp(milliseconds: 1), from: SequenceNumber(1))
            }
            return try #require(try rows.all().first)
        }
        try await services.snapshot.refresh()
    }

    /// Runs `body` on stores in a folder of their own.
    static func run(_ body: (Workbench) async throws -> Void) async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        try await body(try await Workbench(in: folder))
    }

    static func digest(_ text: String) -> BlobDigest { BlobDigest(bytes: SHA256.hash(data: Array(text.utf8))) }

    /// Makes a text durable.
    func stage(_ text: String) async throws -> StagedBlob {
        let id = UploadID(random: services.random(16)).text
        try await services.blobs.begin(id, hashing: [], memo: nil)
        _ = try await services.blobs.append(
            RequestBody(bytes: ByteBuffer(string: text)), to: id, at: 0, limit: .max)
        let blob = try await services.blobs.commit(id, CommitTerms())
        return StagedBlob(
            checksums: Checksums(sha256: blob.digest), size: ByteCount(blob.size), lease: blob.lease)
    }

    /// Stores a text as a file without a version, as a layer is pushed.
    func push(_ text: String, to package: String = "app") async throws {
        try await publish(try await looseDraft(text, package))
    }

    func looseDraft(_ text: String, _ package: String) async throws -> Draft {
        var draft = Draft(package: try #require(PackageName(package)))
        let path = try #require(FilePath("blobs/\(Self.digest(text))"))
        draft.files = [.init(path: path, blob: try await stage(text), mediaType: .octetStream)]
        return draft
    }

    /// Publishes a version that needs some pushed texts.
    func publish(version: String, needing texts: [String], to package: String = "app") async throws {
        let name = try #require(VersionName(version))
        var draft = Draft(package: try #require(PackageName(package)))
        draft.version = .init(name: name, mediaType: .json)
        draft.files = [
            .init(
                path: try #require(FilePath(version)), blob: try await stage("manifest \(version)"), mediaType: .json)
        ]
        draft.edges = texts.map { Edge(.content, "blobs/\(Self.digest($0))") }
        draft.needs = texts.map { .init(anyOf: ["blobs/\(Self.digest($0))"], isMember: false) }
        try await publish(draft)
    }

    func publish(_ draft: Draft) async throws {
        let publication = Publication(
            draft: draft, repository: repository, change: Change(actor: "test", time: clock.now))
        _ = try await services.remembered.write(touching: .everything) { try publication.run(on: $0, touching: $1) }
        withExtendedLifetime(draft) {}
    }

    func retract(version: String, from package: String = "app") async throws {
        let removal = Removal(
            retraction: .version(try #require(PackageName(package)), try #require(VersionName(version))),
            condition: .none, repository: repository, change: Change(actor: "test", time: clock.now),
            mayRemove: { _ in nil })
        _ = try await services.driver.write { try removal.run(on: $0) }
    }

    /// Whether the bytes of a text are stored.
    func stores(_ text: String) async throws -> Bool { try await services.blobs.open(Self.digest(text)) != nil }

    func sweep(grace: Duration = .zero) async throws -> SweepReport {
        try await Sweep(services: services, grace: grace).run()
    }
}
