/// pypiserver as it serves a folder when asked for nothing else, but for the login: anybody may upload, which costs it
/// nothing. It keeps its list of files and their digests, since the module for that is installed.
struct PypiserverProgram: ServerProgram {
    let binary: String

    let probe = "/"

    func command(_ start: ServerStart) -> [String] {
        [
            binary, "run", "--interface", "127.0.0.1", "--port", "\(start.port)", "--authenticate", ".", "--passwords",
            ".", "--disable-fallback"
        ] + (start.logsRequests ? ["--verbose"] : []) + [start.data]
    }

    func credentials(port: Int) -> [Request.Field] { [.basic("admin", Installation.password)] }
}
