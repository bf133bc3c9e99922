import ArgumentParser
import GranaryHTTP
import GranaryModel

/// `granary job`
struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Long work: what the server is doing, and what came of it.",
        discussion: """
            Examples:
              granary job list
              granary job show 3
            """,
        subcommands: [List.self, Show.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List long work, newest first.")
        @Option(help: "How many at most.") var limit = 20
        @OptionGroup var options: ClientOptions

        func validate() throws {
            guard (1...1000).contains(limit) else { throw ValidationError("--limit is a number from 1 to 1000") }
        }

        func run() async throws {
            try await perform { try Self.show(try await options.client().get("/jobs?limit=\(limit)"), options) }
        }

        static func show(_ jobs: [Wire.Job], _ options: ClientOptions) throws {
            if options.json { return try Terminal.json(jobs) }
            Terminal.table(
                ["ID", "KIND", "STATE", "ASKED BY", "CREATED", "RESULT"],
                jobs.map { job in
                    [
                        String(job.id), job.kind, job.state.rawValue, job.actor, job.createdAt.description,
                        String((job.result?.line ?? "").prefix(100))
                    ]
                })
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one job.")
        @Argument(help: "Its number.") var id: Int64
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform { try List.show([try await options.client().get("/jobs/\(id)")], options) }
        }
    }
}
