import FoundationEssentials
import GranaryBlobsFilesystem
import GranaryModel
import GranaryPorts
import GranarySQLite
import GranaryStore
import GranaryTestKit
import NIOPosix
import Testing

@testable import GranaryCore

/// A store, and folders for its backups and what is restored from them.
private struct Vault: Sendable {
    let bench: Workbench
    let folder: TemporaryDirectory

    static func run(_ body: (Vault) async throws -> Void) async throws {
        try await Workbench.run { bench in
            let folder = try TemporaryDirectory()
            defer { folder.remove() }
            try await body(Vault(bench: bench, folder: folder))
        }
    }

    var path: String { "\(folder.path)/backup" }

    func target() throws -> BackupFolder {
        BackupFolder(
            path: path, files: POSIXFileSystem(), blobs: try FilesystemBlobStore(root: path, pool: .singleton))
    }

    func backUp(keeping: Int? = nil) async throws -> BackupReport {
        bench.clock.advance(by: .seconds(1))
        let services = bench.services
        return try await Backup(
            of: services.driver, services.blobs, tokenKey: "\(bench.folder.path)/key", into: try target(),
            now: services.now, databases: SQLiteFileOpener()
        ).run(keeping: keeping)
    }

    /// Restores into a new folder and answers a bench on it.
    func restore(_ name: String? = nil, into restored: String = "restored") async throws -> (BackupReport, Workbench) {
        let path = "\(folder.path)/\(restored)"
        let store = try FilesystemBlobStore(root: path, pool: .singleton)
        let report = try await Restore(from: try target(), databases: SQLiteFileOpener()).run(name, into: path, store)
        return (report, try await Workbench(in: TemporaryDirectory(path)))
    }
}

@Suite("Backup and restore")
struct BackupTests {
    @Test("What is restored is what was backed up, and passes the check")
    func roundTrip() async throws {
        try await Vault.run { vault in
            try Data("secret".utf8).write(to: URL(filePath: "\(vault.bench.folder.path)/key"))
            try await vault.bench.push("layer")
            try await vault.bench.publish(version: "one", needing: ["layer"])
            let report = try await vault.backUp()
            #expect(report.blobs == 2 && report.copiedBlobs == 2 && report.damaged == [])
            try await vault.bench.push("later")

            let (restored, bench) = try await vault.restore()
            #expect(restored.copiedBlobs == 2)
            let check = try await Check(services: bench.services).run()
            #expect(check.problems == 0 && check.checkedBlobs == 2)
            #expect(try await bench.stores("layer"))
            #expect(try await bench.stores("later") == false)
            #expect(
                FileManager.default.contents(atPath: "\(bench.folder.path)/secrets/token-key") == Data("secret".utf8))
        }
    }

    @Test("A second backup copies only what is new")
    func incremental() async throws {
        try await Vault.run { vault in
            for text in ["a", "b", "c"] { try await vault.bench.push(text) }
            #expect(try await vault.backUp().copiedBlobs == 3)
            try await vault.bench.push("d")
            let second = try await vault.backUp()
            #expect(second.blobs == 4 && second.copiedBlobs == 1 && second.copiedBytes == 1)
            #expect(try vault.target().list().map(\.blobs) == [3, 4])
        }
    }

    @Test("An older backup is restored by its name")
    func older() async throws {
        try await Vault.run { vault in
            try await vault.bench.push("old")
            let first = try await vault.backUp()
            try await vault.bench.push("new")
            _ = try await vault.backUp()
            #expect(try await vault.restore(first.name, into: "first").1.stores("new") == false)
            #expect(try await vault.restore(into: "newest").1.stores("new"))
            await #expect(throws: BackupFailure.self) { _ = try await vault.restore("never", into: "never") }
            await #expect(throws: BackupFailure.self) { _ = try await vault.restore(into: "newest") }
        }
    }

    @Test("Keeping some forgets the rest, and the blobs that only those named")
    func forgetting() async throws {
        try await Vault.run { vault in
            try await vault.bench.push("shared")
            try await vault.bench.publish(version: "one", needing: ["shared"])
            _ = try await vault.backUp()
            try await vault.bench.publish(version: "two", needing: ["shared"])
            try await vault.bench.retract(version: "one")
            _ = try await vault.backUp()
            let report = try await vault.backUp(keeping: 2)
            #expect(report.forgotten == 1)
            let store = try vault.target().blobs
            #expect(try await store.open(Workbench.digest("manifest one")) == nil)
            #expect(try await store.open(Workbench.digest("shared")) != nil)
            let (_, bench) = try await vault.restore()
            #expect(try await Check(services: bench.services).run().problems == 0)
        }
    }

    @Test("What is damaged at its source is named and not copied")
    func damagedSource() async throws {
        try await Vault.run { vault in
            try await vault.bench.push("layer")
            let hex = Workbench.digest("layer").hex
            let file = URL(filePath: "\(vault.bench.folder.path)/blobs/sha256/\(hex.prefix(2))/\(hex)")
            try Data("LAYER".utf8).write(to: file)
            let report = try await vault.backUp()
            #expect(report.damaged == ["sha256:\(hex)"])
            #expect(try await vault.target().blobs.open(Workbench.digest("layer")) == nil)
        }
    }

    @Test("A backup that was written over is refused")
    func changedDatabase() async throws {
        try await Vault.run { vault in
            try await vault.bench.push("layer")
            let report = try await vault.backUp()
            try Data("nothing".utf8).write(to: URL(filePath: try vault.target().database(report.name)))
            await #expect(throws: BackupFailure.self) { _ = try await vault.restore() }
        }
    }

    @Test("Pushes, removals and sweeps during backups leave each backup whole")
    func busy() async throws {
        try await Vault.run { vault in
            let bench = vault.bench
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for number in 0..<60 {
                        try await bench.push("layer \(number)")
                        try await bench.publish(version: "v\(number)", needing: ["layer \(number)"])
                        if number > 3 { try await bench.retract(version: "v\(number - 3)") }
                    }
                }
                group.addTask { for _ in 0..<30 { _ = try await bench.sweep() } }
                group.addTask {
                    for _ in 0..<4 {
                        let report = try await vault.backUp()
                        #expect(report.damaged == [])
                    }
                }
                try await group.waitForAll()
            }
            for backup in try vault.target().list() {
                let (_, restored) = try await vault.restore(backup.name, into: "restored-\(backup.name)")
                #expect(try await Check(services: restored.services).run().findings == [])
            }
        }
    }
}
