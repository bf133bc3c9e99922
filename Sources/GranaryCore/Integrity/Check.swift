import GranaryModel
import GranaryPorts
import GranaryStore

/// Compares all that is stored with all that is known, while the server serves: every blob's bytes with its name, every row
/// with the bytes it names, every version with the files it needs, and the database with itself.
package struct Check: Sendable {
    private static let page = 500

    private let services: Services

    package init(services: Services) { self.services = services }

    /// `tell` hears how far it is. Damaged blobs are set aside as they are found.
    package func run(tell: @Sendable (CheckReport) async -> Void = { _ in }) async throws -> CheckReport {
        var report = CheckReport()
        for sentence in try await services.driver.damage() {
            report.add(.init(kind: .database, detail: sentence, blob: nil, affects: []))
        }
        var cursor: BlobDigest?
        while true {
            let stored = try await services.blobs.list(after: cursor, limit: Self.page)
            let said = try await checkRows(after: cursor, through: stored.last?.digest, against: stored, &report)
            for blob in stored {
                try await check(blob, said[blob.digest], &report)
                await tell(report)
            }
            guard let last = stored.last else { break }
            cursor = last.digest
        }
        try await checkVersions(&report)
        return report
    }

    /// `said` is the size that rows give, where they give another one than the store.
    private func check(_ blob: StoredBlob, _ said: Int64?, _ report: inout CheckReport) async throws {
        let inspection = BlobInspection(services: services)
        switch try await inspection.verdict(on: blob.digest) {
        case .damaged:
            if let finding = try await inspection.condemn(blob.digest) { note(finding, &report) }
        case .intact:
            if let said { report.add(try await wrongSize(blob, said)) }
        case .missing:
            // Removed since it was listed.
            break
        }
        report.checkedBlobs += 1
        report.checkedBytes += blob.size
        services.upkeep.check.noteVerified(bytes: blob.size)
    }

    private func note(_ finding: CheckReport.Finding, _ report: inout CheckReport) {
        report.add(finding)
        services.upkeep.check.noteDamaged()
    }

    /// Looks for what rows within a stretch of digests name and nobody has; answers where their sizes are others than the
    /// store's.
    private func checkRows(
        after: BlobDigest?, through: BlobDigest?, against stored: [StoredBlob], _ report: inout CheckReport
    ) async throws -> [BlobDigest: Int64] {
        var differing: [BlobDigest: Int64] = [:]
        let sizes = Dictionary(stored.map { ($0.digest, $0.size) }, uniquingKeysWith: { first, _ in first })
        var cursor = after
        while true {
            let start = cursor
            let named = try await services.driver.read {
                try IntegrityRows($0).named(after: start, through: through, limit: Self.page)
            }
            for blob in named {
                if let size = sizes[blob.digest] {
                    if size != blob.size { differing[blob.digest] = blob.size }
                } else if let finding = try await BlobInspection(services: services).condemn(blob.digest) {
                    // It was not there when the store was listed; what was stored since is intact.
                    note(finding, &report)
                }
            }
            guard named.count == Self.page, let last = named.last else { return differing }
            cursor = last.digest
        }
    }

    private func wrongSize(_ blob: StoredBlob, _ said: Int64) async throws -> CheckReport.Finding {
        let uses = try await services.driver.read {
            try IntegrityRows($0).uses(of: blob.digest, limit: CheckReport.maximumUses)
        }
        return CheckReport.Finding(
            kind: .size, detail: "\(blob.digest) has \(blob.size) bytes, and rows say \(said)",
            blob: blob.digest.description, affects: uses.map(CheckReport.Use.init))
    }

    private func checkVersions(_ report: inout CheckReport) async throws {
        var cursor: Int64 = 0
        while true {
            let start = cursor
            let found = try await services.driver.read {
                try IntegrityRows($0).incomplete(after: start, limit: Self.page)
            }
            for version in found {
                report.add(
                    .init(
                        kind: .incomplete,
                        detail: "\(version.version) in \(version.package) needs \(version.target), which is not held",
                        blob: nil, affects: [.init(version)]))
            }
            guard let last = found.last else { return }
            cursor = last.edge
        }
    }
}
