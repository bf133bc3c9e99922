package import GranaryModel
package import GranaryPorts

/// What is known of stored bytes, inside one transaction.
package struct BlobRows {
    private let connection: any SQLConnection

    package init(_ connection: any SQLConnection) { self.connection = connection }

    /// Notes a blob that a file is about to name; hashes that were unknown are filled in. A blob that the sweep had marked is
    /// rescued. Where there is nothing to change, nothing is written.
    package func note(_ checksums: Checksums, size: ByteCount, at time: Timestamp) throws {
        try connection.execute(
            """
            insert into blob (digest, size, sha1, md5, sha512, created_at) values ($1, $2, $3, $4, $5, $6)
            on conflict (digest) do update set
              sha1 = coalesce(blob.sha1, excluded.sha1), md5 = coalesce(blob.md5, excluded.md5),
              sha512 = coalesce(blob.sha512, excluded.sha512), marked_at = null
            where blob.marked_at is not null
              or blob.sha1 is null and excluded.sha1 is not null
              or blob.md5 is null and excluded.md5 is not null
              or blob.sha512 is null and excluded.sha512 is not null
            """,
            [
                .text(checksums.sha256.hex), .integer(size.bytes), .optional(checksums.sha1),
                .optional(checksums.md5), .optional(checksums.sha512), .integer(time.milliseconds)
            ])
    }

    /// Says that the bytes of a blob are wrong or gone; answers whether that is news.
    package func flag(_ digest: BlobDigest, at time: Timestamp) throws -> Bool {
        try connection.execute(
            "update blob set damaged_at = $1 where digest = $2 and damaged_at is null",
            [.integer(time.milliseconds), .text(digest.hex)]) == 1
    }

    /// Says that the right bytes of a blob are stored again; answers whether that is news.
    package func heal(_ digest: BlobDigest) throws -> Bool {
        try connection.execute(
            "update blob set damaged_at = null where digest = $1 and damaged_at is not null", [.text(digest.hex)]) == 1
    }

    /// Size and hashes of a blob; nil when no row has named it, and when its bytes are damaged.
    package func find(_ digest: Digest) throws -> (checksums: Checksums, size: ByteCount)? {
        let column = digest.algorithm == .sha256 ? "digest" : "sha512"
        let row = try connection.first(
            "select digest, sha1, md5, sha512, size from blob where \(column) = $1 and damaged_at is null",
            [.text(digest.hex)])
        guard let row, let checksums = Checksums(row, from: 0) else { return nil }
        return (checksums, ByteCount(row.integer(4)))
    }

    /// Packages that hold a blob now, up to `limit`: where somebody might be allowed to read it.
    package func holders(of digest: BlobDigest, limit: Int) throws -> [(RepositoryID, PackageName)] {
        try connection.query(
            """
            select distinct package.repository_id, package.name
            from file join package on package.id = file.package_id
            where file.blob = $1 and file.valid_until is null limit $2
            """, [.text(digest.hex), .integer(Int64(limit))]
        ).compactMap { row in PackageName(row.text(1)).map { (RepositoryID(row.integer(0)), $0) } }
    }

    /// Whether a package holds a blob now.
    package func holds(_ repository: RepositoryID, _ package: PackageName, _ digest: BlobDigest) throws -> Bool {
        try connection.first(
            """
            select 1 from file join package on package.id = file.package_id
            where file.blob = $1 and file.valid_until is null
              and package.repository_id = $2 and package.name = $3 limit 1
            """, [.text(digest.hex), .integer(repository.value), .text(package.text)]) != nil
    }
}

extension Checksums {
    /// From four columns: digest, sha1, md5, sha512.
    init?(_ row: SQLRow, from column: Int) {
        guard let hex = row.optionalText(column), let sha256 = BlobDigest(hex: hex) else { return nil }
        self.init(
            sha256: sha256, sha1: row.optionalText(column + 1), md5: row.optionalText(column + 2),
            sha512: row.optionalText(column + 3))
    }
}
