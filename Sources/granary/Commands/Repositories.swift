import ArgumentParser
import Foundation
import GranaryHTTP
import GranaryModel

/// `granary repo`
struct Repositories: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repo", abstract: "Repositories: where packages live.",
        discussion: """
            Examples:
              granary repo list
              granary repo create web --format oci --anonymous-read true
              granary repo set web --write-policy once
              granary repo create pypi --format pypi --kind remote --upstream https://index.example/
              granary repo create py --format pypi --kind virtual --member own --member pypi --deployment own
              granary repo delete web
            """,
        subcommands: [List.self, Show.self, Create.self, Change.self, Delete.self], defaultSubcommand: List.self)

    /// The settings that can be given when a repository is made or changed.
    struct SettingsOptions: ParsableArguments {
        @Option(help: "Whether anybody may read without credentials: true or false.") var anonymousRead: Bool?
        @Option(help: "Whether it takes the names no other repository of its format has: true or false.")
        var isDefault: Bool?
        @Option(help: "What a publish may do to what exists: allow, once or deny.") var writePolicy: String?
        @Option(help: "Whether an index may name members that are not held: true or false.")
        var sparseIndexes: Bool?
        @Option(help: "A sentence for people.") var description: String?
        @OptionGroup(title: "Remote repositories") var upstream: UpstreamOptions
        @OptionGroup(title: "Virtual repositories") var members: MemberOptions

        func change() throws -> Wire.SettingsChange {
            var change = Wire.SettingsChange()
            change.anonymousRead = anonymousRead
            change.isDefault = isDefault
            change.sparseIndexes = sparseIndexes
            change.description = description
            change.upstream = try upstream.change()
            change.members = members.change
            if let writePolicy {
                guard let policy = RepositorySettings.WritePolicy(rawValue: writePolicy) else {
                    throw Failure("--write-policy is allow, once or deny", .usage)
                }
                change.writePolicy = policy
            }
            return change
        }
    }

    /// The settings of an upstream.
    struct UpstreamOptions: ParsableArguments {
        @Option(name: .customLong("upstream"), help: "The URL of the server that content comes from.") var url: String?
        @Option(name: .customLong("upstream-user"), help: "The user there.") var user: String?
        @Option(
            name: .customLong("upstream-password-file"), help: "A file with the password, or with a token of no user.")
        var passwordFile: String?
        @Option(help: "Whether the upstream may have a private address: true or false.")
        var allowPrivateAddresses: Bool?
        @Option(help: "Whether the upstream is never asked: true or false.") var offline: Bool?
        @Option(help: "A pattern of names that are asked for; may be repeated.") var include: [String] = []
        @Option(help: "A pattern of names that are not asked for; may be repeated.") var exclude: [String] = []
        @Option(help: "For how many seconds documents that change are taken as they are.") var freshSeconds: Int64?
        @Option(help: "How many seconds a version must have been out to be served.") var minimumAgeSeconds: Int64?
        @Option(help: "How many bytes the cache may hold.") var cacheBytes: Int64?
        @Option(
            name: .customLong("upstream-namespace"),
            help: "What clients that use the server as a mirror call the upstream: host or host:port.")
        var namespace: String?
        @Option(help: "Below which name the upstream has what is asked for by a name of one component.")
        var shortNamePrefix: String?

        func change() throws -> Wire.UpstreamChange? {
            var change = Wire.UpstreamChange()
            change.url = url
            change.user = user
            if let passwordFile {
                guard let text = try? String(contentsOfFile: passwordFile, encoding: .utf8) else {
                    throw Failure("'\(passwordFile)' cannot be read", .usage)
                }
                change.password = text.trimmingCharacters(in: .newlines)
            }
            change.allowsPrivateAddresses = allowPrivateAddresses
            change.isOffline = offline
            change.include = include.isEmpty ? nil : include
            change.exclude = exclude.isEmpty ? nil : exclude
            change.freshSeconds = freshSeconds
            change.minimumAgeSeconds = minimumAgeSeconds
            change.cacheBytes = cacheBytes
            change.namespace = namespace
            change.shortNamePrefix = shortNamePrefix
            let isEmpty =
                url == nil && user == nil && passwordFile == nil && allowPrivateAddresses == nil && offline == nil
                && include.isEmpty && exclude.isEmpty && freshSeconds == nil && minimumAgeSeconds == nil
                && cacheBytes == nil && namespace == nil && shortNamePrefix == nil
            return isEmpty ? nil : change
        }
    }

    /// Which repositories a virtual one is made of.
    struct MemberOptions: ParsableArguments {
        @Option(help: "A repository behind it; may be repeated, in the order in which they count.")
        var member: [String] = []
        @Option(help: "The local member that takes what is published.") var deployment: String?
        @Option(help: "A pattern of names that no upstream is asked about; may be repeated.") var reserved: [String] =
            []

        /// The members are said all at once: one list takes the place of the other.
        var change: MemberSettings? {
            member.isEmpty ? nil : MemberSettings(order: member, deployment: deployment, reserved: reserved)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the repositories you have any right on.")
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform { try Self.show(try await options.client().get("/repositories"), options) }
        }

        static func show(_ repositories: [Wire.Repository], _ options: ClientOptions) throws {
            if options.json { return try Terminal.json(repositories) }
            Terminal.table(
                ["NAME", "FORMAT", "KIND", "ANONYMOUS", "WRITES", "DEFAULT", "DESCRIPTION"],
                repositories.map { repository in
                    [
                        repository.name, repository.format, repository.kind.rawValue,
                        repository.settings.anonymousRead ? "read" : "none", repository.settings.writePolicy.rawValue,
                        repository.settings.isDefault ? "yes" : "no", repository.settings.description
                    ]
                })
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one repository.")
        @Argument(help: "The repository's name.") var name: String
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform {
                try List.show([try await options.client().get("/repositories/\(pathSegment(name))")], options)
            }
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a repository.")
        @Argument(help: "Its name: the first component of its address.") var name: String
        @Option(help: "What it holds.") var format: String
        @Option(help: "Where its content comes from: local, remote or virtual.") var kind: String = "local"
        @OptionGroup var settings: SettingsOptions
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform {
                let made: Wire.Repository = try await options.client().post(
                    "/repositories",
                    Wire.NewRepository(name: name, format: format, kind: kind, settings: try settings.change()))
                try List.show([made], options)
            }
        }
    }

    struct Change: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Change settings of a repository; what is not given stays.")
        @Argument(help: "The repository's name.") var name: String
        @OptionGroup var settings: SettingsOptions
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform {
                let changed: Wire.Repository = try await options.client().patch(
                    "/repositories/\(pathSegment(name))", try settings.change())
                try List.show([changed], options)
            }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a repository that holds no files.")
        @Argument(help: "The repository's name.") var name: String
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform { try await options.client().delete("/repositories/\(pathSegment(name))") }
        }
    }
}
