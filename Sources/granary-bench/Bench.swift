import ArgumentParser
import FoundationEssentials
import Glibc

/// Measures Granary beside other servers on this machine.
@main
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "granary-bench",
        abstract: "Measure Granary beside other servers.",
        discussion: "What each item does, and how to read the report, is said in docs/operations/performance.md.")

    @Option(help: "The binary of Granary.")
    var granary = ".build/release/granary"

    @Option(help: "The Python environment with pypiserver and devpi-server.")
    var pythonPeers = ".build/bench-peers"

    @Option(help: "Items to run, separated by commas; --list shows them.")
    var only: String?

    @Option(help: "Servers to run, separated by commas: \(Bench.known) (default: all).")
    var servers: String?

    @Option(help: "How often every server is measured (default: 5, or 2 with --quick).")
    var rounds: Int?

    @Flag(help: "Smaller and shorter: a run in about two minutes.")
    var quick = false

    @Flag(help: "Let no server log its requests.")
    var noRequestLogs = false

    @Option(help: "Where the servers keep their data while they run; deleted afterwards.")
    var folder = ".build/bench/servers"

    @Option(help: "Where the report is written as JSON (default: .build/bench/TIME.json).")
    var json: String?

    @Flag(help: "List the items and end.")
    var list = false

    func validate() throws {
        guard rounds ?? 1 >= 1, rounds ?? 1 <= 100 else { throw ValidationError("--rounds is a number from 1 to 100") }
    }

    func run() throws {
        let cleanup = Cleanup()
        cleanup.catchSignals()
        do {
            try measure(cleanup)
        } catch let error as BenchFailure {
            cleanup.all()
            Console.progress("granary-bench: \(error)")
            throw ExitCode.failure
        }
        cleanup.all()
    }

    private static let known = PeerKind.allCases.map(\.rawValue).joined(separator: ", ")

    private func peers() throws -> [PeerKind] {
        guard let servers else { return PeerKind.allCases }
        return try servers.split(separator: ",").map { name in
            guard let kind = PeerKind.allCases.first(where: { $0.rawValue.lowercased() == name.lowercased() }) else {
                throw BenchFailure("there is no server '\(name)'; there are: \(Self.known)")
            }
            return kind
        }
    }

    private func measure(_ cleanup: Cleanup) throws {
        let scale = Scale(isQuick: quick)
        let works = try Works(scale: scale).works(only: only)
        guard !list else {
            for work in works { Console.say("\(work.name): \(work.title)") }
            return
        }
        let peers = try peers().filter { kind in works.contains { $0.peers.contains(kind) } }
        try check(peers)
        let root = URL(filePath: folder).path
        cleanup.add(folder: root)
        let installation = Installation(
            granary: URL(filePath: granary).path, python: URL(filePath: pythonPeers).path,
            logsRequests: !noRequestLogs, cleanup: cleanup)
        var session = Session(
            installation: installation, peers: peers, rounds: rounds ?? (quick ? 2 : 5), folder: root)
        let configuration = try Setup.lines(installation, peers, folder: root)
        var outcomes: [Outcome] = []
        // When an item fails, those before it are still told.
        let result = Result { for work in works { outcomes.append(try session.run(work)) } }
        if !outcomes.isEmpty {
            try tell(
                Report(
                    configuration: configuration, rounds: session.rounds, noise: session.noise, outcomes: outcomes))
        }
        try result.get()
    }

    /// Whether the programs of these servers are there, those aside that the system finds.
    private func check(_ peers: [PeerKind]) throws {
        guard !peers.contains(.granary) || access(granary, X_OK) == 0 else {
            throw BenchFailure("there is no program \(granary); --granary says where it is")
        }
        let needsPython = peers.contains(.pypiserver) || peers.contains(.devpi)
        guard !needsPython || access("\(pythonPeers)/complete", F_OK) == 0 else {
            throw BenchFailure("there is no \(pythonPeers); scripts/install-bench-peers makes .build/bench-peers")
        }
    }

    private func tell(_ report: Report) throws {
        report.print(to: Console.say)
        let path = json ?? ".build/bench/\(Setup.timestamp).json"
        try ReportDocument(report).write(to: path)
        Console.say("Every value of every round is in \(path).")
    }
}
