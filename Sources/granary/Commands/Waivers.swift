import ArgumentParser
import Foundation
import GranaryHTTP
import GranaryModel

/// `granary waiver`
struct Waivers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "waiver", abstract: "Waivers: versions that are served although they are too young.",
        discussion: """
            A remote repository may hold versions back until they have been out for a while (--minimum-age-seconds). A
            waiver lets some pass, for some days, and says why.

            Examples:
              granary waiver add far left-pad --versions 1.3.1 --days 7 --reason 'fixes our outage'
              granary waiver list far
              granary waiver remove far 2
            """,
        subcommands: [List.self, Add.self, Remove.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the waivers of a repository.")
        @Argument(help: "The remote repository.") var repository: String
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform {
                try Self.show(
                    try await options.client().get("/repositories/\(pathSegment(repository))/waivers"), options)
            }
        }

        static func show(_ waivers: [Waiver], _ options: ClientOptions) throws {
            if options.json { return try Terminal.json(waivers) }
            Terminal.table(
                ["ID", "PACKAGE", "VERSIONS", "UNTIL", "BY", "REASON"],
                waivers.map {
                    [
                        String($0.id), $0.package.text, $0.versions.text, $0.until.description, $0.actor, $0.reason
                    ]
                })
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let versions pass.")
        @Argument(help: "The remote repository.") var repository: String
        @Argument(help: "A pattern over packages.") var package: String
        @Option(help: "A pattern over versions; all when left out.") var versions: String?
        @Option(help: "Days until it expires.") var days: Int
        @Option(help: "Why, for people.") var reason: String
        @OptionGroup var options: ClientOptions

        func validate() throws {
            if !(1...3650).contains(days) { throw ValidationError("--days is a number from 1 to 3650") }
        }

        func run() async throws {
            try await perform {
                let until = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
                    .adding(.seconds(days * 86400))
                let made: Waiver = try await options.client().post(
                    "/repositories/\(pathSegment(repository))/waivers",
                    Wire.NewWaiver(package: package, versions: versions, until: until, reason: reason))
                try List.show([made], options)
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a waiver.")
        @Argument(help: "The remote repository.") var repository: String
        @Argument(help: "The waiver's number, as 'waiver list' shows it.") var id: Int64
        @OptionGroup var options: ClientOptions

        func run() async throws {
            try await perform {
                try await options.client().delete("/repositories/\(pathSegment(repository))/waivers/\(id)")
            }
        }
    }
}
