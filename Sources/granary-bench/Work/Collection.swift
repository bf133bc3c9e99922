import FoundationEssentials
import Synchronization

/// Gives back the space of what nothing refers to any more: docker-registry by a program that runs while the server is
/// stopped, Granary by a command while it serves.
struct Collection {
    let station: Station
    /// An image that stays; it is read meanwhile.
    let image: Image
    let name: String
    let tag: String

    /// Seconds it took, and how the reads fared; nothing where the server has no such command.
    func run() throws -> Readings {
        switch station.kind {
        case .granary: try online()
        case .registry: try offline()
        case .nginx, .pypiserver, .devpi: [:]
        }
    }

    private var log: String { "\(station.folder)/collection.log" }

    private func offline() throws -> Readings {
        station.stop()
        let stopwatch = Stopwatch()
        let command = ["docker-registry", "garbage-collect", "\(station.folder)/registry.yml"]
        try run(command, environment: [])
        return ["collection": stopwatch.seconds]
    }

    private func online() throws -> Readings {
        let program = station.installation.granary
        guard try hasCommand(program) else {
            Console.progress("  this Granary has no command 'gc': its collection is not measured")
            return [:]
        }
        let peer = try station.peer
        let token = try token(peer)
        let readers = BackgroundReads(peer: peer, image: image, name: name, tag: tag)
        readers.start()
        let stopwatch = Stopwatch()
        let result = Result {
            try run(
                [program, "gc", "--grace", "0s"],
                environment: ["GRANARY_SERVER=http://127.0.0.1:\(peer.port)", "GRANARY_TOKEN=\(token)"])
        }
        let seconds = stopwatch.seconds
        let (answered, failed) = readers.stop()
        try result.get()
        return ["collection": seconds, "reads": Double(answered), "failed": Double(failed)]
    }

    private func run(_ command: [String], environment: [String]) throws {
        let code = try ServerProcess.run(command, environment: environment + ["HOME=\(station.folder)"], log: log)
        guard code == 0 else {
            let said = ProcFile.read(log) ?? ""
            throw BenchFailure("\(command.joined(separator: " ")) ended with \(code):\n\(said.suffix(2000))")
        }
    }

    private func hasCommand(_ program: String) throws -> Bool {
        let help = "\(station.folder)/help.log"
        _ = try ServerProcess.run([program, "gc", "--help"], log: help)
        return ProcFile.read(help)?.contains("granary gc") ?? false
    }

    private func token(_ peer: Peer) throws -> String {
        struct Token: Decodable { let secret: String }
        let request = Request(
            "POST", "/api/v1/tokens", peer.credentials + [.init(name: "Content-Type", value: "application/json")])
        let answer = try peer.connect().exchange(
            request, body: Payload(Array(#"{"name":"bench"}"#.utf8)), expecting: 201, reading: .keep)
        return try JSONDecoder().decode(Token.self, from: Data(answer.body)).secret
    }
}

/// One client that reads an image again and again, some hundred requests a second, and counts what does not work.
private final class BackgroundReads: Sendable {
    private struct State {
        var answered = 0
        var failed = 0
        var isStopping = false
        var hasStopped = false
    }

    private static let pauseSeconds = 0.005

    private let peer: Peer
    private let requests: [Request]
    private let state = Mutex(State())

    init(peer: Peer, image: Image, name: String, tag: String) {
        self.peer = peer
        let accept = Request.Field(name: "Accept", value: Image.manifestType)
        requests =
            [Request("GET", Peer.path(name, "manifests/\(tag)"), [accept])]
            + image.blobs.map { Request("GET", Peer.path(name, "blobs/\($0.digest)")) }
    }

    func start() {
        onBackgroundThread {
            var connection: HTTPConnection?
            var index = 0
            while !self.state.withLock({ $0.isStopping }) {
                do {
                    let open = try connection ?? self.peer.connect()
                    connection = open
                    try open.exchange(self.requests[index % self.requests.count], expecting: 200)
                    self.state.withLock { $0.answered += 1 }
                } catch {
                    connection = nil
                    self.state.withLock { $0.failed += 1 }
                }
                index += 1
                rest(seconds: Self.pauseSeconds)
            }
            self.state.withLock { $0.hasStopped = true }
        }
    }

    /// Ends the reads and tells how they went.
    func stop() -> (answered: Int, failed: Int) {
        state.withLock { $0.isStopping = true }
        while !state.withLock({ $0.hasStopped }) { rest(seconds: Self.pauseSeconds) }
        return state.withLock { ($0.answered, $0.failed) }
    }
}
