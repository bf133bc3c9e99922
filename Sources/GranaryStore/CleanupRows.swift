package import GranaryModel
package import GranaryPorts

/// What nothing needs any more, inside one transaction.
package struct CleanupRows {
    private let connection: any SQLConnection

    package init(_ connection: any SQLConnection) { self.connection = connection }
}

// MARK: - Files that no version needs

/// A file that stands for itself although nothing needs it.
package struct LooseFile: Sendable, Equatable {
    /// The number of its row.
    package let id: Int64
    package let packageID: PackageID
    package let repository: RepositoryName
    package let repositoryID: RepositoryID
    package let package: PackageName
    package let path: FilePath
    package let blob: BlobDigest
}

extension CleanupRows {
    /// A file without a version is needed while a live version points at it. One that was needed once is loose from when it
    /// no longer is; one that never was may belong to a version that is still to come, until it counts as abandoned.
    private static let isLoose = """
        f.version_id is null and f.valid_until is null
          and not exists (select 1 from edge e where e.package_id = f.package_id and e.target = f.path
            and e.kind in ('content', 'member') and e.valid_until is null)
          and (f.modified_at < $2 or exists (select 1 from edge e where e.package_id = f.package_id
            and e.target = f.path and e.valid_until is not null))
        """

    /// Loose files in the order of their rows, after one of them. What nothing has needed yet counts only where it was
    /// stored before `abandoned`.
    package func looseFiles(after id: Int64, abandoned: Timestamp, limit: Int) throws -> [LooseFile] {
        try connection.query(
            """
            select f.id, p.id, r.name, r.id, p.name, f.path, f.blob
            from file f join package p on p.id = f.package_id join repository r on r.id = p.repository_id
            where f.id > $1 and \(Self.isLoose) order by f.id limit $3
            """, [.integer(id), .integer(abandoned.milliseconds), .integer(Int64(limit))]
        ).compactMap(LooseFile.init)
    }

    /// Whether a file is still loose.
    package func isLoose(_ file: LooseFile, abandoned: Timestamp) throws -> Bool {
        try connection.first(
            "select 1 from file f where f.id = $1 and \(Self.isLoose)",
            [.integer(file.id), .integer(abandoned.milliseconds)]) != nil
    }

    /// Ends a file.
    package func end(_ file: LooseFile, at sequence: SequenceNumber) throws {
        try connection.execute(
            "update file set valid_until = $1 where id = $2 and valid_until is null",
            [.integer(sequence.value), .integer(file.id)])
    }
}

extension LooseFile {
    fileprivate init?(_ row: SQLRow) {
        guard let repository = RepositoryName(row.text(2)), let package = PackageName(row.text(4)),
            let path = FilePath(row.text(5)), let blob = BlobDigest(hex: row.text(6))
        else { return nil }
        self.init(
            id: row.integer(0), packageID: PackageID(value: row.integer(1)), repository: repository,
            repositoryID: RepositoryID(row.integer(3)), package: package, path: path, blob: blob)
    }
}

// MARK: - Blobs that no file names

extension CleanupRows {
    /// The blobs within (`after`, `through`] that a live file or a cache names, files of the rows `ended` not counted.
    package func named(
        after: BlobDigest?, through: BlobDigest, ended: Set<Int64>
    ) throws -> Set<BlobDigest> {
        let column = ended.isEmpty ? "0" : "id"
        let rows = try connection.query(
            "select distinct blob, \(column) from file where blob > $1 and blob <= $2 and valid_until is null",
            [.text(after?.hex ?? ""), .text(through.hex)])
        let cached = try connection.query(
            "select distinct blob from cached where blob > $1 and blob <= $2",
            [.text(after?.hex ?? ""), .text(through.hex)])
        return Set(
            rows.lazy.filter { ended.isEmpty || !ended.contains($0.integer(1)) }
                .compactMap { BlobDigest(hex: $0.text(0)) }
        ).union(cached.lazy.compactMap { BlobDigest(hex: $0.text(0)) })
    }

    /// The rows within (`after`, `through`], and since when each is marked.
    package func marks(after: BlobDigest?, through: BlobDigest) throws -> [BlobDigest: Timestamp?] {
        let rows = try connection.query(
            "select digest, marked_at from blob where digest > $1 and digest <= $2",
            [.text(after?.hex ?? ""), .text(through.hex)])
        return Dictionary(
            rows.compactMap { row in
                BlobDigest(hex: row.text(0)).map { ($0, row.optionalInteger(1).map(Timestamp.init(milliseconds:))) }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Marks blobs that no live file and no cache names, bytes without a row too; answers how many were not marked before.
    package func mark(_ blobs: [StoredBlob], at time: Timestamp) throws -> Int {
        var marked = 0
        for blob in blobs {
            marked += try connection.execute(
                """
                insert into blob (digest, size, created_at, marked_at)
                select $1, $2, $3, $3
                where not exists (select 1 from file where blob = $1 and valid_until is null)
                  and not exists (select 1 from cached where blob = $1)
                on conflict (digest) do update set marked_at = excluded.marked_at where blob.marked_at is null
                """, [.text(blob.digest.hex), .integer(blob.size), .integer(time.milliseconds)])
        }
        return marked
    }

    /// Blobs that have been marked since `moment` or longer, after a digest, in order.
    package func marked(until moment: Timestamp, after digest: BlobDigest?, limit: Int) throws -> [StoredBlob] {
        try connection.query(
            """
            select digest, size from blob where marked_at <= $1 and digest > $2 order by digest limit $3
            """, [.integer(moment.milliseconds), .text(digest?.hex ?? ""), .integer(Int64(limit))]
        ).compactMap { row in
            BlobDigest(hex: row.text(0)).map { StoredBlob(digest: $0, size: row.integer(1)) }
        }
    }

    /// Forgets blobs that are still marked since `moment` or longer and that nothing names: the last look before the bytes go. Answers which.
    package func forget(_ blobs: [BlobDigest], markedUntil moment: Timestamp) throws -> Set<BlobDigest> {
        var forgotten: Set<BlobDigest> = []
        for blob in blobs {
            let count = try connection.execute(
                """
                delete from blob where digest = $1 and marked_at <= $2
                  and not exists (select 1 from file where blob = $1 and valid_until is null)
                  and not exists (select 1 from cached where blob = $1)
                """, [.text(blob.hex), .integer(moment.milliseconds)])
            if count == 1 { forgotten.insert(blob) }
        }
        return forgotten
    }
}
