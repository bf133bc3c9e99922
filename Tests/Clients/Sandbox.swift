import Foundation
import GranaryTestKit

/// A folder in which clients live without touching the files of whoever runs the tests.
struct Sandbox: Sendable {
    /// The repository this file is part of.
    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let clients = repository.appending(path: ".build/clients")

    let folder: URL
    /// The binary the tests drive: of `GRANARY_BINARY`, else the one that was built with them.
    static let granary =
        ProcessInfo.processInfo.environment["GRANARY_BINARY"]
        ?? repository.appending(path: ".build/debug/granary").path

    /// What every program run here sees.
    var environment: [String: String]
    /// How long a program may take.
    var limit = Duration.seconds(60)

    /// Makes a folder with a short path: sockets in it must fit their 108 bytes.
    init() throws {
        folder = URL(filePath: "/tmp/granary-\(UUID().uuidString.prefix(8).lowercased())")
        let home = folder.appending(path: "home")
        environment = [
            "PATH": "\(Self.clients.path)/newer/usr/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": home.path,
            "TMPDIR": folder.appending(path: "tmp").path,
            "XDG_CONFIG_HOME": home.appending(path: ".config").path,
            "XDG_RUNTIME_DIR": folder.appending(path: "run").path,
            "DOCKER_CONFIG": home.appending(path: ".docker").path,
            "DOCKER_HOST": "unix://\(folder.path)/docker.sock",
            "REGISTRY_AUTH_FILE": home.appending(path: "auth.json").path,
            "CONTAINERS_CONF": home.appending(path: "containers.conf").path,
            "CONTAINERS_STORAGE_CONF": home.appending(path: "storage.conf").path,
            "CONTAINERS_REGISTRIES_CONF": home.appending(path: "registries.conf").path,
            // Building without a container runtime.
            "BUILDAH_ISOLATION": "chroot",
            "COSIGN_PASSWORD": "of the key"
        ]
        for path in ["home/.config/containers", "home/.docker", "tmp", "run", "work"] {
            try FileManager.default.createDirectory(
                at: folder.appending(path: path), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        }
    }

    /// Removes everything. What a client may have mounted is gone with it, as nothing is mounted outside namespaces.
    func remove() { try? FileManager.default.removeItem(at: folder) }

    /// Where programs run, and what relative paths are relative to.
    var work: URL { folder.appending(path: "work") }

    func path(_ name: String) -> String { work.appending(path: name).path }

    /// Writes a file into the work folder, or below `home/` and the like with a path from the sandbox's root.
    func write(_ text: String, to path: String) throws {
        let target = path.hasPrefix("home/") ? folder.appending(path: path) : work.appending(path: path)
        try FileManager.default.createDirectory(
            at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: target)
    }

    /// The path of a file that tests bring along.
    static func fixture(_ name: String) -> String { repository.appending(path: "Tests/Clients/Fixtures/\(name)").path }

    func read(_ name: String) throws -> Data { try Data(contentsOf: work.appending(path: name)) }

    /// Where a program is: by name, on the sandbox's path, or by its path below `.build/clients`.
    func find(_ name: String) throws -> String {
        let path = (environment["PATH"] ?? "").split(separator: ":").map { URL(filePath: String($0)) }
        let candidates = (name.contains("/") ? [Self.clients] : path).map { $0.appending(path: name).path }
        guard let found = candidates.first(where: FileManager.default.isExecutableFile) else {
            throw CommandFailure.missing(name)
        }
        return found
    }

    /// Starts a program and leaves it running.
    func start(_ path: String, _ arguments: [String]) throws -> RunningProgram {
        try Program(path, environment: environment, folder: work.path).start(arguments)
    }

    /// Runs a client and requires that it succeeds.
    @discardableResult
    func run(_ name: String, _ arguments: String...) async throws -> Program.Output { try await run(name, arguments) }

    @discardableResult
    func run(_ name: String, _ arguments: [String]) async throws -> Program.Output {
        try await attempt(name, arguments).orThrow()
    }

    /// Runs granary's command line, whatever comes of it.
    func granary(_ arguments: String...) async throws -> Program.Output {
        try await start(Self.granary, arguments).end(within: limit)
    }

    /// Runs a client, whatever comes of it.
    func attempt(_ name: String, _ arguments: String...) async throws -> Program.Output {
        try await attempt(name, arguments)
    }

    func attempt(_ name: String, _ arguments: [String]) async throws -> Program.Output {
        try await start(try find(name), arguments).end(within: limit)
    }
}
