import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Watches where requests begin and end, and tells the watch of their connection.
///
/// A connection that closes in the middle of one is an error, so that a body without a length cannot be taken for complete.
/// A body that goes on after its answer is read and dropped for a while, because a client that is busy sending would not
/// see the answer on a connection that is closed; then the connection is closed.
final class RequestBounds: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let lingering: Duration
    private var watch: ConnectionWatch?
    private var isReceiving = false
    private var open = 0
    private var closing: Scheduled<Void>?

    /// `lingering` is how long a body may go on after its answer.
    init(lingering: Duration) { self.lingering = lingering }

    func handlerAdded(context: ChannelHandlerContext) {
        // With HTTP/2 this is one stream of a connection.
        let channels = [context.channel, context.channel.parent].compactMap { $0 }
        watch =
            channels.lazy.compactMap {
                try? $0.pipeline.syncOperations.handler(type: ConnectionWatch.self)
            }.first
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            isReceiving = true
            open += 1
            watch?.requestBegan()
        case .body:
            break
        case .end:
            isReceiving = false
            watch?.requestEnded()
            closing?.cancel()
            closing = nil
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // What cannot be read is answered, too, without having been a request.
        if case .end = unwrapOutboundIn(data), open > 0 {
            open -= 1
            watch?.answerEnded()
            if isReceiving, open == 0 {
                closing = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(lingering)) {
                    context.close(promise: nil)
                }
            }
        }
        context.write(data, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        closing?.cancel()
        if isReceiving {
            watch?.requestEnded()
            context.fireErrorCaught(ChannelError.inputClosed)
        }
        for _ in 0..<open { watch?.answerEnded() }
        (isReceiving, open) = (false, 0)
        context.fireChannelInactive()
    }
}
