import FoundationEssentials

/// devpi-server with its defaults and one index without bases, so that it asks nobody else.
struct DevpiProgram: ServerProgram {
    /// Where devpi-server and devpi-init are.
    let folder: String

    let probe = "/+api"

    func command(_ start: ServerStart) throws -> [String] {
        if !FileManager.default.fileExists(atPath: "\(start.data)/.serverversion") { try makeFolder(start) }
        let server = [
            "\(folder)/devpi-server", "--serverdir", start.data, "--host", "127.0.0.1", "--port", "\(start.port)",
            "--offline-mode"
        ]
        guard !start.logsRequests else { return server }
        let settings = "\(start.folder)/logging.json"
        try Disk.write(
            #"{"version":1,"disable_existing_loggers":false,"root":{"level":"ERROR"}}"#, to: settings)
        return server + ["--logger-cfg", settings]
    }

    private func makeFolder(_ start: ServerStart) throws {
        let log = "\(start.folder)/init.log"
        let code = try ServerProcess.run(
            [
                "\(folder)/devpi-init", "--serverdir", start.data, "--no-root-pypi", "--root-passwd",
                Installation.password
            ], environment: ["HOME=\(start.folder)"], log: log)
        guard code == 0 else { throw BenchFailure("devpi-init failed:\n\((ProcFile.read(log) ?? "").suffix(2000))") }
    }

    /// A token in the place of the password, as its own client sends: hashing a password takes longer than an upload.
    func credentials(port: Int) throws -> [Request.Field] {
        struct Login: Decodable {
            struct Result: Decodable { let password: String }
            let result: Result
        }
        let body = #"{"user":"root","password":"\#(Installation.password)"}"#
        let answer = try HTTPConnection(port: port).exchange(
            Request("POST", "/+login", [Self.json]), body: Payload(Array(body.utf8)), expecting: 200, reading: .keep)
        return [.basic("root", try JSONDecoder().decode(Login.self, from: Data(answer.body)).result.password)]
    }

    func open(_ peer: Peer) throws {
        let request = Request("PUT", Peer.devpiIndex, peer.credentials + [Self.json])
        let settings = #"{"type":"stage","bases":[],"volatile":true}"#
        // It is there already after another start with the same data.
        try peer.connect().exchange(request, body: Payload(Array(settings.utf8)), expecting: [200, 409])
    }

    private static let json = Request.Field(name: "Content-Type", value: "application/json")
}
