import ArgumentParser
import FoundationEssentials

/// Which server a command speaks to, as whom, and how it shows what it got.
struct ClientOptions: ParsableArguments {
    @Option(help: "The server's address (default: GRANARY_SERVER, or where you logged in).")
    var server: String?

    @Flag(help: "Print JSON, for scripts.")
    var json = false

    /// The credential is `GRANARY_TOKEN`, or the one of `granary login`.
    func client() throws -> APIClient {
        let environment = ProcessInfo.processInfo.environment
        let login = ServerLogin.load()
        guard let address = server ?? environment["GRANARY_SERVER"] ?? login?.server else {
            throw Failure("log in first: granary login http://127.0.0.1:8080 --user admin", .usage)
        }
        guard APIClient.isAddress(address) else { throw APIClient.noAddress }
        let own = login.flatMap { $0.server == APIClient(server: address, authorization: nil).server ? $0.token : nil }
        let token = environment["GRANARY_TOKEN"] ?? own
        return APIClient(server: address, authorization: token.map { "Bearer \($0)" })
    }
}

extension AsyncParsableCommand {
    /// Runs the work of a command and turns its failure into a sentence and an exit code.
    func perform(_ work: () async throws -> Void) async throws {
        do {
            try await work()
        } catch let failure as Failure {
            throw failure.exit
        }
    }
}
