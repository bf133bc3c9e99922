/// docker-registry with Debian's configuration without its password file: descriptors cached in memory, deletion allowed.
/// With an upstream, it is a pull-through cache of that.
struct RegistryProgram: ServerProgram {
    let probe = "/v2/"

    func command(_ start: ServerStart) throws -> [String] {
        let quiet = "\n  level: error\n  accesslog:\n    disabled: true"
        let text = """
            version: 0.1
            log:
              fields:
                service: registry\(start.logsRequests ? "" : quiet)
            storage:
              cache:
                blobdescriptor: inmemory
              filesystem:
                rootdirectory: \(start.data)
              delete:
                enabled: true
            http:
              addr: 127.0.0.1:\(start.port)
              headers:
                X-Content-Type-Options: [nosniff]
            health:
              storagedriver:
                enabled: true
                interval: 10s
                threshold: 3
            """ + (start.upstream.map { "\nproxy:\n  remoteurl: http://127.0.0.1:\($0)" } ?? "")
        try Disk.write(text, to: "\(start.folder)/registry.yml")
        return ["docker-registry", "serve", "\(start.folder)/registry.yml"]
    }

    func credentials(port: Int) -> [Request.Field] { [.basic("admin", Installation.password)] }
}
