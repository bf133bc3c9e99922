import Glibc

/// Which server.
enum PeerKind: String, Sendable, CaseIterable, Codable {
    case granary = "Granary"
    case registry = "docker-registry"
    case nginx = "nginx"
    case pypiserver = "pypiserver"
    case devpi = "devpi-server"

    /// Those that take and serve images; nginx takes files under the same paths.
    static let ofImages: [PeerKind] = [.granary, .registry, .nginx]
    /// Those that are an index of Python packages.
    static let ofPython: [PeerKind] = [.granary, .pypiserver, .devpi]
}

/// A running server, and how to speak to it.
final class Peer: Sendable {
    let kind: PeerKind
    let port: Int
    /// Where it keeps its data.
    let data: String
    /// Fields of requests that write.
    let credentials: [Request.Field]
    let process: ServerProcess

    init(kind: PeerKind, port: Int, data: String, credentials: [Request.Field], process: ServerProcess) {
        self.kind = kind
        self.port = port
        self.data = data
        self.credentials = credentials
        self.process = process
    }

    /// Its process and its workers, which may not all be there yet when it answers for the first time.
    private var processes: [pid_t] { [process.process] + ProcessUsage.children(of: process.process) }

    /// What it and its workers have used so far.
    var usage: ProcessUsage { ProcessUsage(of: processes) }

    func resetPeak() { ProcessUsage.resetPeaks(of: processes) }

    func stop() { process.stop() }

    func connect() throws -> HTTPConnection { try HTTPConnection(port: port) }
}

extension Peer {
    /// Where an image's name begins. The first component of a name is the repository in Granary; the others know no
    /// repositories and take the same names.
    private static let repository = "docker"

    /// The path of something of an image: `manifests/v1`, `blobs/sha256:…`, `tags/list`.
    static func path(_ image: String, _ rest: String) -> String { "/v2/\(repository)/\(image)/\(rest)" }

    /// An image's name as it stands in other requests' parameters.
    static func name(_ image: String) -> String { "\(repository)/\(image)" }
}
