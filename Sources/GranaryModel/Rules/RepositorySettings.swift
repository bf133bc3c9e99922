/// What an administrator may set on a repository. Every field has a default, so that stored settings of an older server
/// still decode.
package struct RepositorySettings: Sendable, Equatable, Codable {
    /// What a publish may do to a file or tag that exists.
    package enum WritePolicy: String, Sendable, Codable, CaseIterable {
        /// Replace it.
        case allow
        /// Create only; the same bytes again are accepted and change nothing.
        case once
        /// Neither create nor replace.
        case deny

        /// As it is for what its format never replaces.
        package var frozen: Self { self == .allow ? .once : self }
    }

    /// Whether anybody may read without credentials.
    package var anonymousRead: Bool
    /// Whether this repository takes the names that name no other repository of its format (one per format).
    package var isDefault: Bool
    /// What a publish may do to what exists.
    package var writePolicy: WritePolicy
    /// Whether an index may name members the repository does not hold (OCI: sparse indexes).
    package var sparseIndexes: Bool
    /// A sentence for people: at most `maximumDescriptionBytes` without control characters.
    package var description: String
    /// Of a remote repository.
    package var upstream: UpstreamSettings?
    /// Of a virtual repository.
    package var members: MemberSettings?

    package static let maximumDescriptionBytes = 1024

    package init(
        anonymousRead: Bool = false, isDefault: Bool = false, writePolicy: WritePolicy = .allow,
        sparseIndexes: Bool = true, description: String = "", upstream: UpstreamSettings? = nil,
        members: MemberSettings? = nil
    ) {
        self.anonymousRead = anonymousRead
        self.isDefault = isDefault
        self.writePolicy = writePolicy
        self.sparseIndexes = sparseIndexes
        self.description = description
        self.upstream = upstream
        self.members = members
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let standard = RepositorySettings()
        anonymousRead = try container.decodeIfPresent(Bool.self, forKey: .anonymousRead) ?? standard.anonymousRead
        isDefault = try container.decodeIfPresent(Bool.self, forKey: .isDefault) ?? standard.isDefault
        writePolicy = try container.decodeIfPresent(WritePolicy.self, forKey: .writePolicy) ?? standard.writePolicy
        sparseIndexes = try container.decodeIfPresent(Bool.self, forKey: .sparseIndexes) ?? standard.sparseIndexes
        description = try container.decodeIfPresent(String.self, forKey: .description) ?? standard.description
        upstream = try container.decodeIfPresent(UpstreamSettings.self, forKey: .upstream)
        members = try container.decodeIfPresent(MemberSettings.self, forKey: .members)
    }

    /// Without secrets, for people and for the history.
    package var shown: Self {
        var shown = self
        shown.upstream = upstream?.shown
        return shown
    }
}
