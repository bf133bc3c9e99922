import FoundationEssentials
import Glibc

/// nginx with files as they are, and `PUT` by its WebDAV module; two workers and sendfile. A body goes to a file beside its
/// place and is renamed; nothing is flushed to disk.
struct NginxProgram: ServerProgram {
    let probe = "/"

    func command(_ start: ServerStart) throws -> [String] {
        let folder = start.folder
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
                access_log \(start.logsRequests ? "\(folder)/access.log" : "off");
                sendfile on;
                tcp_nopush on;
                keepalive_requests 1000000000;
                types {}
                default_type application/octet-stream;
                client_max_body_size 0;
                client_body_temp_path \(folder)/body;
            \(other.joined(separator: "\n"))
                server {
                    listen 127.0.0.1:\(start.port);
                    root \(start.data);
                    dav_methods PUT DELETE;
                    create_full_put_path on;
                }
            }
            """
        try Disk.write(text, to: "\(folder)/nginx.conf")
        return ["nginx", "-e", "\(folder)/error.log", "-c", "\(folder)/nginx.conf"]
    }
}
