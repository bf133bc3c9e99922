/// One thing that can be configured: its key, what it is when nobody says otherwise, and what it means.
///
/// In a file the dots of a key are levels; in the environment `tls.certificate` is `GRANARY_TLS_CERTIFICATE`.
struct Setting: Sendable {
    enum Value: Sendable, Equatable, CustomStringConvertible {
        case text(String)
        case number(Int)
        case flag(Bool)

        var description: String {
            switch self {
            case .text(let text): text
            case .number(let number): String(number)
            case .flag(let flag): String(flag)
            }
        }
    }

    let key: String
    /// Also says which kind of value it is.
    let standard: Value
    let summary: String
    var isSecret = false

    static let data = Setting(
        key: "data", standard: .text("./granary-data"), summary: "The folder that holds everything")
    static let host = Setting(key: "host", standard: .text("127.0.0.1"), summary: "The address to listen on")
    static let port = Setting(
        key: "port", standard: .number(8080), summary: "The port to listen on; 0 takes a free one")
    static let publicURL = Setting(
        key: "public.url", standard: .text(""), summary: "How clients reach the server, when it cannot tell")
    static let trustForwarded = Setting(
        key: "proxy.trust", standard: .flag(false),
        summary: "Believe X-Forwarded-Proto, -Host and -For of a proxy in front")
    static let certificate = Setting(
        key: "tls.certificate", standard: .text(""), summary: "PEM file with the certificate and its chain")
    static let privateKey = Setting(key: "tls.key", standard: .text(""), summary: "PEM file with the private key")
    static let idleTimeout = Setting(
        key: "idle.timeout", standard: .number(75), summary: "Seconds until a quiet connection is closed")
    static let drainTimeout = Setting(
        key: "drain.timeout", standard: .number(30), summary: "Seconds a stopping server waits for its requests")
    static let connections = Setting(
        key: "limits.connections", standard: .number(16_384), summary: "Open connections; more are told to come back")
    static let requests = Setting(
        key: "limits.requests", standard: .number(1024), summary: "Requests without a body that are worked on at once")
    static let uploads = Setting(
        key: "limits.uploads", standard: .number(512), summary: "Requests with a body that are worked on at once")
    static let sweepInterval = Setting(
        key: "sweep.interval", standard: .number(3600),
        summary: "Seconds between sweeps for bytes that nothing needs; 0 sweeps only when asked")
    static let sweepGrace = Setting(
        key: "sweep.grace", standard: .number(86400), summary: "Seconds that bytes nothing needs are kept")
    static let scrubRate = Setting(
        key: "scrub.rate", standard: .number(8),
        summary: "MiB a second at which stored bytes are read in search of damage; 0 never does")
    static let backupPath = Setting(
        key: "backup.path", standard: .text(""), summary: "The folder backups go to that the server is asked for")
    static let sessions = Setting(
        key: "limits.sessions", standard: .number(1000), summary: "Upload sessions that one user may have open")
    static let logLevel = Setting(
        key: "log.level", standard: .text("info"), summary: "trace, debug, info, notice, warning, error or critical")
    static let logFormat = Setting(key: "log.format", standard: .text("text"), summary: "text or json")
    static let adminPassword = Setting(
        key: "admin.password", standard: .text(""),
        summary: "The administrator's password on the first start, instead of a random one", isSecret: true)

    static let all = [
        data, host, port, publicURL, trustForwarded, certificate, privateKey, idleTimeout, drainTimeout, connections,
        requests, uploads, sessions, sweepInterval, sweepGrace, scrubRate, backupPath, logLevel, logFormat,
        adminPassword
    ]
}
