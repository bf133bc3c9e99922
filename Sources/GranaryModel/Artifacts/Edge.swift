/// A directed relation from a version to another version or to content: what an index lists, what a signature signs.
package struct Edge: Hashable, Sendable {
    /// What the relation means.
    package enum Kind: String, Sendable, CaseIterable {
        /// Content the version cannot be used without: a layer, a configuration.
        case content
        /// A version an index lists.
        case member
        /// The version this one is about (OCI `subject`).
        case subject
    }

    package let kind: Kind
    /// What it points to: a version's name or a file's path, within the same package.
    package let target: String

    package init(_ kind: Kind, _ target: String) {
        self.kind = kind
        self.target = target
    }
}

/// A searchable key and value on a version.
package struct Property: Hashable, Sendable {
    package static let maximumKeyBytes = 255
    package static let maximumValueBytes = 2400
    /// How many a version may carry.
    package static let maximumCount = 100

    package let key: String
    package let value: String

    /// Answers nil when the key or the value is over its limit, the key is empty, or either has control characters.
    package init?(_ key: String, _ value: String) {
        guard key.isPrintable(limit: Self.maximumKeyBytes),
            value.isEmpty || value.isPrintable(limit: Self.maximumValueBytes)
        else { return nil }
        self.key = key
        self.value = value
    }
}
