import GranaryCore
package import GranaryModel

extension Wire {
    /// What a waiver is made from.
    package struct NewWaiver: Codable, Sendable {
        package var package: String
        /// All when left out.
        package var versions: String?
        package var until: Timestamp
        package var reason: String

        package init(package: String, versions: String?, until: Timestamp, reason: String) {
            self.package = package
            self.versions = versions
            self.until = until
            self.reason = reason
        }
    }

    /// Where requests for a package are answered from, and why.
    package struct Explanation: Codable, Sendable {
        /// What is done about it in one repository.
        package struct Member: Codable, Sendable {
            package let repository: String
            package let kind: RepositoryKind
            package let isAsked: Bool
            package let hasContent: Bool?
            package let reason: String
        }

        package let package: String
        package let isOwned: Bool
        package let owner: String?
        package let members: [Member]

        init(_ explanation: GranaryCore.Explanation) {
            package = explanation.package.text
            isOwned = explanation.owner != nil
            owner = explanation.owner
            members = explanation.members.map { member in
                Member(
                    repository: member.repository.name.text, kind: member.repository.kind, isAsked: member.isAsked,
                    hasContent: member.hasContent, reason: member.reason)
            }
        }
    }

    static let upstreamSchemas: [String: Schema] = [
        "Waiver": .object([
            .required("id", .integer("Its number, in the repository")),
            .required("package", .string(Pattern.grammar)),
            .required("versions", .string(Pattern.grammar)),
            .required("until", .string("RFC 3339 in UTC", format: "date-time")),
            .required("reason", .string("Why")),
            .required("actor", .string("Who decided it")),
            .required("madeAt", .string("RFC 3339 in UTC", format: "date-time"))
        ]),
        "NewWaiver": .request([
            .required("package", .printable(Pattern.grammar, limit: Pattern.maximumBytes)),
            .optional("versions", .printable("\(Pattern.grammar); all when left out", limit: Pattern.maximumBytes)),
            .required("until", .comingMoment("RFC 3339, in the future")),
            .required("reason", .showable("Why, for people", limit: Waiver.maximumReasonBytes))
        ]),
        "Explanation": .object([
            .required("package", .string("As its format spells it")),
            .required("isOwned", .boolean("Whether no upstream is asked about it")),
            .optional("owner", .string("Why none is")),
            .required("members", .array(.named("ExplainedMember")))
        ]),
        "ExplainedMember": .object([
            .required("repository", .string("Its name")),
            .required(
                "kind",
                .string("Where its content comes from", choices: RepositoryKind.allCases.map(\.rawValue))),
            .required("isAsked", .boolean("Whether a request gets as far as this")),
            .optional(
                "hasContent", .boolean("Whether it has something of the package; left out of what you may not read")),
            .required("reason", .string("Why it is asked or not"))
        ])
    ]
}
