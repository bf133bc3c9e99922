import CSystemCalls
import FoundationEssentials
import GranaryBlobsFilesystem
import GranaryCore
import GranaryFormat
import GranaryHTTP
import GranaryModel
import GranaryPorts
import GranarySQLite
import GranaryStore
import GranaryUpstream
import Logging
import NIOPosix
import NIOSSL
import ServiceLifecycle
import UnixSignals

/// The composition root: opens the data directory and plugs every part into the next.
struct Server {
    /// How many passwords are hashed at once; each takes 16 MiB.
    private static let hashingThreads = 2
    /// How many blocking file operations run at once.
    private static let fileThreads = 8

    let configuration: ServerConfiguration
    let lines: LineWriter
    let level: Logger.Level
    let now: Now = { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

    private var logger: Logger {
        Logger(label: "granary") { _ in LineLogHandler(lines: lines, logLevel: level) }
    }

    /// Serves until it is told to stop. `announce` is called once it listens.
    func run(announce: @escaping @Sendable (Announcement) async -> Void) async throws {
        granary_bound_allocator()
        // Whatever is wrong with the settings is told before anything is made of them.
        let listener = try listener()
        let origin = try origin()
        let limits = try limits()
        let drain = Duration.seconds(try configuration.number(.drainTimeout, in: 1...3600))
        let data = try DataDirectory(try configuration.text(.data))
        let driver = try SQLiteDriver(path: data.database)
        let files = NIOThreadPool(numberOfThreads: Self.fileThreads)
        let hashing = NIOThreadPool(numberOfThreads: Self.hashingThreads)
        files.start()
        hashing.start()
        try await Migrator(driver: driver).migrate()
        let registry = PrometheusRegistry()
        let tokenKey = try data.tokenKey { Self.random(32) }
        let upstream = HTTPUpstreamClient()
        let services = Services(
            driver: driver, blobs: try FilesystemBlobStore(root: data.path, pool: files),
            snapshot: CurrentSnapshot(driver: driver), now: now, random: Self.random, logger: logger,
            metrics: registry, uploadLimit: try configuration.number(.sessions, in: 1...1_000_000),
            upstream: upstream, secret: tokenKey)
        try await services.snapshot.refresh()
        try await services.openUploads.load(from: services.blobs)
        try await services.upstreams.load(from: services.driver)
        let signer = await TokenSigner(
            key: tokenKey, now: now, random: Self.random)
        let identity = Identity(services: services, signer: signer) { work in
            try? await hashing.runIfActive(work)
        }
        let jobs = JobRunner(
            services: services, kinds: Upkeep.kinds(services, makeBackup: try makeBackup(services, data)))
        let sweepGrace = Duration.seconds(try configuration.number(.sweepGrace, in: 0...365 * 24 * 3600))
        let management = Management(
            services: services, identity: identity, jobs: jobs, formats: Formats.all,
            sweepGrace: sweepGrace)
        let gateway = Gateway(formats: Formats.all, services: services, management: management)
        let isFirstStart = try await prepare(management, data)
        let responder = responder(gateway, management, driver, origin, registry, limits)
        let http = try HTTPServer.service(listener, responder: responder, logger: quiet(logger)) { port in
            await announce(Announcement(listener: listener, port: port, data: data, isFirstStart: isFirstStart))
        }
        let upkeep = try upkeep(services, identity, jobs, sweepGrace)
        var group = ServiceGroupConfiguration(
            services: [lines, services.upstreams, http, jobs] + upkeep + [MemoryRelease()],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet(logger))
        group.maximumGracefulShutdownDuration = drain
        try await ServiceGroup(configuration: group).run()
        await upstream.shutDown()
        try driver.close()
        try await files.shutdownGracefully()
        try await hashing.shutdownGracefully()
    }

    /// What the server does by itself.
    private func upkeep(
        _ services: Services, _ identity: Identity, _ jobs: JobRunner, _ sweepGrace: Duration
    ) throws -> [any Service] {
        let interval = try configuration.number(.sweepInterval, in: 0...365 * 24 * 3600)
        let rate = try configuration.number(.scrubRate, in: 0...100_000)
        let housekeeping = Housekeeping(
            services: services, identity: identity, jobs: jobs, sweepInterval: interval > 0 ? .seconds(interval) : nil,
            sweepGrace: sweepGrace, newestBackup: try newestBackup())
        return [housekeeping] + (rate > 0 ? [Scrub(services: services, bytesPerSecond: rate << 20)] : [])
    }

    private func makeBackup(
        _ services: Services, _ data: DataDirectory
    ) throws -> (@Sendable () throws -> Backup)? {
        guard let path = try configuration.optionalText(.backupPath) else { return nil }
        return { try BackupParts.backup(of: services.driver, services.blobs, in: data.path, into: path) }
    }

    private func newestBackup() throws -> (@Sendable () throws -> Timestamp?)? {
        guard let path = try configuration.optionalText(.backupPath) else { return nil }
        return { try BackupParts.newest(in: path) }
    }

    private func responder(
        _ gateway: Gateway, _ management: Management, _ driver: SQLiteDriver, _ origin: OriginPolicy,
        _ registry: PrometheusRegistry, _ limits: Limits
    ) -> Responder {
        lines.countDrops(with: registry.makeCounter(label: "granary_log_lines_dropped_total", dimensions: []))
        let readiness = ReadinessProbe {
            _ = try await driver.read { try $0.query("select value from counter where name = 'event'", []) }
        }
        return Responder(
            gateway: gateway, management: management, readiness: readiness, origin: origin,
            registry: registry, version: BuildInfo.version, now: now, random: Self.random, logger: logger,
            log: RequestLog(lines: lines, level: level), limits: limits)
    }

    /// Raises what the system lets the process have open, and lowers what the server takes to that.
    private func limits() throws -> Limits {
        var limits = Limits()
        let connections = try configuration.number(.connections, in: 1...1_000_000)
        let files = OpenFiles.raiseLimit()
        let possible = max(1, (files - OpenFiles.reserve) / 4 * 3)
        if possible < min(connections, OpenFiles.fewConnections) {
            logger.warning(
                "the system lets the process have \(files) files open, which is enough for \(possible) connections")
        }
        limits.connections = Limits.Share(total: min(connections, possible))
        limits.downloads = Limits.Share(total: max(1, min(limits.downloads.total, possible / 3)))
        // Behind a proxy all connections have its address.
        if try configuration.flag(.trustForwarded) { limits.connections.ofAddress = limits.connections.total }
        limits.requests = Limits.Share(total: try configuration.number(.requests, in: 1...1_000_000))
        limits.uploads = Limits.Share(total: try configuration.number(.uploads, in: 1...1_000_000))
        limits.idleTimeout = .seconds(try configuration.number(.idleTimeout, in: 1...86400))
        return limits
    }

    private func origin() throws -> OriginPolicy {
        OriginPolicy(
            configured: try publicURL(), trustsForwarded: try configuration.flag(.trustForwarded),
            isSecure: try configuration.optionalText(.certificate) != nil,
            fallbackAuthority: "\(try configuration.text(.host)):\(try configuration.number(.port, in: 0...65535))")
    }

    private func publicURL() throws -> String? {
        guard let text = try configuration.optionalText(.publicURL) else { return nil }
        guard text.hasPrefix("http://") || text.hasPrefix("https://") else {
            throw ServerConfiguration.Failure(description: "public.url must begin with http:// or https://")
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    private func listener() throws -> ListenerSettings {
        ListenerSettings(
            host: try configuration.text(.host), port: try configuration.number(.port, in: 0...65535),
            tls: try tls())
    }

    private func tls() throws -> TLSConfiguration? {
        let certificate = try configuration.optionalText(.certificate)
        let key = try configuration.optionalText(.privateKey)
        switch (certificate, key) {
        case (nil, nil):
            return nil
        case (let certificate?, let key?):
            do {
                var tls = TLSConfiguration.makeServerConfiguration(
                    certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
                    privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
                tls.minimumTLSVersion = .tlsv12
                return tls
            } catch {
                throw ServerConfiguration.Failure(
                    description: "the certificate '\(certificate)' or its key '\(key)' cannot be read: \(error)")
            }
        default:
            throw ServerConfiguration.Failure(description: "tls.certificate and tls.key go together")
        }
    }

    /// On the first start: the administrator, their password in a file, and the first repositories.
    private func prepare(_ management: Management, _ data: DataDirectory) async throws -> Bool {
        let repositories = Formats.starters.compactMap { starter -> NewRepository? in
            guard let name = RepositoryName(starter.name), let format = FormatName(starter.format) else { return nil }
            return NewRepository(
                name: name, format: format, kind: .local,
                settings: RepositorySettings(isDefault: starter.isDefault))
        }
        let given = try configuration.optionalText(.adminPassword)
        do {
            return try await management.firstStart(repositories: repositories, password: given) { password in
                guard given == nil else { return }
                try DataDirectory.writePrivate(Data("\(password)\n".utf8), to: data.initialPassword)
            }
        } catch Problem.invalid(.user, let sentence) {
            throw ServerConfiguration.Failure(description: "admin.password: \(sentence)")
        }
    }

    /// The frameworks' own lines are for those who look for a fault in them.
    private func quiet(_ logger: Logger) -> Logger {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, logger.logLevel <= .debug ? .debug : .warning)
        return quiet
    }

    @Sendable private static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 7)
        // Each word is a call to the system.
        while bytes.count < count { withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) } }
        return Array(bytes.prefix(count))
    }
}

/// What is told when the server listens.
struct Announcement: Sendable {
    let listener: ListenerSettings
    let port: Int
    let data: DataDirectory
    let isFirstStart: Bool

    var address: String {
        let host = listener.host.contains(":") ? "[\(listener.host)]" : listener.host
        return "\(listener.tls == nil ? "http" : "https")://\(host):\(port)"
    }
}
