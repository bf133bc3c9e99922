package import GranaryModel

/// Bytes that are durable but that no row names yet.
package struct StagedBlob: Sendable, Equatable {
    package let checksums: Checksums
    package let size: ByteCount
    /// Keeps the bytes until they are published; nil for bytes that the package holds already.
    package let lease: BlobLease?

    package init(checksums: Checksums, size: ByteCount, lease: BlobLease? = nil) {
        self.checksums = checksums
        self.size = size
        self.lease = lease
    }

    package static func == (left: StagedBlob, right: StagedBlob) -> Bool {
        left.checksums == right.checksums && left.size == right.size
    }
}

/// What a format wants to publish, and under which conditions. The only way content gets its rows.
package struct Draft: Sendable {
    /// The version it makes, or makes again.
    package struct Version: Sendable {
        package let name: VersionName
        package let mediaType: MediaType
        /// What kind of artifact it is (OCI `artifactType`); empty where the format has none.
        package let artifactType: String
        /// A JSON object the format wants back in indexes; at most `Draft.maximumMetadataBytes`.
        package let metadata: String

        package init(name: VersionName, mediaType: MediaType, artifactType: String = "", metadata: String = "{}") {
            self.name = name
            self.mediaType = mediaType
            self.artifactType = artifactType
            self.metadata = metadata
        }
    }

    /// A file of the version, or of the package where the draft has no version.
    package struct File: Sendable {
        package let path: FilePath
        package let blob: StagedBlob
        package let mediaType: MediaType
        /// A JSON object the format wants back with this file, or nothing; at most `Draft.maximumMetadataBytes`.
        package let metadata: String

        package init(path: FilePath, blob: StagedBlob, mediaType: MediaType, metadata: String = "") {
            self.path = path
            self.blob = blob
            self.mediaType = mediaType
            self.metadata = metadata
        }
    }

    /// Something the package must hold for the draft to be whole: a version's name or a file's path.
    package struct Need: Sendable, Hashable {
        package let anyOf: [String]
        /// Whether a repository may be set to accept the draft without it (the members of an index).
        package let isMember: Bool

        package init(anyOf: [String], isMember: Bool) {
            self.anyOf = anyOf
            self.isMember = isMember
        }
    }

    /// Something that must not be there for the draft's first file to have its place, where that is new.
    package enum Obstacle: Sendable, Hashable {
        /// A file of a package.
        case file(PackageName, FilePath)
        /// Anything in the package of this name or in those below it.
        case tree(String)
    }

    package static let maximumMetadataBytes = 8 << 20

    package let package: PackageName
    package var version: Version?
    package var files: [File] = []
    package var tags: [TagName] = []
    /// Tags that the version gets, too, where the package has no version yet.
    package var initialTags: [TagName] = []
    package var edges: [Edge] = []
    /// What a new version begins with. Whoever publishes an existing version again leaves its properties alone.
    package var initialProperties: [Property] = []
    /// Replaces the properties, of a new and of an existing version alike; nil leaves them.
    package var properties: [Property]?
    /// Whether its files stay what they are once they are published, whatever the repository allows: the same bytes again
    /// change nothing, and others are refused, also after the version was retracted.
    package var isImmutable = false
    package var needs: [Need] = []
    package var obstacles: [Obstacle] = []
    /// Holds of the first file, evaluated in the transaction.
    package var condition: WriteCondition = .none

    package init(package: PackageName) { self.package = package }
}

/// A condition on what stands at a path when a write is about to replace or remove it (RFC 9110, section 13.1).
package enum WriteCondition: Sendable, Hashable {
    case none
    /// `If-None-Match: *`
    case absent
    /// `If-Match: *`
    case present
    /// `If-Match` with strong entity tags, which are SHA-256 digests.
    case matches(Set<BlobDigest>)
}

/// What a change came to.
package struct Receipt: Sendable, Equatable {
    /// What became of what stood there before.
    package enum Change: Sendable { case created, replaced, unchanged }

    package let change: Change
    /// The change's place in the history; nil when nothing changed.
    package let sequence: SequenceNumber?

    package init(_ change: Change, _ sequence: SequenceNumber?) {
        self.change = change
        self.sequence = sequence
    }
}

/// What is taken away.
package enum Retraction: Sendable, Hashable {
    /// The name only; the version stays.
    case tag(PackageName, TagName)
    /// The version, its files, and all tags that point to it. A tag with heirs moves to the first of them that is there.
    case version(PackageName, VersionName, heirs: [TagName: [VersionName]] = [:])
    /// A file, and its version when that has no other.
    case file(PackageName, FilePath)
    /// Every file of every package whose name is `path` or starts with `path/`.
    case tree(String)
}
