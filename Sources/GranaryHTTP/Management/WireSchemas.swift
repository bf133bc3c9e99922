import GranaryCore
import GranaryModel

extension Wire {
    private static let moment = Schema.string("RFC 3339 in UTC", format: "date-time")

    private static let settingsFields: [Schema.Field] = [
        .optional("anonymousRead", .boolean("Whether anybody may read without credentials")),
        .optional("isDefault", .boolean("Whether it takes the names no other repository of its format has")),
        .optional(
            "writePolicy",
            .string(
                "What a publish may do to what exists",
                choices: RepositorySettings.WritePolicy.allCases.map(\.rawValue))),
        .optional("sparseIndexes", .boolean("Whether an index may name members that are not held")),
        .optional("description", .string("A sentence for people"))
    ]

    /// The named schemas of the document.
    static let schemas: [String: Schema] = [
        "Problem": .object([
            .required("type", .string("A URI that names the kind of problem")),
            .required("title", .string("The status in words")),
            .required("status", .integer("The HTTP status")),
            .required("detail", .string("What is wrong, and what would be right"))
        ]),
        "Version": .object([.required("version", .string("The server's version"))]),
        "Settings": .object(settingsFields),
        "Repository": .object([
            .required("name", .string("The first component of its address")),
            .required("format", .string("The name of its format")),
            .required("kind", kind),
            .required("settings", .named("Settings")),
            .required("createdAt", moment)
        ]),
        "NewRepository": .object([
            .required("name", .string(RepositoryName.grammar, length: 1...RepositoryName.maximumLength)),
            .required("format", .string("The name of its format")),
            .required("kind", kind),
            .optional("settings", .named("Settings"))
        ]),
        "User": .object([
            .required("name", .string("What is typed at a log-in prompt")),
            .required("administrator", .boolean("Whether everything is allowed")),
            .required("disabled", .boolean("Whether every log-in is refused")),
            .required("createdAt", moment)
        ]),
        "NewUser": .object([
            .required("name", .string(UserName.grammar, length: 1...64)),
            .optional("password", .string("At least 8 characters; without one, tokens only", length: 8...1024)),
            .optional("administrator", .boolean("Whether everything is allowed"))
        ]),
        "UserChange": .object([
            .optional("password", .string("The new password", length: 8...1024)),
            .optional("administrator", .boolean("Whether everything is allowed")),
            .optional("disabled", .boolean("Whether every log-in is refused"))
        ]),
        "Token": .object(tokenFields),
        "NewToken": .object([
            .required("name", .string("What it is for", length: 1...128)),
            .optional("user", .string("Whose it is; the caller's own when left out")),
            .optional("expiresAt", moment)
        ]),
        "Grant": .object([
            .required("id", .integer("Its number")),
            .optional("user", .string("Left out: everybody who has logged in")),
            .required("repository", .string(Pattern.grammar)),
            .required("package", .string(Pattern.grammar)),
            .required("rights", rights)
        ]),
        "NewGrant": .object([
            .optional("user", .string("Left out: everybody who has logged in")),
            .required("repository", .string(Pattern.grammar, length: 1...Pattern.maximumBytes)),
            .optional("package", .string("\(Pattern.grammar); all when left out", length: 1...Pattern.maximumBytes)),
            .required("rights", rights)
        ]),
        "Event": .object(eventFields),
        "EventPage": .object([
            .required("events", .array(.named("Event"))),
            .required("next", .integer("What to ask 'since' next"))
        ]),
        "TagChange": .object([
            .required("tag", .string("The tag")),
            .required("version", .string("What it pointed to")),
            .required("from", .integer("The position of the history since when")),
            .optional("until", .integer("The position until when; left out while it still does")),
            .required("movedAt", moment),
            .required("actor", .string("Who set it")),
            .optional("endedBy", .string("Who moved or removed it; left out while it still points there"))
        ]),
        "Job": .object(jobFields),
        "BackupRequest": .object([
            .optional("keep", .integer("How many backups to keep; all when left out", minimum: 1, maximum: 100_000))
        ]),
        "SweepRequest": .object([
            .optional(
                "graceSeconds",
                .integer(
                    "How long bytes must have been in no use to be removed; as configured when left out", minimum: 0,
                    maximum: Int(Management.maximumGraceSeconds))),
            .optional("dryRun", .boolean("Say what would be done, and do nothing"))
        ])
    ]

    private static let jobFields: [Schema.Field] = [
        .required("id", .integer("Its number")),
        .required("kind", .string("What is done")),
        .required("state", .string("Where it stands", choices: GranaryModel.Job.State.allCases.map(\.rawValue))),
        .required("actor", .string("Who asked for it")),
        .required("input", .any("How it is done")),
        .optional("result", .any("What came of it, or how far it is; of a failed job, the error")),
        .required("createdAt", moment),
        .optional("startedAt", moment),
        .optional("finishedAt", moment)
    ]

    private static let kind = Schema.string(
        "Where its content comes from", choices: RepositoryKind.allCases.map(\.rawValue))

    private static let rights = Schema.array(
        .string("A right", choices: ["read", "write", "delete", "admin"]))

    private static let tokenFields: [Schema.Field] = [
        .required("id", .string("Its public part")),
        .required("user", .string("Whose it is")),
        .required("name", .string("What it is for")),
        .required("createdAt", moment),
        .optional("expiresAt", moment),
        .optional("lastUsedAt", moment),
        .optional("revokedAt", moment),
        .optional("secret", .string("The token itself; only in the answer that makes it"))
    ]

    private static let eventFields: [Schema.Field] = [
        .required("sequence", .integer("Its position in the history")),
        .required("time", moment),
        .required("actor", .string("Who did it")),
        .required("verb", .string("What was done", choices: Verb.allCases.map(\.rawValue))),
        .optional("repository", .string("Where")),
        .optional("package", .string("To which package")),
        .required("target", .string("To what")),
        .optional("before", .any("What it was")),
        .optional("after", .any("What it became"))
    ]
}
