package import GranaryModel
import GranaryPorts

/// A version with what a list shows of it.
package struct ListedVersion: Sendable, Equatable {
    package let name: VersionName
    package let mediaType: MediaType
    package let artifactType: String
    package let metadata: String
    package let size: ByteCount
    package let createdAt: Timestamp
}

/// A folder or a file of a directory; exactly one is set.
package struct ListedEntry: Sendable, Equatable {
    package let name: String
    package let file: StoredFile?
}

// Every list is in bytewise order and takes a name to come after; callers ask for one row more than they show.
extension ContentRows {
    /// The tags of a package.
    package func tags(of package: PackageID, after: String?, limit: Int) throws -> [TagName] {
        try query(
            """
            select name from tag where package_id = $1 and \(stands("tag")) and name > $2 order by name limit $3
            """, [.integer(package.value), .text(after ?? ""), .integer(Int64(limit))]
        ).compactMap { TagName($0.text(0)) }
    }

    /// The packages of a repository that hold something.
    package func packages(in repository: RepositoryID, after: String?, limit: Int) throws -> [PackageName] {
        try query(
            """
            select name from package p where repository_id = $1 and name > $2
              and exists (select 1 from file where package_id = p.id and \(stands("file")))
            order by name limit $3
            """, [.integer(repository.value), .text(after ?? ""), .integer(Int64(limit))]
        ).compactMap { PackageName($0.text(0)) }
    }

    /// The packages of a repository that have ever held anything.
    package func allPackages(of repository: RepositoryID) throws -> Set<PackageName> {
        let rows = try connection.query(
            "select name from package where repository_id = $1", [.integer(repository.value)])
        return Set(rows.compactMap { PackageName($0.text(0)) })
    }

    /// The versions whose subject is `target`; of one artifact type where given.
    package func referrers(
        of target: String, in package: PackageID, artifactType: String?, after: String?, limit: Int
    ) throws -> [ListedVersion] {
        try query(
            Self.versionColumns + """
                 from edge e join version v on v.id = e.version_id
                  left join file f on f.package_id = v.package_id and f.path = v.name and \(stands("f"))
                where e.package_id = $1 and e.target = $2 and e.kind = 'subject' and \(stands("e"))
                  and v.name > $3 \(artifactType == nil ? "" : "and v.artifact_type = $4")
                order by v.name limit \(artifactType == nil ? "$4" : "$5")
                """,
            [.integer(package.value), .text(target), .text(after ?? "")]
                + (artifactType.map { [.text($0)] } ?? []) + [.integer(Int64(limit))]
        ).compactMap(ListedVersion.init)
    }

    /// All versions of a package, in the order in which they were published, with their properties.
    package func versions(of package: PackageID) throws -> [(version: ListedVersion, properties: [Property])] {
        let rows = try query(
            Self.versionColumns + """
                , v.id from version v
                  left join file f on f.package_id = v.package_id and f.path = v.name and \(stands("f"))
                where v.package_id = $1 and \(stands("v")) order by v.id
                """, [.integer(package.value)])
        let properties = Dictionary(
            grouping: try query(
                """
                select v.id, p.key, p.value
                from version v join property p on p.version_id = v.id and \(stands("p"))
                where v.package_id = $1 and \(stands("v")) order by p.key, p.value
                """, [.integer(package.value)]), by: { $0.integer(0) })
        return rows.compactMap { row in
            ListedVersion(row).map { version in
                (version, (properties[row.integer(6)] ?? []).compactMap { Property($0.text(1), $0.text(2)) })
            }
        }
    }

    /// All versions of a repository, by package in bytewise order, and there in the order in which they were published, with their
    /// properties. Packages without a version are left out.
    package func versions(
        in repository: RepositoryID
    ) throws -> [(package: PackageName, versions: [(version: ListedVersion, properties: [Property])])] {
        let rows = try query(
            Self.versionColumns + """
                , v.id, p.name from package p
                  join version v on v.package_id = p.id and \(stands("v"))
                  left join file f on f.package_id = v.package_id and f.path = v.name and \(stands("f"))
                where p.repository_id = $1 order by p.name, v.id
                """, [.integer(repository.value)])
        let properties = Dictionary(
            grouping: try query(
                """
                select v.id, p.key, p.value from package o
                  join version v on v.package_id = o.id and \(stands("v"))
                  join property p on p.version_id = v.id and \(stands("p"))
                where o.repository_id = $1 order by p.key, p.value
                """, [.integer(repository.value)]), by: { $0.integer(0) })
        var packages: [(package: PackageName, versions: [(version: ListedVersion, properties: [Property])])] = []
        for row in rows {
            guard let version = ListedVersion(row), let package = PackageName(row.text(7)) else { continue }
            if packages.last?.package != package { packages.append((package, [])) }
            let own = (properties[row.integer(6)] ?? []).compactMap { Property($0.text(1), $0.text(2)) }
            packages[packages.count - 1].versions.append((version, own))
        }
        return packages
    }

    /// All files of a repository that are of a version and whose bytes are not damaged, by package and path, in bytewise order.
    package func files(in repository: RepositoryID) throws -> [StoredFile] {
        try query(
            fileColumns + """
                where p.repository_id = $1 and f.version_id is not null and b.damaged_at is null
                order by p.name, f.path
                """, [.integer(repository.value)]
        ).compactMap { row in PackageName(row.text(0)).flatMap { StoredFile(row, of: $0, from: 1) } }
    }

    /// All files of a package that are of a version and whose bytes are not damaged, by path.
    package func files(of package: PackageID) throws -> [StoredFile] {
        try query(
            fileColumns + """
                where p.id = $1 and f.version_id is not null and b.damaged_at is null order by f.path
                """, [.integer(package.value)]
        ).compactMap { row in PackageName(row.text(0)).flatMap { StoredFile(row, of: $0, from: 1) } }
    }

    /// Where the tags of a package point.
    package func targets(in package: PackageID) throws -> [TagName: VersionName] {
        let rows = try query(
            """
            select tag.name, version.name from tag join version on version.id = tag.version_id
            where tag.package_id = $1 and \(stands("tag"))
            """, [.integer(package.value)])
        return Dictionary(
            rows.compactMap { row in
                guard let tag = TagName(row.text(0)), let version = VersionName(row.text(1)) else { return nil }
                return (tag, version)
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Whether other bytes than these once stood at a path of the package.
    package func hasHeldOthers(at path: FilePath, of package: PackageID, than blob: BlobDigest) throws -> Bool {
        try connection.first(
            """
            select 1 from file where package_id = $1 and path = $2 and valid_until is not null and blob <> $3 limit 1
            """, [.integer(package.value), .text(path.text), .text(blob.hex)]) != nil
    }

    /// One version.
    package func listed(_ version: VersionID) throws -> ListedVersion? {
        try first(
            Self.versionColumns + """
                 from version v
                  left join file f on f.package_id = v.package_id and f.path = v.name and \(stands("f"))
                where v.id = $1
                """, [.integer(version.value)]
        ).flatMap(ListedVersion.init)
    }

    private static let versionColumns =
        "select v.name, v.media_type, v.artifact_type, v.metadata, coalesce(f.size, 0), v.created_at"

    /// The intervals of a tag that began after a position, oldest first.
    package func history(
        of tag: TagName, in package: PackageID, since: SequenceNumber, limit: Int
    ) throws -> [TagChange] {
        try connection.query(
            """
            select v.name, t.valid_from, t.valid_until, e.time, e.actor, ended.actor
            from tag t join version v on v.id = t.version_id join event e on e.sequence = t.valid_from
              left join event ended on ended.sequence = t.valid_until
            where t.package_id = $1 and t.name = $2 and t.valid_from > $3 order by t.valid_from limit $4
            """,
            [.integer(package.value), .text(tag.text), .integer(since.value), .integer(Int64(limit))]
        ).compactMap { row in
            VersionName(row.text(0)).map {
                TagChange(
                    tag: tag, version: $0, from: SequenceNumber(row.integer(1)),
                    until: row.optionalInteger(2).map(SequenceNumber.init),
                    movedAt: Timestamp(milliseconds: row.integer(3)), actor: row.text(4),
                    endedBy: row.optionalText(5))
            }
        }
    }
}

// MARK: - Directories

// Packages are directories: `a/b`, and `/` is the root.
extension ContentRows {
    /// The files of a directory.
    package func files(
        in directory: String, of repository: RepositoryID, after: String?, limit: Int
    ) throws -> [ListedEntry] {
        try query(
            fileColumns + """
                where p.repository_id = $1 and p.name = $2 and f.path > $3 order by f.path limit $4
                """,
            [.integer(repository.value), .text(directory), .text(after ?? ""), .integer(Int64(limit))]
        ).compactMap { Self.entry($0) { $0.path.text } }
    }

    /// The folders of a directory that hold something at any depth and are included; `after` is a folder's name with its
    /// slash.
    package func folders(
        in directory: String, of repository: RepositoryID, after: String?, limit: Int,
        isIncluded: (String) throws -> Bool
    ) throws -> [ListedEntry] {
        let prefix = directory == "/" ? "" : directory + "/"
        // Names are read by bytes, as the database compares them; '0' is the byte after '/', so that prefix + "x0" is past
        // everything below folder x.
        var bound =
            prefix
            + (after.map {
                $0.utf8.last == UInt8(ascii: "/") ? String(decoding: $0.utf8.dropLast(), as: UTF8.self) + "0" : $0
            } ?? "")
        var folders: [ListedEntry] = []
        while folders.count < limit {
            guard let name = try package(from: bound, below: directory, of: repository) else { break }
            let folder = String(
                decoding: name.utf8.dropFirst(prefix.utf8.count).prefix { $0 != UInt8(ascii: "/") }, as: UTF8.self)
            if try isIncluded(prefix + folder) { folders.append(ListedEntry(name: folder, file: nil)) }
            let next = prefix + folder + "0"
            guard bound.utf8.lexicographicallyPrecedes(next.utf8) else {
                throw StoreError.unknown("what comes after the folder '\(folder)'")
            }
            bound = next
        }
        return folders
    }

    /// The first package at or after `bound` that is below a directory and holds something.
    private func package(from bound: String, below directory: String, of repository: RepositoryID) throws -> String? {
        try first(
            """
            select name from package p
            where repository_id = $1 and name || '/' >= $2 and name || '/' < $3 and name <> '/' and name <> $4
              and exists (select 1 from file where package_id = p.id and \(stands("file")))
            order by name || '/' limit 1
            """,
            [
                .integer(repository.value), .text(bound), .text(Self.end(of: directory)), .text(directory)
            ])?.text(0)
    }

    /// The packages that are a directory or below it and hold something.
    package func packages(below directory: String, of repository: RepositoryID, limit: Int) throws -> [PackageName] {
        try query(
            """
            select name from package p
            where repository_id = $1 and name || '/' >= $2 and name || '/' < $3
              and exists (select 1 from file where package_id = p.id and \(stands("file")))
            order by name || '/' limit $4
            """,
            [
                .integer(repository.value), .text(Self.start(of: directory)), .text(Self.end(of: directory)),
                .integer(Int64(limit))
            ]
        ).compactMap { PackageName($0.text(0)) }
    }

    /// The files of a directory and those below it, directory by directory, of the packages that are included; `after`
    /// is a path from the root.
    package func tree(
        below directory: String, of repository: RepositoryID, after: String?, limit: Int,
        isIncluded: (PackageName) -> Bool
    ) throws -> [ListedEntry] {
        var found: [ListedEntry] = []
        var cursor = after
        while found.count < limit {
            let page = try tree(below: directory, of: repository, after: cursor, limit: limit)
            found += page.filter { $0.file.map { isIncluded($0.package) } ?? false }
            guard page.count == limit, let last = page.last else { break }
            cursor = last.name
        }
        return Array(found.prefix(limit))
    }

    private func tree(
        below directory: String, of repository: RepositoryID, after: String?, limit: Int
    ) throws -> [ListedEntry] {
        let start = after.map { path in
            let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
            let folder = slash.map { String(path[..<$0]) } ?? "/"
            return (folder: folder + "/", file: slash.map { String(path[path.utf8.index(after: $0)...]) } ?? path)
        }
        return try query(
            fileColumns + """
                where p.repository_id = $1 and (p.name || '/', f.path) > ($2, $3)
                  and p.name || '/' >= $4 and p.name || '/' < $5
                order by p.name || '/', f.path limit $6
                """,
            [
                .integer(repository.value), .text(start?.folder ?? ""), .text(start?.file ?? ""),
                .text(Self.start(of: directory)), .text(Self.end(of: directory)), .integer(Int64(limit))
            ]
        ).compactMap { row in
            Self.entry(row) { $0.package.text == "/" ? $0.path.text : "\($0.package)/\($0.path)" }
        }
    }

    private static func start(of directory: String) -> String { directory == "/" ? "" : directory + "/" }
    private static func end(of directory: String) -> String { directory == "/" ? "\u{10FFFF}" : directory + "0" }

    private var fileColumns: String {
        """
        select p.name, f.path, v.name, f.size, f.media_type, f.modified_at, b.digest, b.sha1, b.md5, b.sha512,
          f.metadata
        from package p join file f on f.package_id = p.id and \(stands("f"))
          left join version v on v.id = f.version_id
          join blob b on b.digest = f.blob\u{20}
        """
    }

    private static func entry(_ row: SQLRow, name: (StoredFile) -> String) -> ListedEntry? {
        guard let package = PackageName(row.text(0)), let file = StoredFile(row, of: package, from: 1) else {
            return nil
        }
        return ListedEntry(name: name(file), file: file)
    }
}

extension ListedVersion {
    fileprivate init?(_ row: SQLRow) {
        guard let name = VersionName(row.text(0)) else { return nil }
        self.init(
            name: name, mediaType: MediaType(checked: row.text(1)), artifactType: row.text(2), metadata: row.text(3),
            size: ByteCount(row.integer(4)), createdAt: Timestamp(milliseconds: row.integer(5)))
    }
}
