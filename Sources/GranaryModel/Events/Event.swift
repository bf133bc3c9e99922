/// A position in the history. Every change has the next one; every row is valid from one and until another.
package struct SequenceNumber: Hashable, Sendable, Comparable, Codable {
    package let value: Int64
    package init(_ value: Int64) { self.value = value }

    package static let start = SequenceNumber(0)
    package static func < (left: SequenceNumber, right: SequenceNumber) -> Bool { left.value < right.value }

    package init(from decoder: any Decoder) throws {
        self.value = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}

/// What happened. The raw value is what the history shows and must never change.
package enum Verb: String, Sendable, Codable, CaseIterable {
    case repositoryCreated = "repository.created"
    case repositoryChanged = "repository.changed"
    case repositoryDeleted = "repository.deleted"
    /// A version came to be, with its files and tags.
    case versionPublished = "version.published"
    case versionRetracted = "version.retracted"
    /// A file came to be or changed its bytes.
    case filePublished = "file.published"
    case fileRetracted = "file.retracted"
    /// A tag was set to another version of the same package.
    case tagMoved = "tag.moved"
    case tagRetracted = "tag.retracted"
    case propertiesChanged = "properties.changed"
    case userCreated = "user.created"
    case userChanged = "user.changed"
    case userDeleted = "user.deleted"
    case tokenCreated = "token.created"
    case tokenRevoked = "token.revoked"
    case grantCreated = "grant.created"
    case grantDeleted = "grant.deleted"
    /// The bytes of a blob were found to be wrong or gone; what names it cannot be read until they are stored again.
    case blobDamaged = "blob.damaged"
    case blobHealed = "blob.healed"
}

/// One entry of the history.
package struct Event: Sendable, Equatable {
    /// The actor of what the server does by itself.
    package static let system = "system"

    package let sequence: SequenceNumber
    package let time: Timestamp
    /// The user's name, `anonymous`, or `system` for what the server does by itself.
    package let actor: String
    package let verb: Verb
    package let repository: RepositoryName?
    package let package: PackageName?
    /// What was changed: a version, a file's path, a tag, a user's name.
    package let target: String
    /// What it was, a JSON object; nil when it was not there, or there is nothing to tell.
    package let before: String?
    /// What it became, a JSON object; nil when it is not there any more, or there is nothing to tell.
    package let after: String?

    package init(
        sequence: SequenceNumber, time: Timestamp, actor: String, verb: Verb, repository: RepositoryName?,
        package: PackageName?, target: String, before: String?, after: String?
    ) {
        self.sequence = sequence
        self.time = time
        self.actor = actor
        self.verb = verb
        self.repository = repository
        self.package = package
        self.target = target
        self.before = before
        self.after = after
    }
}

/// One interval of a tag: what it pointed to, since and until when, and who moved it.
package struct TagChange: Sendable, Equatable {
    package let tag: TagName
    package let version: VersionName
    package let from: SequenceNumber
    /// Nil while it still points there.
    package let until: SequenceNumber?
    package let movedAt: Timestamp
    package let actor: String
    /// Who moved or removed it then; nil while it still points there.
    package let endedBy: String?

    package init(
        tag: TagName, version: VersionName, from: SequenceNumber, until: SequenceNumber?, movedAt: Timestamp,
        actor: String, endedBy: String?
    ) {
        self.endedBy = endedBy
        self.tag = tag
        self.version = version
        self.from = from
        self.until = until
        self.movedAt = movedAt
        self.actor = actor
    }
}
