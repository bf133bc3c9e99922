import GranaryPorts
import NIOCore
import NIOPosix
import Synchronization

/// Finds the addresses of names, each name once at a time, on threads of its own: a name server that does not answer must hold
/// up nothing but who asked for its names.
final class NameResolver: Sendable {
    private static let threads = 4
    /// Names that are looked up, or wait for it, at once.
    private static let maximumCount = 256
    private static let patience = TimeAmount.seconds(10)

    private let pool = NIOThreadPool(numberOfThreads: threads)
    private let group: any EventLoopGroup
    private let lookups = Mutex<[String: EventLoopFuture<SocketAddress>]>([:])

    init(group: any EventLoopGroup) {
        self.group = group
        pool.start()
    }

    func shutDown() async { try? await pool.shutdownGracefully() }

    /// The address of a host, which may be one itself.
    func address(of host: String, port: Int) async throws(UpstreamFailure) -> String {
        if let address = try? SocketAddress(ipAddress: host, port: port).ipAddress { return address }
        let lookup = try lookup(host, port)
        // The look-up goes on, for those who ask next.
        let promise = lookup.eventLoop.makePromise(of: SocketAddress.self)
        let alarm = lookup.eventLoop.scheduleTask(in: Self.patience) { promise.fail(UpstreamFailure.timedOut) }
        lookup.whenComplete { result in
            alarm.cancel()
            promise.completeWith(result)
        }
        do {
            guard let address = try await promise.futureResult.get().ipAddress else {
                throw UpstreamFailure.unreachable("the name '\(host)' has no address")
            }
            return address
        } catch let failure as UpstreamFailure {
            throw failure
        } catch {
            throw .unreachable("the name '\(host)' is not known")
        }
    }

    private func lookup(_ host: String, _ port: Int) throws(UpstreamFailure) -> EventLoopFuture<SocketAddress> {
        let key = "\(host):\(port)"
        let loop = group.next()
        let (lookup, isNew) = try lookups.withLock { lookups throws(UpstreamFailure) in
            if let known = lookups[key] { return (known, false) }
            guard lookups.count < Self.maximumCount else { throw .crowded }
            let lookup = pool.runIfActive(eventLoop: loop) {
                try SocketAddress.makeAddressResolvingHost(host, port: port)
            }
            lookups[key] = lookup
            return (lookup, true)
        }
        if isNew { lookup.whenComplete { [self] _ in lookups.withLock { _ = $0.removeValue(forKey: key) } } }
        return lookup
    }
}
