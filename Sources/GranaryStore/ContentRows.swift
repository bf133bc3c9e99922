package import GranaryModel
package import GranaryPorts

/// The number of a package's row.
package struct PackageID: Hashable, Sendable {
    package let value: Int64
}

/// The number of a version's row.
package struct VersionID: Hashable, Sendable {
    package let value: Int64
}

/// Packages, versions, files, tags, edges and properties, inside one transaction: what stands now, or stood at a position of
/// the history.
package struct ContentRows {
    let connection: any SQLConnection
    private let position: SequenceNumber?

    package init(_ connection: any SQLConnection, at position: SequenceNumber? = nil) {
        self.connection = connection
        self.position = position
    }

    /// The condition that a row counts, of the table that goes by `alias`.
    func stands(_ alias: String) -> String {
        position == nil
            ? "\(alias).valid_until is null"
            : "\(alias).valid_from <= $at and (\(alias).valid_until is null or \(alias).valid_until > $at)"
    }

    /// Runs one statement whose conditions are `stands`.
    func query(_ sql: String, _ arguments: [SQLValue]) throws -> [SQLRow] {
        guard let position else { return try connection.query(sql, arguments) }
        return try connection.query(
            sql.replacing("$at", with: "$\(arguments.count + 1)"), arguments + [.integer(position.value)])
    }

    func first(_ sql: String, _ arguments: [SQLValue]) throws -> SQLRow? { try query(sql, arguments).first }

    /// The package's row; nil when it has never held anything.
    package func package(_ name: PackageName, in repository: RepositoryID) throws -> PackageID? {
        try connection.first(
            "select id from package where repository_id = $1 and name = $2",
            [.integer(repository.value), .text(name.text)]
        ).map { PackageID(value: $0.integer(0)) }
    }

    /// A file, and whether its package is known at all, in one read.
    package func file(
        _ reference: FileReference, of package: PackageName, in repository: RepositoryID
    ) throws -> FileLookup {
        let (joins, key) = joins(for: reference)
        let row = try first(
            """
            select f.path, v.name, f.size, f.media_type, f.modified_at, b.digest, b.sha1, b.md5, b.sha512,
              f.metadata
            from package p \(joins)
              left join blob b on b.digest = f.blob and b.damaged_at is null
            where p.repository_id = $2 and p.name = $3
            """, [.text(key), .integer(repository.value), .text(package.text)])
        guard let row else { return .unknownPackage }
        guard let file = StoredFile(row, of: package) else { return .unknownFile }
        return .found(file)
    }

    private func joins(for reference: FileReference) -> (sql: String, key: String) {
        switch reference {
        case .path(let path):
            (
                """
                left join file f on f.package_id = p.id and f.path = $1 and \(stands("f"))
                  left join version v on v.id = f.version_id
                """, path.text
            )
        case .version(let version):
            (
                """
                left join version v on v.package_id = p.id and v.name = $1 and \(stands("v"))
                  left join file f on f.package_id = p.id and f.path = v.name and \(stands("f"))
                """, version.text
            )
        case .tag(let tag):
            (
                """
                left join tag t on t.package_id = p.id and t.name = $1 and \(stands("t"))
                  left join version v on v.id = t.version_id
                  left join file f on f.package_id = p.id and f.path = v.name and \(stands("f"))
                """, tag.text
            )
        }
    }

    /// The version of a name.
    package func version(_ name: VersionName, of package: PackageID) throws -> VersionID? {
        try first(
            "select id from version where package_id = $1 and name = $2 and \(stands("version"))",
            [.integer(package.value), .text(name.text)]
        ).map { VersionID(value: $0.integer(0)) }
    }

    /// Whether the package has a version.
    package func hasVersions(_ package: PackageID) throws -> Bool {
        try first(
            "select 1 from version where package_id = $1 and \(stands("version")) limit 1", [.integer(package.value)])
            != nil
    }

    /// The version a tag points to.
    package func target(of tag: TagName, in package: PackageID) throws -> VersionName? {
        try connection.first(
            """
            select version.name from tag join version on version.id = tag.version_id
            where tag.package_id = $1 and tag.name = $2 and tag.valid_until is null
            """, [.integer(package.value), .text(tag.text)]
        ).flatMap { VersionName($0.text(0)) }
    }

    /// Bytes and media type at a path.
    package func content(at path: FilePath, of package: PackageID) throws -> (blob: BlobDigest, mediaType: String)? {
        try connection.first(
            "select blob, media_type from file where package_id = $1 and path = $2 and valid_until is null",
            [.integer(package.value), .text(path.text)]
        ).flatMap { row in BlobDigest(hex: row.text(0)).map { ($0, row.text(1)) } }
    }

    /// The files of a version.
    package func files(of version: VersionID) throws -> [HeldFile] {
        try connection.query(
            """
            select path, blob, size, media_type, modified_at, metadata
            from file where version_id = $1 and valid_until is null
            """,
            [.integer(version.value)]
        ).compactMap { row in
            guard let path = FilePath(row.text(0)), let blob = BlobDigest(hex: row.text(1)) else { return nil }
            return HeldFile(
                path: path, blob: blob, size: ByteCount(row.integer(2)), mediaType: MediaType(checked: row.text(3)),
                modified: Timestamp(milliseconds: row.integer(4)), metadata: row.text(5))
        }
    }

    /// Whether the package holds a file of this path or a version of this name, and its bytes are not known to be damaged.
    package func holds(_ target: String, in package: PackageID) throws -> Bool {
        try connection.first(
            """
            select 1 from file f join blob b on b.digest = f.blob and b.damaged_at is null
            where f.package_id = $1 and f.path = $2 and f.valid_until is null
            union all select 1 from version v
            where v.package_id = $1 and v.name = $2 and v.valid_until is null
              and not exists (select 1 from file f join blob b on b.digest = f.blob
                where f.version_id = v.id and f.valid_until is null and b.damaged_at is not null)
            limit 1
            """, [.integer(package.value), .text(target)]) != nil
    }

    /// Whether a live version of the package cannot be used without `target`.
    package func isContent(_ target: String, of package: PackageID) throws -> Bool {
        try connection.first(
            """
            select 1 from edge where package_id = $1 and target = $2 and kind in ('content', 'member')
              and valid_until is null limit 1
            """, [.integer(package.value), .text(target)]) != nil
    }

    /// The properties of a version, by key and value.
    package func properties(of version: VersionID) throws -> [Property] {
        try query(
            "select key, value from property where version_id = $1 and \(stands("property")) order by key, value",
            [.integer(version.value)]
        ).compactMap { Property($0.text(0), $0.text(1)) }
    }
}

/// A file's row, without what is known of its blob.
package struct HeldFile: Sendable, Equatable {
    package let path: FilePath
    package let blob: BlobDigest
    package let size: ByteCount
    package let mediaType: MediaType
    package let modified: Timestamp
    package let metadata: String
}

/// What a look-up of a file came to.
package enum FileLookup: Sendable, Equatable {
    case found(StoredFile)
    case unknownFile
    case unknownPackage
}

extension StoredFile {
    /// From the columns path, version, size, media type, modified, digest, sha1, md5, sha512, metadata.
    init?(_ row: SQLRow, of package: PackageName, from column: Int = 0) {
        guard let path = row.optionalText(column).flatMap(FilePath.init),
            let checksums = Checksums(row, from: column + 5)
        else { return nil }
        self.init(
            package: package, version: row.optionalText(column + 1).flatMap(VersionName.init), path: path,
            size: ByteCount(row.integer(column + 2)), mediaType: MediaType(checked: row.text(column + 3)),
            checksums: checksums, modified: Timestamp(milliseconds: row.integer(column + 4)),
            metadata: row.text(column + 9))
    }
}
