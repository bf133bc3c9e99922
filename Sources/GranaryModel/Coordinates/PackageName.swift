/// The name of a package inside a repository, as its format spells it: an image name, an npm package, a directory.
package struct PackageName: Name {
    package static let maximumBytes = 1024
    package static let grammar = "1 to 1024 bytes without control characters"
    package let text: String

    package init?(_ text: String) {
        guard text.isPrintable(limit: Self.maximumBytes) else { return nil }
        self.text = text
    }
}

/// An immutable coordinate of a package. For OCI it is the manifest digest.
package struct VersionName: Name {
    package static let maximumBytes = 512
    package static let grammar = "1 to 512 bytes without control characters"
    package let text: String

    package init?(_ text: String) {
        guard text.isPrintable(limit: Self.maximumBytes) else { return nil }
        self.text = text
    }
}

/// A mutable name that points to a version: an OCI tag, an npm dist-tag, a channel.
package struct TagName: Name {
    package static let maximumBytes = 255
    package static let grammar = "1 to 255 bytes without control characters"
    package let text: String

    package init?(_ text: String) {
        guard text.isPrintable(limit: Self.maximumBytes) else { return nil }
        self.text = text
    }
}

/// Where a file stands inside its package, as its format spells it.
package struct FilePath: Name {
    package static let maximumBytes = 1024
    package static let grammar = "1 to 1024 bytes without control characters"
    package let text: String

    package init?(_ text: String) {
        guard text.isPrintable(limit: Self.maximumBytes) else { return nil }
        self.text = text
    }

    /// What is named by what it is: `sha256:…`.
    package init(_ digest: BlobDigest) { text = digest.description }
}

/// The identifier of a format: `oci`, `generic`, … It is also the mount of its repositories.
package struct FormatName: Name {
    package static let grammar = "1 to 32 lower-case letters and digits"
    package let text: String

    package init?(_ text: String) {
        guard (1...32).contains(text.utf8.count), isPathComponent(text.utf8[...]) else { return nil }
        self.text = text
    }

    /// For text known to be a format's name: the constants in the formats.
    package init(checked text: String) { self.text = text }
}

/// The name of a user: shown in the history, typed at a log-in prompt.
package struct UserName: Name {
    package static let maximumLength = 64
    package static let grammar =
        "1 to 64 lower-case letters and digits, joined by single '.', '_', '__' or runs of '-'"
    package let text: String

    package init?(_ text: String) {
        guard (1...Self.maximumLength).contains(text.utf8.count), isPathComponent(text.utf8[...]) else { return nil }
        self.text = text
    }
}
