/// How a server of one kind is started and made ready. What is configured is what its package ships, or what it does by
/// itself; what differs is where things are, and said where it does.
protocol ServerProgram: Sendable {
    /// The path that is answered, whatever the status, as soon as the server is ready.
    var probe: String { get }
    /// Writes the configuration below the folder and answers the command; before every start.
    func command(_ start: ServerStart) throws -> [String]
    /// The fields of requests that write, to a server that answers; after every start.
    func credentials(port: Int) throws -> [Request.Field]
    /// Makes what the benchmark needs to be there; after every start.
    func open(_ peer: Peer) throws
}

extension ServerProgram {
    func credentials(port: Int) throws -> [Request.Field] { [] }
    func open(_ peer: Peer) throws {}
}

/// What one start of a server is given.
struct ServerStart: Sendable {
    let port: Int
    /// Its own, for configuration and logs; its data are in `data` in it.
    let folder: String
    /// Whether it writes a line for each request.
    let logsRequests: Bool
    /// The port of the server it is to be a cache of; nil where it is none.
    let upstream: Int?

    var data: String { "\(folder)/data" }
}
