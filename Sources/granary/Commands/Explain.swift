import ArgumentParser
import GranaryHTTP
import GranaryModel

/// `granary explain`
struct Explain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say where requests for a package are answered from, and why.",
        discussion: """
            Examples:
              granary explain npm left-pad
              granary explain maven org.acme:tool
            """)

    @Argument(help: "The repository that is asked.") var repository: String
    @Argument(help: "The package.") var package: String
    @OptionGroup var options: ClientOptions

    func run() async throws {
        try await perform {
            let explanation: Wire.Explanation = try await options.client().get(
                "/repositories/\(pathSegment(repository))/explanation?package=\(pathSegment(package))")
            if options.json { return try Terminal.json(explanation) }
            Terminal.say(
                explanation.owner.map { "\(explanation.package): \($0), so no upstream is asked about it" }
                    ?? "\(explanation.package): nobody here owns the name")
            Terminal.table(
                ["REPOSITORY", "KIND", "ASKED", "HAS IT", "WHY"],
                explanation.members.map { member in
                    [
                        member.repository, member.kind.rawValue, member.isAsked ? "yes" : "no",
                        member.hasContent.map { $0 ? "yes" : "no" } ?? "-", member.reason
                    ]
                })
        }
    }
}
