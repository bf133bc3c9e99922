import ArgumentParser
import GranaryCore
import GranaryHTTP
import GranaryModel

/// `granary check`
struct CheckStorage: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Compare all stored bytes with their names and with the database.",
        discussion: """
            Damaged bytes are set aside, so that they are never served; pushing the same content again heals them. The
            command ends with 1 when anything is wrong.

            Examples:
              granary check                              # a server that runs
              granary check --data /var/lib/granary      # a data directory whose server is stopped
            """)

    @Option(help: "A data directory whose server is stopped; a server that runs is asked when left out.")
    var data: String?
    @OptionGroup var options: ClientOptions

    func run() async throws {
        try await perform {
            let report = try await report()
            if options.json { try Terminal.json(report) } else { Self.tell(report) }
            if report.problems > 0 { throw ExitCode(Outcome.failed.rawValue) }
        }
    }

    private func report() async throws -> CheckReport {
        if let data {
            return try await OfflineStores.open(data) { services in
                try await Check(services: services).run { report in
                    if Terminal.isWatched {
                        Terminal.note("\(report.checkedBlobs) blobs, \(report.checkedBytes) bytes")
                    }
                }
            }
        }
        let job = try await JobClient(client: try options.client()).run("/checks", [String: String]())
        return try job.report(CheckReport.self)
    }

    static func tell(_ report: CheckReport) {
        for finding in report.findings {
            Terminal.say("\(finding.kind.rawValue): \(finding.detail)")
            for use in finding.affects {
                let version = use.version.map { " of \($0)" } ?? ""
                Terminal.say("    affects \(use.repository)/\(use.package): \(use.path)\(version)")
            }
        }
        if report.problems > report.findings.count {
            Terminal.say("… and \(report.problems - report.findings.count) more")
        }
        Terminal.say("\(report.checkedBlobs) blobs (\(report.checkedBytes) bytes) checked, \(report.problems) problems")
    }
}
