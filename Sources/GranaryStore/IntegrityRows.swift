package import GranaryModel
package import GranaryPorts

/// What must be stored, and what depends on it, inside one transaction.
package struct IntegrityRows {
    private let connection: any SQLConnection

    package init(_ connection: any SQLConnection) { self.connection = connection }

    /// The blobs within (`after`, `through`] that live files and caches name, with the size they say, in order; up to `limit`.
    package func named(after: BlobDigest?, through: BlobDigest?, limit: Int) throws -> [StoredBlob] {
        try connection.query(
            """
            select blob, max(size) from (
              select blob, size from file where blob > $1 and blob <= $2 and valid_until is null
              union all select blob, size from cached where blob > $1 and blob <= $2) as used
            group by blob order by blob limit $3
            """, [.text(after?.hex ?? ""), .text(through?.hex ?? "g"), .integer(Int64(limit))]
        ).compactMap { row in
            BlobDigest(hex: row.text(0)).map { StoredBlob(digest: $0, size: row.integer(1)) }
        }
    }

    /// Where a blob is named now, up to `limit` places.
    package func uses(of digest: BlobDigest, limit: Int) throws -> [BlobUse] {
        try connection.query(
            """
            select r.name, p.name, f.path, v.name from file f join package p on p.id = f.package_id
              join repository r on r.id = p.repository_id left join version v on v.id = f.version_id
            where f.blob = $1 and f.valid_until is null
            union all
            select r.name, c.package, c.name, null from cached c join repository r on r.id = c.repository_id
            where c.blob = $1
            order by 1, 2, 3 limit $2
            """, [.text(digest.hex), .integer(Int64(limit))]
        ).map { row in
            BlobUse(
                repository: row.text(0), package: row.text(1), path: row.text(2), version: row.optionalText(3))
        }
    }

    /// Versions, after the row of one of them, that need a file their package does not hold.
    package func incomplete(after id: Int64, limit: Int) throws -> [IncompleteVersion] {
        try connection.query(
            """
            select e.id, r.name, p.name, v.name, e.target from edge e join version v on v.id = e.version_id
              join package p on p.id = e.package_id join repository r on r.id = p.repository_id
            where e.id > $1 and e.kind = 'content' and e.valid_until is null
              and not exists (select 1 from file f where f.package_id = e.package_id and f.path = e.target
                and f.valid_until is null)
            order by e.id limit $2
            """, [.integer(id), .integer(Int64(limit))]
        ).map { row in
            IncompleteVersion(
                edge: row.integer(0), repository: row.text(1), package: row.text(2), version: row.text(3),
                target: row.text(4))
        }
    }
}

/// A place where a blob is named.
package struct BlobUse: Sendable, Equatable, Codable {
    package let repository: String
    package let package: String
    package let path: String
    /// Left out of a file that stands for itself.
    package let version: String?
}

/// A version that needs something its package does not hold.
package struct IncompleteVersion: Sendable, Equatable {
    /// The number of the row that says so.
    package let edge: Int64
    package let repository: String
    package let package: String
    package let version: String
    package let target: String
}
