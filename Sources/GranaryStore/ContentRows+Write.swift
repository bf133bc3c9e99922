package import GranaryModel
import GranaryPorts

extension ContentRows {
    /// The package's row, made if need be.
    package func ensurePackage(_ name: PackageName, in repository: RepositoryID) throws -> PackageID {
        if let id = try package(name, in: repository) { return id }
        let row = try connection.first(
            "insert into package (repository_id, name) values ($1, $2) returning id",
            [.integer(repository.value), .text(name.text)])
        guard let row else { throw StoreError.unknown("the new package's row") }
        return PackageID(value: row.integer(0))
    }

    /// Opens a version.
    package func insertVersion(
        _ name: VersionName, of package: PackageID, mediaType: MediaType, artifactType: String, metadata: String,
        at time: Timestamp, from sequence: SequenceNumber
    ) throws -> VersionID {
        let row = try connection.first(
            """
            insert into version (package_id, name, media_type, artifact_type, metadata, created_at, valid_from)
            values ($1, $2, $3, $4, $5, $6, $7) returning id
            """,
            [
                .integer(package.value), .text(name.text), .text(mediaType.text), .text(artifactType),
                .text(metadata), .integer(time.milliseconds), .integer(sequence.value)
            ])
        guard let row else { throw StoreError.unknown("the new version's row") }
        return VersionID(value: row.integer(0))
    }

    /// Puts bytes at a path where nothing stands.
    package func insertFile(
        _ path: FilePath, of package: PackageID, version: VersionID?, blob: BlobDigest, size: ByteCount,
        mediaType: MediaType, metadata: String = "", at time: Timestamp, from sequence: SequenceNumber
    ) throws {
        try connection.execute(
            """
            insert into file (package_id, version_id, path, blob, size, media_type, metadata, modified_at, valid_from)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            [
                .integer(package.value), .optional(version?.value), .text(path.text), .text(blob.hex),
                .integer(size.bytes), .text(mediaType.text), .text(metadata), .integer(time.milliseconds),
                .integer(sequence.value)
            ])
    }

    /// Points a tag at a version, ending where it pointed.
    package func setTag(
        _ tag: TagName, of package: PackageID, to version: VersionID, from sequence: SequenceNumber
    ) throws {
        try endTag(tag, of: package, at: sequence)
        try connection.execute(
            "insert into tag (package_id, name, version_id, valid_from) values ($1, $2, $3, $4)",
            [.integer(package.value), .text(tag.text), .integer(version.value), .integer(sequence.value)])
    }

    /// Opens the edges of a new version.
    package func insertEdges(
        _ edges: [Edge], from version: VersionID, of package: PackageID, at sequence: SequenceNumber
    ) throws {
        for edge in edges {
            try connection.execute(
                "insert into edge (package_id, version_id, kind, target, valid_from) values ($1, $2, $3, $4, $5)",
                [
                    .integer(package.value), .integer(version.value), .text(edge.kind.rawValue), .text(edge.target),
                    .integer(sequence.value)
                ])
        }
    }

    /// Replaces the properties of a version.
    package func setProperties(
        _ properties: [Property], of version: VersionID, from sequence: SequenceNumber
    ) throws {
        try end("property", "version_id", version.value, at: sequence)
        for property in properties {
            try connection.execute(
                "insert into property (version_id, key, value, valid_from) values ($1, $2, $3, $4)",
                [.integer(version.value), .text(property.key), .text(property.value), .integer(sequence.value)])
        }
    }

    /// Ends a version with its files, tags, edges and properties; answers the tags it took with it.
    package func endVersion(_ version: VersionID, at sequence: SequenceNumber) throws -> [TagName] {
        let tags = try connection.query(
            "select name from tag where version_id = $1 and valid_until is null order by name",
            [.integer(version.value)])
        for table in ["file", "tag", "edge", "property"] {
            try end(table, "version_id", version.value, at: sequence)
        }
        try end("version", "id", version.value, at: sequence)
        return tags.compactMap { TagName($0.text(0)) }
    }

    /// Ends a file; answers its version when it had one, and nothing when there was no file.
    @discardableResult
    package func endFile(_ path: FilePath, of package: PackageID, at sequence: SequenceNumber) throws -> EndedFile? {
        let row = try connection.first(
            """
            update file set valid_until = $1 where package_id = $2 and path = $3 and valid_until is null
            returning version_id
            """, [.integer(sequence.value), .integer(package.value), .text(path.text)])
        return row.map { EndedFile(version: $0.optionalInteger(0).map(VersionID.init)) }
    }

    /// Ends a tag; answers whether there was one.
    @discardableResult
    package func endTag(_ tag: TagName, of package: PackageID, at sequence: SequenceNumber) throws -> Bool {
        try connection.execute(
            "update tag set valid_until = $1 where package_id = $2 and name = $3 and valid_until is null",
            [.integer(sequence.value), .integer(package.value), .text(tag.text)]) > 0
    }

    /// Whether a version still has a file.
    package func hasFiles(_ version: VersionID) throws -> Bool {
        try connection.first(
            "select 1 from file where version_id = $1 and valid_until is null limit 1",
            [.integer(version.value)]) != nil
    }

    private func end(_ table: String, _ column: String, _ value: Int64, at sequence: SequenceNumber) throws {
        try connection.execute(
            "update \(table) set valid_until = $1 where \(column) = $2 and valid_until is null",
            [.integer(sequence.value), .integer(value)])
    }
}

/// A file that was ended.
package struct EndedFile: Sendable {
    package let version: VersionID?
}
