import AsyncHTTPClient
import GranaryPorts
import NIOCore
import NIOPosix

/// The connections to one address of one server. They end when nobody holds this any more, transfers included.
final class ServerConnections: Sendable {
    /// Until a connection stands.
    private static let connectTimeout = TimeAmount.seconds(10)
    /// Who wants one more at once waits for another to become free.
    private static let maximumCount = 256

    let client: HTTPClient
    let address: String

    /// Connects to nothing but `address`, which is that of `host`, wherever the name may lead by then.
    init(host: String, address: String, readTimeout: TimeAmount) {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: Self.connectTimeout, read: readTimeout), decompression: .disabled)
        configuration.dnsOverride = [host: address]
        configuration.httpVersion = .http1Only
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.maximumCount
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.http1_1ConnectionDebugInitializer = { channel in
            guard channel.remoteAddress?.ipAddress == address else {
                return channel.close().flatMapThrowing { throw WrongAddress() }
            }
            // Each piece of a body costs a few wake-ups on its way through, however long it is.
            return channel.setOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 16384, maximum: 1 << 20))
        }
        client = HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration)
        self.address = address
    }

    deinit { let _: EventLoopFuture<Void> = client.shutdown() }

    /// Ends all transfers.
    func shutDown() async { try? await client.shutdown() }

    private struct WrongAddress: Error, CustomStringConvertible {
        var description: String { "the connection leads to another address than was looked up" }
    }
}

/// The body of an answer, which holds the connections it comes by, and which must not come too slowly.
struct AnswerBody: AsyncSequence, Sendable {
    /// Slower than this on the whole is given up, in bytes per second.
    static let minimumRate: Int64 = 512
    /// Before its rate counts.
    static let patience = Duration.seconds(60)

    let body: HTTPClientResponse.Body
    let connections: ServerConnections

    struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var chunks: HTTPClientResponse.Body.AsyncIterator
        fileprivate let connections: ServerConnections
        private let begunAt = ContinuousClock.now
        private var received: Int64 = 0

        fileprivate init(_ body: AnswerBody) {
            chunks = body.body.makeAsyncIterator()
            connections = body.connections
        }

        mutating func next() async throws -> ByteBuffer? {
            guard let chunk = try await chunks.next() else { return nil }
            received += Int64(chunk.readableBytes)
            let elapsed = begunAt.duration(to: .now)
            guard elapsed <= AnswerBody.patience || received >= elapsed.components.seconds * AnswerBody.minimumRate
            else {
                throw UpstreamFailure.timedOut
            }
            return chunk
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
}
