import Crypto
import Foundation
import Testing

private let folder = "Sources/GranaryStore/Migrations"
private let record = "Tests/Tidy/migrations.sha256"

/// Compares the migrations with the hashes recorded of them. Both map a path to a SHA-256 in hexadecimal.
private func changedMigrations(recorded: [String: String], present: [String: String]) -> [Finding] {
    let removed = recorded.keys.filter { present[$0] == nil }.map {
        Finding($0, 0, "a migration that some database has run must stay")
    }
    let others = present.compactMap { path, hash -> Finding? in
        guard let known = recorded[path] else { return Finding(path, 0, "add to \(record): \(hash)  \(path)") }
        return known == hash ? nil : Finding(path, 0, "a migration that some database has run must not change: add one")
    }
    return (removed + others).sorted { $0.path < $1.path }
}

/// Lines as `sha256sum` writes them.
private func parseRecord(_ text: String) -> [String: String] {
    let pairs = text.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 1).map(String.init) }
    return Dictionary(
        pairs.compactMap { $0.count == 2 ? ($0[1].trimmingCharacters(in: .whitespaces), $0[0]) : nil },
        uniquingKeysWith: { first, _ in first })
}

/// `0001-Name.swift` is a migration; a file without a number only collects them.
private func isMigration(_ name: String) -> Bool { name.first?.isNumber == true }

@Suite("Migrations")
struct MigrationTests {
    @Test("Migrations are added, never changed")
    func appendOnly() throws {
        let tree = SourceTree.repository
        var present: [String: String] = [:]
        for path in tree.files(in: folder).filter(isMigration).map({ "\(folder)/\($0)" }) {
            present[path] = SHA256.hash(data: try tree.bytes(of: path)).map { String(format: "%02x", $0) }.joined()
        }
        let recorded = tree.exists(record) ? parseRecord(try tree.text(of: record)) : [:]
        expectNone(changedMigrations(recorded: recorded, present: present))
    }

    @Test("A changed, a removed and an unrecorded migration are found")
    func found() {
        let recorded = parseRecord("aa  0001-A.swift\nbb  0002-B.swift\ncc  0003-C.swift\n")
        let present = ["0001-A.swift": "aa", "0002-B.swift": "b0", "0004-D.swift": "dd"]
        let found = changedMigrations(recorded: recorded, present: present)
        #expect(found.map(\.path) == ["0002-B.swift", "0003-C.swift", "0004-D.swift"])
    }
}
