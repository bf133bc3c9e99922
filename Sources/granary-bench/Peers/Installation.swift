import FoundationEssentials
import Glibc

/// How the servers are started. Each gets a folder of its own, for its configuration, its data and its log.
struct Installation: Sendable {
    static let password = "benchmark-of-one-run"
    private static let startLimitSeconds = 60.0

    /// Granary's binary.
    let granary: String
    /// The Python environment with pypiserver and devpi-server.
    let python: String
    /// Whether each server writes a line for each request into a file, as in production.
    var logsRequests: Bool
    let cleanup: Cleanup

    /// Starts a server on a free port and waits until it answers. With data of an earlier start in the folder, it serves
    /// them. With the port of an upstream, it is a cache of that.
    func start(_ kind: PeerKind, in folder: String, upstream: Int? = nil) throws -> Peer {
        let program = program(kind)
        let started = try startProcess(program, in: folder, upstream: upstream)
        try waitForAnswer(started, kind, program, in: folder)
        let peer = Peer(
            kind: kind, port: started.port, data: "\(folder)/data",
            credentials: try program.credentials(port: started.port), process: started.process)
        try program.open(peer)
        return peer
    }

    /// Milliseconds from the start of the process to its first answer. The server is stopped again.
    func startTime(_ kind: PeerKind, in folder: String) throws -> Double {
        let program = program(kind)
        let stopwatch = Stopwatch()
        let started = try startProcess(program, in: folder)
        try waitForAnswer(started, kind, program, in: folder)
        let seconds = stopwatch.seconds
        started.process.stop()
        return seconds * 1000
    }

    private func program(_ kind: PeerKind) -> any ServerProgram {
        switch kind {
        case .granary: GranaryProgram(binary: granary)
        case .registry: RegistryProgram()
        case .nginx: NginxProgram()
        case .pypiserver: PypiserverProgram(binary: "\(python)/bin/pypi-server")
        case .devpi: DevpiProgram(folder: "\(python)/bin")
        }
    }

    private typealias Started = (process: ServerProcess, port: Int)

    private func startProcess(
        _ program: any ServerProgram, in folder: String, upstream: Int? = nil
    ) throws -> Started {
        try FileManager.default.createDirectory(atPath: "\(folder)/data", withIntermediateDirectories: true)
        let port = try sockaddr_in.freePort()
        let command = try program.command(
            ServerStart(port: port, folder: folder, logsRequests: logsRequests, upstream: upstream))
        let environment = ["HOME=\(folder)", "GRANARY_ADMIN_PASSWORD=\(Self.password)"]
        let process = try ServerProcess(
            command, environment: environment, log: Self.log(in: folder), cleanup: cleanup)
        return (process, port)
    }

    private func waitForAnswer(
        _ started: Started, _ kind: PeerKind, _ program: any ServerProgram, in folder: String
    ) throws {
        let waiting = Stopwatch()
        let request = Request("GET", program.probe)
        while waiting.seconds < Self.startLimitSeconds {
            guard started.process.isRunning else { break }
            if let connection = try? HTTPConnection(port: started.port),
                (try? connection.exchange(request, expecting: [200, 401, 403, 404])) != nil
            {
                return
            }
            rest(seconds: 0.001)
        }
        started.process.stop()
        let log = ProcFile.read(Self.log(in: folder)) ?? ""
        throw BenchFailure("\(kind.rawValue) does not answer; it said:\n\(log.suffix(2000))")
    }

    private static func log(in folder: String) -> String { "\(folder)/server.log" }

    /// Where a server in this folder notes its requests, in the combined format.
    static func accessLog(_ kind: PeerKind, in folder: String) -> String {
        kind == .nginx ? "\(folder)/access.log" : log(in: folder)
    }
}
