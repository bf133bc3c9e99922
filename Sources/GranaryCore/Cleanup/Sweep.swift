import GranaryModel
import GranaryPorts
import GranaryStore

/// Gives back the space of bytes that nothing needs, while the server serves (garbage collection).
///
/// 1. Uploaded files that no version needs are taken out of their packages: what a removed version needed, and what was
///    abandoned before any version needed it. What somebody asked for a moment ago stays, unless the grace period is zero.
/// 2. Blobs that no live file names are marked. Whoever names one again clears its mark.
/// 3. Blobs that have been marked for the grace period are removed: the store lets go only what nobody holds, and the row goes
///    first, in a transaction that looks once more whether a file names it.
///
/// Each step works in short transactions, so that writers wait for a few milliseconds at most. Cut short at any point, it
/// leaves nothing wrong: a blob without a row is found and marked by the next sweep.
package struct Sweep: Sendable {
    /// How many rows one transaction touches.
    package static let batch = 200
    /// How many blobs are looked at in one read.
    package static let page = 1000
    /// A blob nothing needs stays as long, unless somebody says otherwise.
    package static let standardGrace = Duration.seconds(24 * 3600)
    /// An uploaded file that no version has needed yet counts as abandoned after as long.
    package static let abandonment = Housekeeping.uploadLifetime

    let services: Services
    let grace: Duration
    let abandonment: Duration

    package init(services: Services, grace: Duration = standardGrace, abandonment: Duration = Self.abandonment) {
        self.services = services
        self.grace = grace
        self.abandonment = abandonment
    }

    /// Does it. `tell` hears how far it is.
    package func run(tell: @Sendable (SweepReport) async -> Void = { _ in }) async throws -> SweepReport {
        let began = services.now()
        var report = SweepReport(isDryRun: false, graceSeconds: grace.components.seconds)
        try await endLooseFiles(&report)
        await tell(report)
        try await forEachUnnamedPage(ended: []) { page in
            let new = page.filter { !$0.isMarked }.map(\.blob)
            let time = services.now()
            for batch in new.batches(of: Self.batch) {
                let count = try await services.driver.write { try CleanupRows($0).mark(batch, at: time) }
                report.markedBlobs += count
                report.markedBytes += batch.reduce(0) { $0 + $1.size }
            }
        }
        await tell(report)
        do {
            try await removeMarked(&report, tell)
        } catch BlobStoreError.busy {
            report.isOnHold = true
        }
        services.upkeep.noteSweep(from: began, to: services.now())
        return report
    }

    /// Says what `run` would do. It reads only, on connections that cannot write.
    package func preview() async throws -> SweepReport {
        var report = SweepReport(isDryRun: true, graceSeconds: grace.components.seconds)
        var ended: Set<Int64> = []
        try await forEachLooseBatch(abandoned) { files in ended.formUnion(files.map(\.id)) }
        report.endedFiles = ended.count
        let limit = services.now().adding(.zero - grace)
        try await forEachUnnamedPage(ended: ended) { page in
            for entry in page {
                // What is marked now is old enough at once where there is no grace.
                let isDue = entry.markedAt.map { $0 <= limit } ?? (grace == .zero)
                if !entry.isMarked {
                    report.markedBlobs += 1
                    report.markedBytes += entry.blob.size
                }
                if isDue {
                    report.removedBlobs += 1
                    report.removedBytes += entry.blob.size
                }
            }
        }
        return report
    }

    // MARK: Files

    private func forEachLooseBatch(
        _ abandoned: Timestamp, _ body: ([LooseFile]) async throws -> Void
    ) async throws {
        var cursor: Int64 = 0
        while true {
            let after = cursor
            let files = try await services.driver.read {
                try CleanupRows($0).looseFiles(after: after, abandoned: abandoned, limit: Self.batch)
            }
            guard let last = files.last else { return }
            try await body(files.filter { !mayBeAskedFor($0) })
            cursor = last.id
        }
    }

    /// Whether somebody may be about to name a file in a version. Without a grace period nobody is waited for.
    private func mayBeAskedFor(_ file: LooseFile) -> Bool {
        grace > .zero && services.recentlyAsked.contains(file.path, in: file.package, of: file.repositoryID)
    }

    private var abandoned: Timestamp { services.now().adding(.zero - abandonment) }

    private func endLooseFiles(_ report: inout SweepReport) async throws {
        let abandoned = abandoned
        try await forEachLooseBatch(abandoned) { files in
            for (_, files) in Dictionary(grouping: files, by: \.packageID).sorted(by: { $0.key.value < $1.key.value }) {
                let time = services.now()
                report.endedFiles += try await services.recentlyAsked.removing {
                    try await services.driver.write { connection in
                        // Asked again inside the transaction: whoever asks later looks again behind it.
                        let still = files.filter { !mayBeAskedFor($0) }
                        return try LooseRemoval(files: still, abandoned: abandoned, time: time).run(on: connection)
                    }
                }
            }
        }
    }

    // MARK: Blobs

    /// A stored blob that no live file names.
    private struct Unnamed: Sendable {
        let blob: StoredBlob
        let markedAt: Timestamp?
        var isMarked: Bool { markedAt != nil }
    }

    private func forEachUnnamedPage(ended: Set<Int64>, _ body: ([Unnamed]) async throws -> Void) async throws {
        var cursor: BlobDigest?
        while true {
            let after = cursor
            let stored = try await services.blobs.list(after: after, limit: Self.page)
            guard let last = stored.last?.digest else { return }
            let (named, marks) = try await services.driver.read { connection in
                let rows = CleanupRows(connection)
                return (
                    try rows.named(after: after, through: last, ended: ended),
                    try rows.marks(after: after, through: last)
                )
            }
            try await body(
                stored.filter { !named.contains($0.digest) }
                    .map { Unnamed(blob: $0, markedAt: marks[$0.digest] ?? nil) })
            cursor = last
        }
    }

    private func removeMarked(
        _ report: inout SweepReport, _ tell: @Sendable (SweepReport) async -> Void
    ) async throws {
        let limit = services.now().adding(.zero - grace)
        var cursor: BlobDigest?
        while true {
            let after = cursor
            let due = try await services.driver.read {
                try CleanupRows($0).marked(until: limit, after: after, limit: Self.batch)
            }
            guard let last = due.last?.digest else { return }
            let gone = try await services.blobs.remove(due.map(\.digest)) { [driver = services.driver] free in
                try await driver.write { try CleanupRows($0).forget(free, markedUntil: limit) }
            }
            let removed = Set(gone)
            let bytes = due.lazy.filter { removed.contains($0.digest) }.reduce(0) { $0 + $1.size }
            report.removedBlobs += gone.count
            report.removedBytes += bytes
            services.upkeep.noteRemoved(blobs: gone.count, bytes: bytes)
            report.rescuedBlobs += due.count - gone.count
            await tell(report)
            cursor = last
        }
    }
}

/// Takes files that no version needs out of one package, in one transaction with one event.
private struct LooseRemoval {
    let files: [LooseFile]
    let abandoned: Timestamp
    let time: Timestamp

    /// Answers how many it took out: those that are still loose.
    func run(on connection: any SQLConnection) throws -> Int {
        let rows = CleanupRows(connection)
        let loose = try files.filter { try rows.isLoose($0, abandoned: abandoned) }
        guard let first = loose.first else { return 0 }
        let events = EventRows(connection)
        let sequence = try events.next()
        var before = ChangeSummary()
        for file in loose {
            try rows.end(file, at: sequence)
            before.note(file: file.path, file.blob)
        }
        try events.append(
            Event(
                sequence: sequence, time: time, actor: Event.system, verb: .fileRetracted,
                repository: first.repository, package: first.package,
                target: loose.count == 1 ? first.path.text : "\(loose.count) files no version needs",
                before: before.json, after: nil))
        return loose.count
    }
}

extension Array {
    /// The elements in order, that many at a time.
    func batches(of size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
