import GranaryCore
import GranaryModel

extension Wire {
    /// The named schemas of the document of a server that speaks these formats.
    static func schemas(formats: [FormatName]) -> [String: Schema] {
        let newRepository = Schema.request([
            .required("name", .repositoryName()),
            .required("format", .string("The name of its format", choices: formats.map(\.text))),
            .required("kind", .string("Where its content comes from", choices: Management.kinds.map(\.rawValue))),
            .optional("settings", .named("SettingsChange"))
        ])
        return answers.merging(requests) { $1 }.merging(upstreamSchemas) { $1 }.merging(["NewRepository": newRepository]
        ) { $1 }
    }

    private static let answers: [String: Schema] = [
        "Problem": .object([
            .required("type", .string("A URI that names the kind of problem")),
            .required("title", .string("The status in words")),
            .required("status", .integer("The HTTP status")),
            .required("detail", .string("What is wrong, and what would be right"))
        ]),
        "Version": .object([.required("version", .string("The server's version"))]),
        "Settings": .object(
            settings.map { .required($0, $1) } + [
                .optional("upstream", .named("Upstream")), .optional("members", .named("MemberSettings"))
            ]),
        "Upstream": .object(
            upstream.map { .optional($0, $1) } + [.optional("waivers", .array(.named("Waiver")))]),
        "MemberSettings": .request(members),
        "Repository": .object([
            .required("name", .string("The first component of its address")),
            .required("format", .string("The name of its format")),
            .required(
                "kind",
                .string("Where its content comes from", choices: RepositoryKind.allCases.map(\.rawValue))),
            .required("settings", .named("Settings")),
            .required("createdAt", moment)
        ]),
        "User": .object([
            .required("name", .string("What is typed at a log-in prompt")),
            .required("administrator", .boolean("Whether everything is allowed")),
            .required("disabled", .boolean("Whether every log-in is refused")),
            .required("createdAt", moment)
        ]),
        "Token": .object(tokenFields),
        "Grant": .object([
            .required("id", .integer("Its number")),
            .optional("user", .string("Left out: everybody who has logged in")),
            .required("repository", .string(Pattern.grammar)),
            .required("package", .string(Pattern.grammar)),
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
        "Job": .object(jobFields)
    ]

    /// But for `NewRepository`, which depends on the server.
    private static let requests: [String: Schema] = [
        "SettingsChange": .request(
            settings.map { .optional($0, $1) } + [
                .optional("upstream", .named("UpstreamChange")), .optional("members", .named("MemberSettings"))
            ]),
        "UpstreamChange": .request(
            upstream.map { .optional($0, $1) } + [
                .optional(
                    "password",
                    .showable(
                        "Of the user, or a bearer token; never shown; empty takes it away",
                        limit: UpstreamSettings.maximumSecretBytes, mayBeEmpty: true))
            ]),
        "NewUser": .request([
            .required("name", .userName(UserName.grammar)),
            .optional("password", password("At least 8 characters; without one, tokens only")),
            .optional("administrator", .boolean("Whether everything is allowed"))
        ]),
        "UserChange": .request([
            .optional("password", password("The new password")),
            .optional("administrator", .boolean("Whether everything is allowed")),
            .optional("disabled", .boolean("Whether every log-in is refused"))
        ]),
        "NewToken": .request([
            .required("name", .showable("What it is for", limit: Management.maximumTokenNameBytes)),
            .optional("user", .userName("Whose it is; the caller's own when left out")),
            .optional("expiresAt", .comingMoment("RFC 3339, in the future; never when left out"))
        ]),
        "NewGrant": .request([
            .optional("user", .userName("Left out: everybody who has logged in")),
            .required("repository", .printable(Pattern.grammar, limit: Pattern.maximumBytes)),
            .optional("package", .printable("\(Pattern.grammar); all when left out", limit: Pattern.maximumBytes)),
            .required("rights", rights)
        ]),
        "BackupRequest": .request([
            .optional("keep", .integer("How many backups to keep; all when left out", minimum: 1, maximum: 100_000))
        ]),
        "SweepRequest": .request([
            .optional(
                "graceSeconds",
                .integer(
                    "How long bytes must have been in no use to be removed; as configured when left out", minimum: 0,
                    maximum: Int(Management.maximumGraceSeconds))),
            .optional("dryRun", .boolean("Say what would be done, and do nothing"))
        ])
    ]

    private static let moment = Schema.string("RFC 3339 in UTC", format: "date-time")

    private static let settings: [(String, Schema)] = [
        ("anonymousRead", .boolean("Whether anybody may read without credentials")),
        ("isDefault", .boolean("Whether it takes the names no other repository of its format has")),
        (
            "writePolicy",
            .string(
                "What a publish may do to what exists",
                choices: RepositorySettings.WritePolicy.allCases.map(\.rawValue))
        ),
        ("sparseIndexes", .boolean("Whether an index may name members that are not held")),
        (
            "description",
            .showable("A sentence for people", limit: RepositorySettings.maximumDescriptionBytes, mayBeEmpty: true)
        )
    ]

    private static let patterns = Schema.array(.printable(Pattern.grammar, limit: Pattern.maximumBytes))

    private static let upstream: [(String, Schema)] = [
        (
            "url",
            .string(
                "http or https; the format's addresses follow it", length: 1...(UpstreamSettings.maximumURLBytes - 1),
                pattern: "^https?://[A-Za-z0-9][A-Za-z0-9.:_-]*(/[A-Za-z0-9._~!$&'()*+,;=:%/-]*)?$")
        ),
        (
            "user",
            .string(
                "Nobody known when empty; without one, the password is a bearer token", length: 0...255,
                pattern: "^[ -9;-~]*$")
        ),
        ("allowsPrivateAddresses", .boolean("Whether it may have a private or loopback address")),
        ("isOffline", .boolean("Whether it is never asked: what is in the cache is all there is")),
        ("include", patterns), ("exclude", patterns),
        (
            "freshSeconds",
            .integer(
                "For how long documents are taken as they are", minimum: 0,
                maximum: Int(UpstreamSettings.maximumSeconds))
        ),
        (
            "minimumAgeSeconds",
            .integer(
                "How long a version must have been out to be served", minimum: 0,
                maximum: Int(UpstreamSettings.maximumSeconds))
        ),
        (
            "cacheBytes",
            .integer("What the cache may hold", minimum: 0, maximum: Int(UpstreamSettings.maximumCacheBytes))
        ),
        (
            "namespace",
            .string(
                "What clients that use the server as a mirror call the upstream, as host or host:port; where its URL "
                    + "leads when empty",
                length: 0...UpstreamSettings.maximumNameBytes, pattern: "^([a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?)?$")
        ),
        (
            "shortNamePrefix",
            .string(
                "Below which name the upstream has what is asked for by a name of one component; names are taken as they "
                    + "are when empty",
                length: 0...UpstreamSettings.maximumNameBytes,
                pattern: "^([a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*)?$")
        )
    ]

    private static let members: [Schema.Field] = [
        .required(
            "order",
            .array(
                .printable(
                    "Local or remote repositories of the same format; the first that has something wins", limit: 64))),
        .optional("deployment", .printable("The local member that takes what is published", limit: 64)),
        .optional("reserved", patterns)
    ]

    private static func password(_ description: String) -> Schema {
        .string(description, length: Management.minimumPasswordLength...Management.maximumPasswordBytes)
    }

    private static let rights = Schema.array(
        .string("A right", choices: ["read", "write", "delete", "admin"]), minimum: 1)

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
