import ArgumentParser
import FoundationEssentials
import GranaryHTTP

/// `granary login`
struct Login: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Log in to a server and keep a token for it.",
        discussion: """
            Makes an access token and keeps it, with the server's address, in a file only you can read.

            Examples:
              granary login http://127.0.0.1:8080 --user admin
              granary login https://registry.example.org --user ci --password-stdin < secret
            """)

    @Argument(help: "The server's address.")
    var server: String

    @Option(name: .shortAndLong, help: "The user's name.")
    var user: String

    @Flag(help: "Read the password from standard input.")
    var passwordStdin = false

    func run() async throws {
        try await perform {
            guard APIClient.isAddress(server) else { throw APIClient.noAddress }
            let password = passwordStdin ? readLine() ?? "" : Terminal.secret("Password for \(user): ")
            let client = APIClient(server: server, authorization: APIClient.basic(user, password))
            let host = ProcessInfo.processInfo.hostName
            let token: Wire.Token = try await client.post(
                "/tokens", Wire.NewToken(name: "granary login on \(host)", user: nil, expiresAt: nil))
            let login = ServerLogin(
                server: client.server, user: user, tokenID: token.id, token: token.secret ?? "")
            do {
                try login.save()
            } catch {
                throw Failure("the login cannot be kept in \(ServerLogin.path): \(error)", .failed)
            }
            Terminal.say("Logged in to \(client.server) as \(user); the token \(token.id) is in \(ServerLogin.path)")
        }
    }
}

/// `granary logout`
struct Logout: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Revoke the kept token and forget it.",
        discussion: """
            Example:
              granary logout
            """)

    func run() async throws {
        try await perform {
            guard let login = ServerLogin.load() else { throw Failure("nobody is logged in", .notFound) }
            let client = APIClient(server: login.server, authorization: "Bearer \(login.token)")
            do {
                try await client.delete("/tokens/\(login.tokenID)")
            } catch let failure as Failure where failure.outcome == .notFound || failure.outcome == .refused {
                // It was revoked already, which is what is wanted.
            }
            try ServerLogin.forget()
            Terminal.say("Logged out of \(login.server)")
        }
    }
}
