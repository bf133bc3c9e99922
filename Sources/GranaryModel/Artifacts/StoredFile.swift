/// What is known of a blob beyond its address. Hashes other than SHA-256 are there only where a format asked for them.
package struct Checksums: Sendable, Equatable {
    package let sha256: BlobDigest
    /// Lower-case hexadecimal, 40 digits.
    package let sha1: String?
    /// Lower-case hexadecimal, 32 digits.
    package let md5: String?
    /// Lower-case hexadecimal, 128 digits.
    package let sha512: String?

    package init(sha256: BlobDigest, sha1: String? = nil, md5: String? = nil, sha512: String? = nil) {
        self.sha256 = sha256
        self.sha1 = sha1
        self.md5 = md5
        self.sha512 = sha512
    }
}

/// A downloadable unit of a package: a path, the bytes it stands for and what is served with them.
package struct StoredFile: Sendable, Equatable {
    package let package: PackageName
    /// The version it belongs to; nil for content no version names yet, such as an OCI blob before its manifest.
    package let version: VersionName?
    package let path: FilePath
    package let size: ByteCount
    package let mediaType: MediaType
    package let checksums: Checksums
    /// When this path took these bytes.
    package let modified: Timestamp
    /// What the format keeps of this file beside its version; empty where that is nothing.
    package let metadata: String

    package init(
        package: PackageName, version: VersionName?, path: FilePath, size: ByteCount, mediaType: MediaType,
        checksums: Checksums, modified: Timestamp, metadata: String = ""
    ) {
        self.package = package
        self.version = version
        self.path = path
        self.size = size
        self.mediaType = mediaType
        self.checksums = checksums
        self.modified = modified
        self.metadata = metadata
    }
}

/// How a file is named by a request.
package enum FileReference: Hashable, Sendable {
    /// By its path.
    case path(FilePath)
    /// The principal file of a version: the one whose path is the version's name.
    case version(VersionName)
    /// The principal file of the version a tag points to.
    case tag(TagName)
}
