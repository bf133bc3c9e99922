package import GranaryModel
package import GranaryPorts

/// What names something in the cache of a remote repository.
package struct CacheKey: Hashable, Sendable {
    package let repository: RepositoryID
    package let package: String
    /// What it is of the package: `file a.tgz`, `tag latest`, `index`.
    package let name: String

    package init(repository: RepositoryID, package: String, name: String) {
        self.repository = repository
        self.package = package
        self.name = name
    }
}

/// Something that was fetched from an upstream.
package struct CachedItem: Sendable, Equatable {
    /// The row's number.
    package var id: Int64
    package var checksums: Checksums
    package var size: ByteCount
    package var mediaType: MediaType
    /// What the upstream is asked with whether it has changed.
    package var entityTag: String?
    package var lastModified: String?
    /// Where it came from, after redirects.
    package var source: String
    /// Whether it never changes.
    package var isFixed: Bool
    package var fetchedAt: Timestamp
    /// When the upstream last said that it is this.
    package var checkedAt: Timestamp
    /// Since when, and how often, the upstream has said that it is not there.
    package var missingSince: Timestamp?
    package var missingCount: Int64
    /// Of an index: why nothing of its package may be served.
    package var alarm: String?

    package init(
        id: Int64 = 0, checksums: Checksums, size: ByteCount, mediaType: MediaType, entityTag: String? = nil,
        lastModified: String? = nil, source: String, isFixed: Bool, fetchedAt: Timestamp, checkedAt: Timestamp,
        missingSince: Timestamp? = nil, missingCount: Int64 = 0, alarm: String? = nil
    ) {
        self.id = id
        self.checksums = checksums
        self.size = size
        self.mediaType = mediaType
        self.entityTag = entityTag
        self.lastModified = lastModified
        self.source = source
        self.isFixed = isFixed
        self.fetchedAt = fetchedAt
        self.checkedAt = checkedAt
        self.missingSince = missingSince
        self.missingCount = missingCount
        self.alarm = alarm
    }
}

/// The caches of remote repositories, inside one transaction.
package struct CacheRows {
    private let connection: any SQLConnection

    package init(_ connection: any SQLConnection) { self.connection = connection }

    private static let columns = """
        c.id, b.digest, b.sha1, b.md5, b.sha512, c.size, c.media_type, c.entity_tag, c.last_modified, c.source,
        c.is_fixed, c.fetched_at, c.checked_at, c.missing_since, c.missing_count, c.alarm
        """

    /// What stands under a key now; nil where nothing does, and where its bytes are damaged.
    package func find(_ key: CacheKey) throws -> CachedItem? {
        try connection.first(
            """
            select \(Self.columns) from cached c join blob b on b.digest = c.blob
            where c.repository_id = $1 and c.package = $2 and c.name = $3 and c.replaced_at is null
              and b.damaged_at is null
            """, [.integer(key.repository.value), .text(key.package), .text(key.name)]
        ).flatMap(CachedItem.init)
    }

    /// What stood under a key at a moment; nil where nothing did, and where that is not kept any more.
    package func find(_ key: CacheKey, at moment: Timestamp) throws -> CachedItem? {
        try connection.first(
            """
            select \(Self.columns) from cached c join blob b on b.digest = c.blob
            where c.repository_id = $1 and c.package = $2 and c.name = $3 and c.fetched_at <= $4
              and (c.replaced_at is null or c.replaced_at > $4) and b.damaged_at is null
            """,
            [
                .integer(key.repository.value), .text(key.package), .text(key.name), .integer(moment.milliseconds)
            ]
        ).flatMap(CachedItem.init)
    }

    /// Puts something in the place of what stands under a key, and answers its row's number. Its blob must be stored.
    package func put(_ item: CachedItem, as key: CacheKey) throws -> Int64 {
        let time = SQLValue.integer(item.fetchedAt.milliseconds)
        try BlobRows(connection).note(item.checksums, size: item.size, at: item.fetchedAt)
        try connection.execute(
            """
            update cached set replaced_at = $1
            where repository_id = $2 and package = $3 and name = $4 and replaced_at is null
            """, [time, .integer(key.repository.value), .text(key.package), .text(key.name)])
        let row = try connection.first(
            """
            insert into cached (repository_id, package, name, blob, size, media_type, entity_tag, last_modified, source,
              is_fixed, fetched_at, checked_at, used_at, alarm)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $11, $13) returning id
            """,
            [
                .integer(key.repository.value), .text(key.package), .text(key.name), .text(item.checksums.sha256.hex),
                .integer(item.size.bytes), .text(item.mediaType.text), .optional(item.entityTag),
                .optional(item.lastModified), .text(item.source), .boolean(item.isFixed), time,
                .integer(item.checkedAt.milliseconds), .optional(item.alarm)
            ])
        guard let row else { throw StoreError.unknown("the row that was written") }
        return row.integer(0)
    }

    /// Notes what the upstream said of something: that it is still this, or that it is not there. Answers whether its row is still
    /// there.
    package func note(_ item: CachedItem) throws -> Bool {
        try connection.execute(
            """
            update cached set checked_at = $1, missing_since = $2, missing_count = $3, entity_tag = $4,
              last_modified = $5 where id = $6 and replaced_at is null
            """,
            [
                .integer(item.checkedAt.milliseconds), .optional(item.missingSince?.milliseconds),
                .integer(item.missingCount), .optional(item.entityTag), .optional(item.lastModified),
                .integer(item.id)
            ]) == 1
    }

    /// Notes when things were last asked for, by their rows' numbers.
    package func noteUse(_ uses: [Int64: Timestamp]) throws {
        for (id, time) in uses {
            try connection.execute(
                "update cached set used_at = $1 where id = $2 and used_at < $1",
                [.integer(time.milliseconds), .integer(id)])
        }
    }

    /// The packages of which something is in the cache, or was at a moment, after `after`, in order.
    package func packages(
        in repository: RepositoryID, at moment: Timestamp?, after: String?, limit: Int
    ) throws -> [String] {
        let stands =
            moment == nil ? "replaced_at is null" : "fetched_at <= $4 and (replaced_at is null or replaced_at > $4)"
        return try connection.query(
            """
            select distinct package from cached
            where repository_id = $1 and \(stands) and package > $2 order by package limit $3
            """,
            [.integer(repository.value), .text(after ?? ""), .integer(Int64(limit))]
                + (moment.map { [.integer($0.milliseconds)] } ?? [])
        ).map { $0.text(0) }
    }

    /// Whether something of a package is in the cache.
    package func holds(_ package: String, in repository: RepositoryID) throws -> Bool {
        try connection.first(
            "select 1 from cached where repository_id = $1 and package = $2 and replaced_at is null limit 1",
            [.integer(repository.value), .text(package)]) != nil
    }

    /// The indexes of packages of which nothing may be served, and why.
    package func alarms() throws -> [(key: CacheKey, reason: String)] {
        try connection.query(
            "select repository_id, package, name, alarm from cached where alarm is not null and replaced_at is null", []
        ).map { row in
            let key = CacheKey(
                repository: RepositoryID(row.integer(0)), package: row.text(1), name: row.text(2))
            return (key, row.text(3))
        }
    }

    /// How many bytes the cache of a repository holds, what was replaced too.
    package func size(of repository: RepositoryID) throws -> Int64 {
        try connection.first(
            "select coalesce(sum(size), 0) from cached where repository_id = $1", [.integer(repository.value)]
        )?.integer(0) ?? 0
    }

    /// Drops what was asked for longest ago until at least `bytes` are free; answers how many rows went.
    package func evict(_ bytes: Int64, from repository: RepositoryID) throws -> Int {
        var free: Int64 = 0
        var count = 0
        while free < bytes {
            let rows = try connection.query(
                """
                select id, size from cached where repository_id = $1 and alarm is null
                order by replaced_at is null, used_at limit 200
                """, [.integer(repository.value)])
            guard !rows.isEmpty else { break }
            for row in rows where free < bytes {
                try connection.execute("delete from cached where id = $1", [.integer(row.integer(0))])
                free += row.integer(1)
                count += 1
            }
        }
        return count
    }

    /// Drops what was replaced before a moment; answers how many rows went.
    package func forgetReplaced(before moment: Timestamp) throws -> Int {
        try connection.execute(
            "delete from cached where replaced_at < $1", [.integer(moment.milliseconds)])
    }

    /// Of all that a repository has fetched, nothing is served any more, unless as of a moment before `time`.
    package func retire(_ repository: RepositoryID, at time: Timestamp) throws {
        try connection.execute(
            """
            update cached set replaced_at = case when fetched_at > $1 then fetched_at else $1 end
            where repository_id = $2 and replaced_at is null
            """,
            [.integer(time.milliseconds), .integer(repository.value)])
    }

    /// Drops all that a repository has fetched.
    package func clear(_ repository: RepositoryID) throws {
        try connection.execute("delete from cached where repository_id = $1", [.integer(repository.value)])
    }
}

extension CachedItem {
    fileprivate init?(_ row: SQLRow) {
        guard let checksums = Checksums(row, from: 1) else { return nil }
        self.init(
            id: row.integer(0), checksums: checksums, size: ByteCount(row.integer(5)),
            mediaType: MediaType(row.text(6)) ?? .octetStream, entityTag: row.optionalText(7),
            lastModified: row.optionalText(8), source: row.text(9), isFixed: row.integer(10) != 0,
            fetchedAt: Timestamp(milliseconds: row.integer(11)), checkedAt: Timestamp(milliseconds: row.integer(12)),
            missingSince: row.optionalInteger(13).map(Timestamp.init(milliseconds:)), missingCount: row.integer(14),
            alarm: row.optionalText(15))
    }
}
