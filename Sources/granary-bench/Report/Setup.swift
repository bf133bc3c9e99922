import FoundationEssentials
import Glibc

/// What was measured, in words: versions, configuration, machine.
enum Setup {
    /// Now, as a file name.
    static var timestamp: String {
        Date().formatted(.iso8601.timeSeparator(.omitted).dateSeparator(.omitted))
    }

    static func lines(_ installation: Installation, _ peers: [PeerKind], folder: String) throws -> [String] {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let log = "\(folder)/versions"
        let logs = installation.logsRequests ? "each writes its request log to a file" : "no server logs requests"
        return try peers.map { "\($0.rawValue): \(try line($0, installation, log))" } + [
            "All on 127.0.0.1 over HTTP/1.1, \(logs); data in \(folder)", machine
        ]
    }

    /// Version and configuration of a server.
    private static func line(_ kind: PeerKind, _ installation: Installation, _ log: String) throws -> String {
        switch kind {
        case .granary: "\(try version([installation.granary, "--version"], log)); defaults; \(credentials)"
        case .registry:
            """
            \(try version(["docker-registry", "--version"], log)); Debian's configuration (file system, descriptors \
            cached in memory, deletion allowed) without its password file
            """
        case .nginx:
            """
            \(try version(["nginx", "-v"], log)); static files and WebDAV PUT, 2 workers, sendfile; flushes nothing to \
            disk: the limit of the machine
            """
        case .pypiserver:
            """
            \(try version(["\(installation.python)/bin/pypi-server", "--version"], log)); served by waitress, keeps \
            its list and its digests in memory, no passwords
            """
        case .devpi:
            """
            \(try version(["\(installation.python)/bin/devpi-server", "--version"], log)); one index without bases, \
            uploads with a token in place of the password
            """
        }
    }

    private static let credentials = """
        pulls without credentials where not said otherwise, pushes with a password (Basic) on every request
        """

    private static var machine: String {
        let processor = ProcFile.read("/proc/cpuinfo")?.split(separator: "\n").first { $0.hasPrefix("model name") }
        let name = processor?.split(separator: ":").last.map { $0.drop { $0 == " " } } ?? "unknown processor"
        let memory = ProcessUsage.bytes("MemTotal", status: ProcFile.read("/proc/meminfo") ?? "") ?? 0
        let kernel = ProcFile.read("/proc/sys/kernel/osrelease")?.split(separator: "\n").first ?? ""
        return "\(sysconf(CInt(_SC_NPROCESSORS_ONLN))) processors (\(name)), \(memory >> 30) GiB, Linux \(kernel)"
    }

    /// The first line a program says of itself.
    private static func version(_ command: [String], _ log: String) throws -> String {
        unlink(log)
        guard (try? ServerProcess.run(command, log: log)) == 0 else { return "not there" }
        return ProcFile.read(log)?.split(separator: "\n").first.map(String.init) ?? "unknown"
    }
}
