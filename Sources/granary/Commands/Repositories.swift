import ArgumentParser
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

        func change() throws -> Wire.SettingsChange {
            var change = Wire.SettingsChange()
            change.anonymousRead = anonymousRead
            change.isDefault = isDefault
            change.sparseIndexes = sparseIndexes
            change.description = description
            if let writePolicy {
                guard let policy = RepositorySettings.WritePolicy(rawValue: writePolicy) else {
                    throw Failure("--write-policy is allow, once or deny", .usage)
                }
                change.writePolicy = policy
            }
            return change
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
