import ArgumentParser
import FoundationEssentials
import GranaryFormat
import GranaryHTTP
import GranaryModel

/// `granary token`
struct Tokens: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Access tokens: credentials that can be taken back one by one.",
        discussion: """
            A token stands for all rights of its user. Use it in the place of a password, or as a Bearer token.

            Examples:
              granary token create "build server" --user ci --days 90
              granary token list --user ci
              granary token revoke 0123456789abcdef
            """,
        subcommands: [List.self, Create.self, Revoke.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List access tokens, newest first.")
        @Option(help: "Whose tokens; everybody's when left out, which takes an administrator.") var user: String?
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform {
                let query = user.map { "?user=\(pathSegment($0))" } ?? ""
                try Self.show(try await options.client().get("/tokens\(query)"), options)
            }
        }

        static func show(_ tokens: [Wire.Token], _ options: ClientOptions) throws {
            if options.json { return try Terminal.json(tokens) }
            Terminal.table(
                ["ID", "USER", "NAME", "EXPIRES", "LAST USED", "STATE"],
                tokens.map { token in
                    [
                        token.id, token.user, token.name, token.expiresAt?.description ?? "never",
                        token.lastUsedAt?.description ?? "never", token.revokedAt == nil ? "active" : "revoked"
                    ]
                })
        }
    }

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an access token. It is shown this once.")
        @Argument(help: "What it is for.") var name: String
        @Option(help: "Whose it is; your own when left out.") var user: String?
        @Option(help: "Days until it expires; never when left out.") var days: Int?
        @OptionGroup var options: ClientOptions

        func validate() throws {
            if let days, !(1...3650).contains(days) { throw ValidationError("--days is a number from 1 to 3650") }
        }

        func run() async throws {
            try await perform {
                let expiry = days.map { days in
                    Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
                        .adding(.seconds(days * 86400))
                }
                let token: Wire.Token = try await options.client().post(
                    "/tokens", Wire.NewToken(name: name, user: user, expiresAt: expiry))
                if options.json { return try Terminal.json(token) }
                Terminal.say(token.secret ?? "")
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Revoke an access token.")
        @Argument(help: "The token's identifier, as 'token list' shows it.") var id: String
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform { try await options.client().delete("/tokens/\(pathSegment(id))") }
        }
    }
}

/// `text` as it stands in a path or a query.
func pathSegment(_ text: String) -> String { percentEncoded(text) }
