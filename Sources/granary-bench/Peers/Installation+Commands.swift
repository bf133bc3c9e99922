import FoundationEssentials
import Glibc

// What is configured is what Debian ships and Granary does by itself; what differs is where things are, and said below.
extension Installation {
    func granaryCommand(port: Int, folder: String) -> [String] {
        [granary, "serve", "--data", "\(folder)/data", "--host", "127.0.0.1", "--port", "\(port)"]
            + (logsRequests ? [] : ["--log-level", "error"])
    }

    /// Debian's configuration without its password file: descriptors cached in memory, deletion allowed.
    func registryCommand(port: Int, folder: String) throws -> [String] {
        let quiet = "\n  level: error\n  accesslog:\n    disabled: true"
        let text = """
            version: 0.1
            log:
              fields:
                service: registry\(logsRequests ? "" : quiet)
            storage:
              cache:
                blobdescriptor: inmemory
              filesystem:
                rootdirectory: \(folder)/data
              delete:
                enabled: true
            http:
              addr: 127.0.0.1:\(port)
              headers:
                X-Content-Type-Options: [nosniff]
            health:
              storagedriver:
                enabled: true
                interval: 10s
                threshold: 3
            """
        try write(text, to: "\(folder)/registry.yml")
        return ["docker-registry", "serve", "\(folder)/registry.yml"]
    }

    /// Files as they are, and `PUT` by the WebDAV module of nginx; two workers and sendfile. A body goes to a file beside
    /// its place and is renamed; nothing is flushed to disk.
    func nginxCommand(port: Int, folder: String) throws -> [String] {
        for name in ["body", "other"] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        }
        let other = ["proxy", "fastcgi", "uwsgi", "scgi"].map { "    \($0)_temp_path \(folder)/other;" }
        let text = """
            \(geteuid() == 0 ? "user root;" : "")
            daemon off;
            worker_processes 2;
            pid \(folder)/nginx.pid;
            error_log \(folder)/error.log;
            events { worker_connections 768; }
            http {
                access_log \(logsRequests ? "\(folder)/access.log" : "off");
                sendfile on;
                tcp_nopush on;
                keepalive_requests 1000000000;
                types {}
                default_type application/octet-stream;
                client_max_body_size 0;
                client_body_temp_path \(folder)/body;
            \(other.joined(separator: "\n"))
                server {
                    listen 127.0.0.1:\(port);
                    root \(folder)/data;
                    dav_methods PUT DELETE;
                    create_full_put_path on;
                }
            }
            """
        try write(text, to: "\(folder)/nginx.conf")
        return ["nginx", "-e", "\(folder)/error.log", "-c", "\(folder)/nginx.conf"]
    }

    private func write(_ text: String, to path: String) throws {
        try Data((text + "\n").utf8).write(to: URL(filePath: path))
    }

    /// Lets anybody pull, as the others do.
    func allowAnonymousRead(_ peer: Peer) throws {
        let request = Request(
            "PATCH", "/api/v1/repositories/docker",
            peer.credentials + [.init(name: "Content-Type", value: "application/json")])
        try peer.connect().exchange(request, body: Payload(Array(#"{"anonymousRead":true}"#.utf8)), expecting: 200)
    }
}
