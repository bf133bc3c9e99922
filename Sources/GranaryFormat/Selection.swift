package import GranaryModel

/// Which rows an index is made from.
package enum Selection: Sendable, Hashable {
    /// The packages of the repository that hold something and that the caller may read, by name.
    case packages
    /// All there is to a package, not in pages: its versions in the order in which they were published, each with its files
    /// and properties, and its tags.
    case package(PackageName)
    /// The tags of a package, by name.
    case tags(PackageName)
    /// One version of a package with its properties.
    case version(PackageName, VersionName)
    /// The versions that have a `subject` edge to `target`, by name; one artifact type only where given.
    case referrers(PackageName, target: String, artifactType: String?)
    /// The files and folders directly below a path, by name; `/` is the root. Packages are read as directories.
    case directory(String)
    /// Every file below a path, by path.
    case tree(String)
    /// All there is to every package that the caller may read, not in pages: their versions, package by package in the order in
    /// which they were published, each with its files, which say of which package they are, and its properties.
    case everything
}

/// One page of a selection: what comes after an entry's cursor, up to a limit.
package struct Page: Sendable, Hashable {
    /// A page is never longer, whatever is asked for.
    package static let maximumLimit = 1000

    package let after: String?
    package let limit: Int

    /// `limit` is cut to 0…`maximumLimit`.
    package init(after: String? = nil, limit: Int = Page.maximumLimit) {
        self.after = after
        self.limit = min(max(limit, 0), Self.maximumLimit)
    }
}

/// The rows of one page.
package struct IndexRows: Sendable {
    /// One name of the selection.
    package struct Entry: Sendable {
        /// A tag's, version's, file's or folder's name; of a tree, the path from the repository's root.
        package let name: String
        package let isFolder: Bool
        /// Of a package: whether it is there because something of it was fetched from an upstream.
        package let isFetched: Bool
        package let version: IndexedVersion?
        package let file: StoredFile?
        /// Of a version, by path; empty unless the selection asks for them.
        package let files: [StoredFile]

        package init(
            name: String, isFolder: Bool = false, isFetched: Bool = false, version: IndexedVersion? = nil,
            file: StoredFile? = nil, files: [StoredFile] = []
        ) {
            self.name = name
            self.isFolder = isFolder
            self.isFetched = isFetched
            self.version = version
            self.file = file
            self.files = files
        }

        /// What the next page comes after. A folder stands where its name with a slash would.
        package var cursor: String { isFolder ? name + "/" : name }
    }

    package let entries: [Entry]
    /// Whether the selection goes on after the last entry.
    package let hasMore: Bool
    /// Where the tags of the package point; empty unless the selection asks for them.
    package let tags: [TagName: VersionName]

    package init(entries: [Entry], hasMore: Bool, tags: [TagName: VersionName] = [:]) {
        self.entries = entries
        self.hasMore = hasMore
        self.tags = tags
    }
}

/// A version as an index sees it.
package struct IndexedVersion: Sendable, Equatable {
    package let name: VersionName
    package let mediaType: MediaType
    package let artifactType: String
    /// The JSON object of the draft.
    package let metadata: String
    /// Of its principal file.
    package let size: ByteCount
    package let createdAt: Timestamp
    /// Empty unless the selection asks for them.
    package let properties: [Property]

    package init(
        name: VersionName, mediaType: MediaType, artifactType: String, metadata: String, size: ByteCount,
        createdAt: Timestamp, properties: [Property]
    ) {
        self.name = name
        self.mediaType = mediaType
        self.artifactType = artifactType
        self.metadata = metadata
        self.size = size
        self.createdAt = createdAt
        self.properties = properties
    }
}
