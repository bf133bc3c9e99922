import ArgumentParser
import GranaryCore
import GranaryHTTP
import GranaryModel

/// `granary gc`
struct CollectGarbage: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Give back the space of bytes that nothing needs.",
        discussion: """
            The server does this by itself every hour (sweep.interval), and goes on serving meanwhile. Bytes go when nothing
            has needed them for the grace period (sweep.grace, a day). With --grace 0s not even what a client asked for a moment
            ago stays: a push that is under way may have to be tried again.

            Examples:
              granary gc --dry-run
              granary gc
              granary gc --grace 0s
            """)

    @Flag(help: "Say what would be done, and do nothing.") var dryRun = false
    @Option(help: "How long bytes must have been in no use, such as 0s, 30m, 24h or 7d.") var grace: String?
    @OptionGroup var options: ClientOptions

    func run() async throws {
        try await perform {
            let seconds = try grace.map(seconds)
            let job = try await JobClient(client: try options.client()).run(
                "/sweeps", Wire.SweepRequest(graceSeconds: seconds, dryRun: dryRun))
            let report = try job.report(SweepReport.self)
            if options.json { return try Terminal.json(report) }
            Self.tell(report)
        }
    }

    private func seconds(_ text: String) throws -> Int64 {
        guard let seconds = durationSeconds(text) else {
            throw Failure("--grace is a number with a unit, such as 0s, 30m, 24h or 7d", .usage)
        }
        return seconds
    }

    private static func tell(_ report: SweepReport) {
        let would = report.isDryRun ? "would be " : ""
        Terminal.table(
            ["", "COUNT", "BYTES"],
            [
                ["files no version needs, \(would)taken out", String(report.endedFiles), ""],
                [
                    "blobs newly found in no use, \(would)marked", String(report.markedBlobs),
                    String(report.markedBytes)
                ],
                ["blobs in no use for long, \(would)removed", String(report.removedBlobs), String(report.removedBytes)],
                ["blobs due but taken up again", String(report.rescuedBlobs), ""]
            ])
        if report.isOnHold { Terminal.say("A backup is under way; nothing was removed.") }
    }
}

/// Seconds of a number with a unit: `90s`, `30m`, `24h`, `7d`. Nil for anything else, and beyond ten years.
func durationSeconds(_ text: String) -> Int64? {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
    guard let unit = text.last.flatMap({ units[$0] }), text.utf8.count <= 10,
        let number = Int64(text.dropLast()), number >= 0, number * unit <= 3650 * 86400
    else { return nil }
    return number * unit
}
