import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A connection on which a test writes bytes of its choosing.
package struct RawConnection: Sendable {
    fileprivate let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    fileprivate let received: ReceivedBytes

    /// Writes bytes as they are.
    package func send(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }
    /// Writes text as UTF-8.
    package func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    /// Whether the server has closed its side.
    package var isClosed: Bool { received.state.withLock { $0.isClosed } }

    /// All that came back so far, once it is enough, or the server has closed its side, or `patience` is over.
    package func receive(
        patience: Duration = .seconds(20), until isEnough: @Sendable ([UInt8]) -> Bool = { _ in false }
    ) async throws -> [UInt8] {
        let limit = ContinuousClock.now + patience
        while ContinuousClock.now < limit {
            let state = received.state.withLock { $0 }
            if state.isClosed || isEnough(state.bytes) { return state.bytes }
            try await Task.sleep(for: .milliseconds(5))
        }
        return received.state.withLock { $0.bytes }
    }
}

private final class ReceivedBytes: Sendable {
    let state = Mutex<(bytes: [UInt8], count: Int, isClosed: Bool)>(([], 0, false))
}

/// Counts what comes in, and drops it.
private final class ByteCounter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let received: ReceivedBytes

    init(_ received: ReceivedBytes) { self.received = received }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let count = unwrapInboundIn(data).readableBytes
        received.state.withLock { $0.count += count }
    }

    func channelInactive(context: ChannelHandlerContext) { received.state.withLock { $0.isClosed = true } }
}

extension TestServer {
    /// Opens a connection, with TLS where `protocols` are offered for it, and closes it after `body`.
    package func connect<Value: Sendable>(
        offering protocols: [String]? = nil, _ body: @escaping @Sendable (RawConnection) async throws -> Value
    ) async throws -> Value {
        let context = try protocols.map { protocols in
            var configuration = TLSConfiguration.clientDefault
            configuration.certificateVerification = .none
            configuration.applicationProtocols = protocols
            return try NIOSSLContext(configuration: configuration)
        }
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            let connection = RawConnection(outbound: outbound, received: ReceivedBytes())
            return try await withThrowingTaskGroup(of: Value?.self) { group in
                group.addTask {
                    await connection.gather(inbound)
                    return nil
                }
                defer { group.cancelAll() }
                return try await body(connection)
            }
        }
    }

    /// Sends bytes on a connection that never reads, and closes it after `body`.
    package func withDeafConnection(sending bytes: [UInt8], _ body: () async throws -> Void) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: false)
            .connect(host: "127.0.0.1", port: port).get()
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body())
        } catch {
            outcome = .failure(error)
        }
        try? await channel.close()
        try outcome.get()
    }

    /// Sends bytes and takes what comes back in small bites with pauses between them, until there are `count` of them or the
    /// server closes the connection. Answers how many bytes came.
    package func nibble(_ bytes: [UInt8], upTo count: Int, pause: Duration) async throws -> Int {
        let received = ReceivedBytes()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: false)
            .channelOption(.socketOption(.so_rcvbuf), value: 32 << 10)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ByteCounter(received))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
        while received.state.withLock({ $0.count < count && !$0.isClosed }) {
            channel.read()
            try await Task.sleep(for: pause)
        }
        try? await channel.close()
        return received.state.withLock { $0.count }
    }

    /// Writes bytes to a fresh connection and answers what comes back until the server closes it or `patience` is over.
    /// With `closing`, this side is closed at once after the bytes, as a client that dies does.
    package func raw(_ bytes: [UInt8], closing: Bool = false, patience: Duration = .seconds(20)) async throws -> [UInt8]
    {
        try await connect { connection in
            try await connection.send(bytes)
            return closing ? [] : try await connection.receive(patience: patience)
        }
    }
}

extension RawConnection {
    fileprivate func gather(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>) async {
        do {
            for try await chunk in inbound { received.state.withLock { $0.bytes += Array(chunk.readableBytesView) } }
        } catch {
            // The server gave up on the connection, which closes it as well.
        }
        received.state.withLock { $0.isClosed = true }
    }
}
