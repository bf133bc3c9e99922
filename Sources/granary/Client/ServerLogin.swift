import FoundationEssentials

/// Where `granary login` keeps the server's address and a token: `granary/login.json` under the user's configuration
/// folder, readable by its owner only.
struct ServerLogin: Codable {
    let server: String
    let user: String
    let tokenID: String
    let token: String

    static var path: String {
        let environment = ProcessInfo.processInfo.environment
        let base = environment["XDG_CONFIG_HOME"] ?? (environment["HOME"] ?? ".") + "/.config"
        return "\(base)/granary/login.json"
    }

    /// What was kept; nil when nobody has logged in.
    static func load() -> ServerLogin? {
        FileManager.default.contents(atPath: path).flatMap { try? JSONDecoder().decode(ServerLogin.self, from: $0) }
    }

    func save() throws {
        let folder = Self.path.dropLast("/login.json".count)
        try FileManager.default.createDirectory(
            atPath: String(folder), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try DataDirectory.writePrivate(try JSONEncoder().encode(self), to: Self.path)
    }

    static func forget() throws {
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
    }
}
