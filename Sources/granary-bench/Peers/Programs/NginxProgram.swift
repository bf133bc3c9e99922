import FoundationEssentials
import Glibc

/// nginx with files as they are, and `PUT` by its WebDAV module; two workers and sendfile. A body goes to a file beside its
/// place and is renamed; nothing is flushed to disk. With an upstream, it is a cache of that: who asks for what is being
/// fetched waits for it, and nothing is fetched twice.
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
            \(start.upstream == nil ? "" : Self.cachePath(start.data))
                server {
                    listen 127.0.0.1:\(start.port);
            \(start.upstream.map(Self.cache) ?? Self.files(in: start.data))
                }
            }
            """
        try Disk.write(text, to: "\(folder)/nginx.conf")
        return ["nginx", "-e", "\(folder)/error.log", "-c", "\(folder)/nginx.conf"]
    }

    private static func files(in folder: String) -> String {
        """
                root \(folder);
                dav_methods PUT DELETE;
                create_full_put_path on;
        """
    }

    private static func cachePath(_ folder: String) -> String {
        "    proxy_cache_path \(folder) levels=1:2 keys_zone=all:10m inactive=1h use_temp_path=off;"
    }

    private static func cache(of port: Int) -> String {
        """
                location / {
                    proxy_pass http://127.0.0.1:\(port);
                    proxy_http_version 1.1;
                    proxy_set_header Connection "";
                    proxy_cache all;
                    proxy_cache_valid 200 1h;
                    proxy_cache_lock on;
                    proxy_cache_lock_timeout 60s;
                    proxy_cache_lock_age 60s;
                }
        """
    }
}
