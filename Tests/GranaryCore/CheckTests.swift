import FoundationEssentials
import GranaryFormat
import GranaryModel
import GranaryPorts
import GranaryStore
import GranaryTestKit
import Testing

@testable import GranaryCore

extension Workbench {
    /// Where the bytes of a text lie.
    fileprivate func path(_ text: String) -> String {
        let hex = Self.digest(text).hex
        return "\(folder.path)/blobs/sha256/\(hex.prefix(2))/\(hex)"
    }

    fileprivate func overwrite(_ text: String, with bytes: String) throws {
        try Data(bytes.utf8).write(to: URL(filePath: path(text)))
    }

    /// Whether a pushed text can be looked up, as a client's HEAD does.
    fileprivate func finds(_ text: String) async throws -> Bool {
        let reference = FileReference.path(try #require(FilePath("blobs/\(Self.digest(text))")))
        let package = try #require(PackageName("app"))
        let lookup = try await services.driver.read { [repository] in
            try ContentRows($0).file(reference, of: package, in: repository.id)
        }
        if case .found = lookup { return true }
        return false
    }

    fileprivate func check() async throws -> CheckReport { try await Check(services: services).run() }

    fileprivate func verbs() async throws -> [Verb] {
        try await services.driver.read { try EventRows($0).page(since: .start).map(\.verb) }
    }
}

@Suite("The check")
struct CheckTests {
    @Test("What is whole is counted, and nothing is found")
    func whole() async throws {
        try await Workbench.run { bench in
            try await bench.push("layer")
            try await bench.publish(version: "one", needing: ["layer"])
            _ = try await bench.stage("orphan")
            let report = try await bench.check()
            #expect(report.problems == 0)
            #expect(report.checkedBlobs == 3)
            #expect(report.checkedBytes == Int64("layermanifest oneorphan".utf8.count))
        }
    }

    @Test("Damaged bytes are named with all they affect, set aside, never found again, and healed by the same push")
    func damaged() async throws {
        try await Workbench.run { bench in
            try await bench.push("layer")
            try await bench.publish(version: "one", needing: ["layer"])
            try await bench.push("layer", to: "other")
            try bench.overwrite("layer", with: "LAYER")

            let report = try await bench.check()
            let finding = try #require(report.findings.first)
            #expect(report.problems == 1)
            #expect(finding.kind == .damaged)
            #expect(finding.blob == Workbench.digest("layer").description)
            #expect(finding.affects.map(\.package) == ["app", "other"])
            #expect(try await bench.stores("layer") == false)
            #expect(try await bench.finds("layer") == false)
            let aside = "\(bench.folder.path)/quarantine/\(Workbench.digest("layer").hex)"
            #expect(FileManager.default.contents(atPath: aside) == Data("LAYER".utf8))
            // Until it is healed it is missing.
            #expect(try await bench.check().findings.map(\.kind) == [.missing])
            // Nor is it enough for a new version.
            await #expect(throws: Problem.self) { try await bench.publish(version: "two", needing: ["layer"]) }

            try await bench.push("layer")
            #expect(try await bench.finds("layer"))
            #expect(try await bench.stores("layer"))
            #expect(try await bench.check().problems == 0)
            #expect(
                try await bench.verbs().filter { $0 == .blobDamaged || $0 == .blobHealed } == [
                    .blobDamaged, .blobHealed
                ])
        }
    }

    @Test("Bytes cut short are damaged, and so is what rows name and nobody has")
    func missing() async throws {
        try await Workbench.run { bench in
            try await bench.push("short")
            try await bench.push("gone")
            try bench.overwrite("short", with: "sho")
            try FileManager.default.removeItem(atPath: bench.path("gone"))
            let report = try await bench.check()
            #expect(report.findings.map(\.kind).sorted { $0.rawValue < $1.rawValue } == [.damaged, .missing])
            #expect(try await bench.finds("short") == false)
            #expect(try await bench.finds("gone") == false)
            try await bench.push("short")
            try await bench.push("gone")
            #expect(try await bench.check().problems == 0)
        }
    }

    @Test("A row that says another size than the bytes have is named")
    func size() async throws {
        try await Workbench.run { bench in
            try await bench.push("layer")
            try await bench.services.driver.write { try $0.execute("update file set size = 99", []) }
            let report = try await bench.check()
            #expect(report.findings.map(\.kind) == [.size])
            #expect(try await bench.finds("layer"))
        }
    }

    @Test("Damaged bytes that nothing names are set aside")
    func damagedOrphan() async throws {
        try await Workbench.run { bench in
            _ = try await bench.stage("orphan")
            try bench.overwrite("orphan", with: "other")
            let report = try await bench.check()
            #expect(report.findings.map(\.kind) == [.damaged])
            #expect(report.findings.first?.affects == [])
            #expect(try await bench.check().problems == 0)
        }
    }

    @Test("A version that needs a file its package does not hold is named")
    func incomplete() async throws {
        try await Workbench.run { bench in
            try await bench.push("layer")
            try await bench.publish(version: "one", needing: ["layer"])
            try await bench.services.driver.write {
                try $0.execute("update file set valid_until = 99 where version_id is null", [])
            }
            let report = try await bench.check()
            #expect(report.findings.map(\.kind) == [.incomplete])
            #expect(report.findings.first?.affects.first?.version == "one")
        }
    }

    @Test("A reading that is cut short because the check was cancelled is no damage")
    func cancelled() async throws {
        try await Workbench.run { bench in
            let text = String(repeating: "0123456789abcdef", count: 1 << 17)
            try await bench.push(text)
            let services = bench.services
            let inspection = BlobInspection(services: services) { _ in
                // After the first of two pieces, so that the second is not read.
                withUnsafeCurrentTask { $0?.cancel() }
            }
            let task = Task { try await inspection.verdict(on: Workbench.digest(text)) }
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await bench.stores(text))
            #expect(try await bench.finds(text))
            #expect(try await bench.check().problems == 0)
        }
    }
}

@Suite("The scrub")
struct ScrubTests {
    @Test("A round finds damage, and goes on where it stopped")
    func round() async throws {
        try await Workbench.run { bench in
            for number in 0..<20 { try await bench.push("blob \(number)") }
            try bench.overwrite("blob 7", with: "BLOB 7")
            let scrub = Scrub(services: bench.services, bytesPerSecond: 100 << 20)
            let digest = Workbench.digest("blob 7")
            // From behind the damage there is nothing to find; a round ends at the beginning.
            try await bench.services.driver.write {
                try ScrubRows($0).setPosition(BlobDigest(hex: String(repeating: "f", count: 64)))
            }
            try await scrub.round()
            #expect(try await bench.services.blobs.open(digest) != nil)
            try await scrub.round()
            #expect(try await bench.services.blobs.open(digest) == nil)
            #expect(try await bench.finds("blob 7") == false)
        }
    }

    @Test("Its position is just before what it looked at last")
    func position() async throws {
        try await Workbench.run { bench in
            for text in ["a", "b", "c"] {
                let digest = Workbench.digest(text)
                try await bench.services.driver.write { try ScrubRows($0).setPosition(digest) }
                let position = try #require(try await bench.services.driver.read { try ScrubRows($0).position() })
                #expect(position.hex <= digest.hex)
                #expect(position.hex.prefix(14) == digest.hex.prefix(14))
            }
        }
    }
}
