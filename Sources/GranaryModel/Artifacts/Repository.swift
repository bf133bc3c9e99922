/// How a repository gets its content. Nexus calls the three hosted, proxy and group.
package enum RepositoryKind: String, Sendable, Codable, CaseIterable {
    /// Its content is published here.
    case local
    /// A proxy and cache of an upstream.
    case remote
    /// One address over ordered members.
    case virtual
}

/// The row's number of a repository; names may be used again, numbers never are.
package struct RepositoryID: Hashable, Sendable {
    package let value: Int64
    package init(_ value: Int64) { self.value = value }
}

/// A repository as it stands: identity, format, kind and settings.
package struct Repository: Sendable, Equatable {
    package let id: RepositoryID
    package let name: RepositoryName
    package let format: FormatName
    package let kind: RepositoryKind
    package let settings: RepositorySettings
    package let createdAt: Timestamp

    package init(
        id: RepositoryID, name: RepositoryName, format: FormatName, kind: RepositoryKind, settings: RepositorySettings,
        createdAt: Timestamp
    ) {
        self.id = id
        self.name = name
        self.format = format
        self.kind = kind
        self.settings = settings
        self.createdAt = createdAt
    }
}
