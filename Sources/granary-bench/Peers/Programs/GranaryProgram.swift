/// Granary with its defaults, and a default repository that anybody may pull from, as from the others.
struct GranaryProgram: ServerProgram {
    let binary: String

    let probe = "/v2/"

    func command(_ start: ServerStart) -> [String] {
        [binary, "serve", "--data", start.data, "--host", "127.0.0.1", "--port", "\(start.port)"]
            + (start.logsRequests ? [] : ["--log-level", "error"])
    }

    func credentials(port: Int) -> [Request.Field] { [.basic("admin", Installation.password)] }

    func open(_ peer: Peer) throws { try Management(peer).allowAnonymousRead("docker") }
}
