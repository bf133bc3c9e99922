import GranaryModel
import ArgumentParser
import GranaryHTTP

/// `granary user`
struct Users: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Users: who can log in.",
        discussion: """
            Examples:
              granary user add ann
              granary user add ci --no-password
              granary user password ann
              granary user disable ann
            """,
        subcommands: [List.self, Add.self, Password.self, Disable.self, Enable.self, Delete.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List all users.")
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform { try Self.show(try await options.client().get("/users"), options) }
        }

        static func show(_ users: [Wire.User], _ options: ClientOptions) throws {
            if options.json { return try Terminal.json(users) }
            Terminal.table(
                ["NAME", "ROLE", "STATE", "CREATED"],
                users.map {
                    [
                        $0.name, $0.administrator ? "administrator" : "user", $0.disabled ? "disabled" : "active",
                        $0.createdAt.description
                    ]
                })
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a user.",
            discussion: "Asks for a password, or reads it from standard input where that is no terminal.")
        @Argument(help: "The user's name.") var name: String
        @Flag(help: "May do everything.") var admin = false
        @Flag(help: "Has no password and logs in with access tokens only.") var noPassword = false
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform {
                let password = noPassword ? nil : Terminal.secret("New password for \(name): ")
                let user: Wire.User = try await options.client().post(
                    "/users", Wire.NewUser(name: name, password: password, administrator: admin))
                try List.show([user], options)
            }
        }
    }

    struct Password: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set a user's password.",
            discussion: "Asks for it, or reads it from standard input where that is no terminal.")
        @Argument(help: "The user's name.") var name: String
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform {
                let password = Terminal.secret("New password for \(name): ")
                try List.show([try await change(name, Wire.UserChange(password: password), options)], options)
            }
        }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Refuse every log-in of a user.")
        @Argument(help: "The user's name.") var name: String
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform {
                try List.show([try await change(name, Wire.UserChange(disabled: true), options)], options)
            }
        }
    }

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a disabled user log in again.")
        @Argument(help: "The user's name.") var name: String
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform {
                try List.show([try await change(name, Wire.UserChange(disabled: false), options)], options)
            }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a user, revoke their tokens and end their grants.")
        @Argument(help: "The user's name.") var name: String
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform { try await options.client().delete("/users/\(pathSegment(name))") }
        }
    }

    private static func change(
        _ name: String, _ change: Wire.UserChange, _ options: ClientOptions
    ) async throws -> Wire.User {
        try await options.client().patch("/users/\(pathSegment(name))", change)
    }
}
