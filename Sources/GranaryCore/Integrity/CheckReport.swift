import GranaryStore

/// What a check looked at, and what it found wrong.
package struct CheckReport: Codable, Sendable, Equatable {
    /// More findings are counted but not listed.
    package static let maximumFindings = 1000
    /// More places that a damaged blob is named at are not listed.
    static let maximumUses = 100

    /// Something that is wrong, and what it affects.
    package struct Finding: Codable, Sendable, Equatable {
        /// What can be wrong.
        package enum Kind: String, Codable, Sendable, CaseIterable {
            /// The bytes are not what their name says; they were set aside.
            case damaged
            /// A row names bytes that are not stored.
            case missing
            /// A row says another size than the bytes have.
            case size
            /// A version needs a file its package does not hold.
            case incomplete
            /// The database itself is damaged.
            case database
        }

        package let kind: Kind
        /// In a sentence.
        package let detail: String
        /// The blob, `sha256:…`, where it is one.
        package let blob: String?
        /// Where it is named.
        package let affects: [Use]
    }

    /// A file that is named somewhere.
    package struct Use: Codable, Sendable, Equatable {
        package let repository: String
        package let package: String
        package let path: String
        /// Left out of a file that stands for itself.
        package let version: String?

        init(_ use: BlobUse) {
            (repository, package, path, version) = (use.repository, use.package, use.path, use.version)
        }

        init(_ incomplete: IncompleteVersion) {
            (repository, package) = (incomplete.repository, incomplete.package)
            (path, version) = (incomplete.target, incomplete.version)
        }
    }

    package var checkedBlobs = 0
    package var checkedBytes: Int64 = 0
    /// How many things are wrong, listed or not.
    package var problems = 0
    package var findings: [Finding] = []

    /// Without the findings: how far it is.
    var progress: CheckReport {
        var progress = self
        progress.findings = []
        return progress
    }

    mutating func add(_ finding: Finding) {
        problems += 1
        if findings.count < Self.maximumFindings { findings.append(finding) }
    }
}
