import HummingbirdCore
import Logging
import NIOCore

/// A kind of connection of which there may be so many. Its requests are answered on the thread of its event loop.
struct LimitedChannel<Base: ServerChildChannel>: ServerChildChannel {
    /// A connection; one that was refused has nothing to handle.
    struct Value: ServerChildChannelValue {
        let channel: any Channel
        fileprivate let base: Base.Value?
    }

    let base: Base
    let executors: LoopExecutors
    let connections: Connections
    let isPlain: Bool

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let address = channel.remoteAddress?.ipAddress ?? "-"
        do {
            if let refusal = connections.take(address) {
                try channel.pipeline.syncOperations.addHandler(
                    RefusedConnection(refusal, connections, isPlain: isPlain))
                return channel.eventLoop.makeSucceededFuture(Value(channel: channel, base: nil))
            }
            guard let watches = connections.watches(on: channel.eventLoop) else { throw ChannelError.alreadyClosed }
            try channel.pipeline.syncOperations.addHandler(
                ConnectionWatch(connections, watches, address: address, isPlain: isPlain))
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
        return base.setup(channel: channel, logger: logger).map { Value(channel: channel, base: $0) }
    }

    func handle(value: Value, logger: Logger) async {
        guard let base = value.base else {
            try? await value.channel.closeFuture.get()
            return
        }
        await withTaskExecutorPreference(executors[value.channel.eventLoop]) {
            await self.base.handle(value: base, logger: logger)
        }
    }
}

/// Tells the client of a connection that is not taken why, where it can be told, and closes it.
private final class RefusedConnection: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A client that is busy sending would not see the answer on a connection that is closed at once.
    private static let lingering = TimeAmount.seconds(2)

    private let refusal: LimitMetrics.Refusal
    private let connections: Connections
    private let isPlain: Bool

    init(_ refusal: LimitMetrics.Refusal, _ connections: Connections, isPlain: Bool) {
        self.refusal = refusal
        self.connections = connections
        self.isPlain = isPlain
    }

    func channelActive(context: ChannelHandlerContext) {
        guard isPlain, connections.takeRefused() else {
            context.close(promise: nil)
            return
        }
        context.channel.closeFuture.whenComplete { [connections] _ in connections.giveBackRefused() }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
        context.close(mode: .output, promise: nil)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingering) { context.close(promise: nil) }
    }

    /// What comes meanwhile is dropped.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    private var answer: String {
        let (status, text) =
            refusal == .addressConnections
            ? ("429 Too Many Requests", "too many connections of this address\n")
            : ("503 Service Unavailable", "too many connections\n")
        return """
            HTTP/1.1 \(status)\r\nRetry-After: 1\r\nConnection: close\r\nContent-Type: text/plain\r\n\
            Content-Length: \(text.utf8.count)\r\n\r\n\(text)
            """
    }
}
