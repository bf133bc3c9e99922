import ArgumentParser
import GranaryHTTP

/// `granary grant`
struct Grants: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grant", abstract: "Grants: who may do what where.",
        discussion: """
            A grant gives rights on the packages of the repositories that two patterns name: '*' stands for anything
            within one path component, '**' for anything at all.

            Examples:
              granary grant add --user ann --repository docker --rights read,write
              granary grant add --user ci --repository docker --package 'team/**' --rights read,write,delete
              granary grant add --everybody --repository '**' --rights read
              granary grant remove 3
            """,
        subcommands: [List.self, Add.self, Remove.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List all grants.")
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform { try Self.show(try await options.client().get("/grants"), options) }
        }

        static func show(_ grants: [Wire.Grant], _ options: ClientOptions) throws {
            if options.json { return try Terminal.json(grants) }
            Terminal.table(
                ["ID", "USER", "REPOSITORY", "PACKAGE", "RIGHTS"],
                grants.map {
                    [
                        String($0.id), $0.user ?? "(everybody)", $0.repository, $0.package,
                        $0.rights.joined(separator: ",")
                    ]
                })
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Grant rights.")
        @Option(help: "To whom.") var user: String?
        @Flag(help: "To everybody who has logged in.") var everybody = false
        @Option(help: "A pattern over repositories.") var repository: String
        @Option(help: "A pattern over packages.") var package: String = "**"
        @Option(help: "Of read, write, delete and admin, with commas.") var rights: String
        @OptionGroup var options: ClientOptions

        func validate() throws {
            if (user == nil) != everybody { throw ValidationError("Give either --user or --everybody.") }
        }

        func run() async throws {
            try await perform {
                let grant: Wire.Grant = try await options.client().post(
                    "/grants",
                    Wire.NewGrant(
                        user: user, repository: repository, package: package,
                        rights: rights.split(separator: ",").map { String($0.filter { $0 != " " }) }))
                try List.show([grant], options)
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a grant.")
        @Argument(help: "The grant's number, as 'grant list' shows it.") var id: Int64
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform { try await options.client().delete("/grants/\(id)") }
        }
    }
}
