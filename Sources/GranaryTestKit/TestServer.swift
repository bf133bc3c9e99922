import FoundationEssentials
import GranaryBlobsFilesystem
package import GranaryCore
package import GranaryFormat
package import GranaryHTTP
package import GranaryModel
import GranarySQLite
import GranaryStore
import GranaryUpstream
package import Logging
import NIOPosix
package import NIOSSL
import ServiceLifecycle
import Synchronization

/// A folder for one test, removed at its end.
package struct TemporaryDirectory: Sendable {
    package let path: String

    package init() throws {
        path = FileManager.default.temporaryDirectory.appending(component: "granary-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// A folder that somebody else has made.
    package init(_ path: String) { self.path = path }

    package func remove() { try? FileManager.default.removeItem(atPath: path) }
}

/// A real server in this process: SQLite and files in a folder, on a free port of the loopback address.
package struct TestServer: Sendable {
    /// The administrator of every test server.
    package static let administrator = (user: "admin", password: "correct horse battery")

    /// `scheme://127.0.0.1:port`
    package let origin: String
    package let port: Int
    package let services: Services
    package let management: Management
    /// The administrator, for calls that skip HTTP.
    package let admin = Principal(user: UserName("admin"), isAdministrator: true, scopes: nil)

    /// Serves from `folder` while `body` runs. Run twice on one folder, it is a restart. `patience` is how long the sender
    /// of a body may be slow, and how long it may go on after the answer. With `trustsForwarded`, a client may say from which
    /// address it comes.
    package static func run<Value: Sendable>(
        formats: [any PackageFormat], repositories: [NewRepository], in folder: TemporaryDirectory,
        tls: TLSConfiguration? = nil, idleTimeout: Duration = .seconds(20), patience: Duration = .seconds(30),
        askedPeriod: Duration = RecentlyAsked.period, limits: Limits = Limits(), clock: ManualClock? = nil,
        trustsForwarded: Bool = false, uploadLimit: Int = OpenUploads.standardLimit,
        log: (@Sendable (String) -> any LogHandler)? = nil,
        _ body: @escaping @Sendable (TestServer) async throws -> Value
    ) async throws -> Value {
        var limits = limits
        limits.idleTimeout = idleTimeout
        return try await Turnstile.servers.pass { [limits] in
            try await serve(
                formats, repositories, in: folder, tls, limits, patience, askedPeriod, clock, trustsForwarded,
                uploadLimit, log, body)
        }
    }

    private static func serve<Value: Sendable>(
        _ formats: [any PackageFormat], _ repositories: [NewRepository], in folder: TemporaryDirectory,
        _ tls: TLSConfiguration?, _ limits: Limits, _ patience: Duration, _ askedPeriod: Duration,
        _ clock: ManualClock?, _ trustsForwarded: Bool, _ uploadLimit: Int,
        _ log: (@Sendable (String) -> any LogHandler)?, _ body: @escaping @Sendable (TestServer) async throws -> Value
    ) async throws -> Value {
        let now = clock.map { clock in { @Sendable in clock.now } } ?? systemNow
        let registry = PrometheusRegistry()
        let logger = Logger(label: "test", factory: log ?? { _ in SwiftLogNoOpLogHandler() })
        let files = NIOThreadPool(numberOfThreads: 4)
        files.start()
        let driver = try SQLiteDriver(path: "\(folder.path)/granary.db")
        try await Migrator(driver: driver).migrate()
        let upstream = HTTPUpstreamClient(readTimeout: .seconds(3))
        let services = Services(
            driver: driver, blobs: try FilesystemBlobStore(root: folder.path, pool: files),
            snapshot: CurrentSnapshot(driver: driver), now: now, random: systemRandom, logger: logger,
            metrics: registry, uploadLimit: uploadLimit, passwordRounds: 10, askedPeriod: askedPeriod,
            upstream: upstream, secret: [UInt8](repeating: 7, count: 32))
        try await services.snapshot.refresh()
        try await services.openUploads.load(from: services.blobs)
        try await services.upstreams.load(from: services.driver)
        let signer = await TokenSigner(
            key: [UInt8](repeating: 7, count: 32), now: now, random: systemRandom)
        let identity = Identity(services: services, signer: signer) { work in
            try? await files.runIfActive(work)
        }
        let jobs = JobRunner(services: services, kinds: Upkeep.kinds(services))
        let management = Management(services: services, identity: identity, jobs: jobs, formats: formats)
        let gateway = Gateway(formats: formats, services: services, management: management)
        _ = try await management.firstStart(repositories: repositories, password: administrator.password) { _ in }
        let origin = OriginPolicy(
            configured: nil, trustsForwarded: trustsForwarded, isSecure: tls != nil, fallbackAuthority: "localhost")
        let responder = Responder(
            gateway: gateway, management: management, readiness: ReadinessProbe {}, origin: origin,
            registry: registry, version: "test", now: now, random: systemRandom, logger: logger, limits: limits,
            patience: patience)
        let (ports, told) = AsyncStream<Int>.makeStream()
        let http = try HTTPServer.service(
            ListenerSettings(host: "127.0.0.1", port: 0, tls: tls, lingering: patience),
            responder: responder, logger: logger
        ) { told.yield($0) }
        let group = ServiceGroup(configuration: .init(services: [services.upstreams, http, jobs], logger: logger))
        // A client that is left open ends the process, and would hide what went wrong in a test.
        let result = try await run(group, then: { await upstream.shutDown() }) {
            var iterator = ports.makeAsyncIterator()
            guard let port = await iterator.next() else { throw CancellationError() }
            return try await body(
                TestServer(
                    origin: "\(tls == nil ? "http" : "https")://127.0.0.1:\(port)", port: port, services: services,
                    management: management))
        }
        try driver.close()
        try await files.shutdownGracefully()
        return result
    }

    /// Runs services until `body` has ended, and does what is to be done at their end.
    private static func run<Value: Sendable>(
        _ group: ServiceGroup, then end: () async -> Void, during body: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let outcome: Result<Value, any Error>
            do {
                outcome = .success(try await body())
            } catch {
                outcome = .failure(error)
            }
            await group.triggerGracefulShutdown()
            var failure: (any Error)?
            do { try await tasks.waitForAll() } catch { failure = error }
            await end()
            if let failure { throw failure }
            return try outcome.get()
        }
    }

    @Sendable private static func systemNow() -> Timestamp {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }

    @Sendable private static func systemRandom(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
