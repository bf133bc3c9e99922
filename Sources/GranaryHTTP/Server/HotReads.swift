import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Answers reads for which everything is in memory on the spot: no task is woken, nothing is queued. Whatever takes longer
/// goes on to the asynchronous channel behind it.
///
/// Answers keep the order of their requests: while one that went on has no answer, those after it go on as well.
final class HotReads: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let responder: Responder
    /// A read that has no body so far.
    private var candidate: HTTPRequest?
    /// Requests that went on and have no answer yet.
    private var waiting = 0
    private var hasWritten = false
    private var peer: String?

    init(responder: Responder) { self.responder = responder }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let request):
            if waiting == 0, context.channel.isWritable, Self.isCandidate(request) {
                candidate = request
            } else {
                waiting += 1
                context.fireChannelRead(data)
            }
        case .body:
            pass(context)
            context.fireChannelRead(data)
        case .end:
            if let candidate, answer(candidate, context) {
                self.candidate = nil
            } else {
                pass(context)
                context.fireChannelRead(data)
            }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if hasWritten { context.flush() }
        hasWritten = false
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { waiting -= 1 }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        pass(context)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        pass(context)
        context.fireChannelInactive()
    }

    /// Sends a candidate on after all.
    private func pass(_ context: ChannelHandlerContext) {
        guard let request = candidate else { return }
        candidate = nil
        waiting += 1
        context.fireChannelRead(wrapInboundOut(.head(request)))
    }

    /// A client that wants the connection closed, or that waits to be asked for a body, is for those behind.
    private static func isCandidate(_ request: HTTPRequest) -> Bool {
        (request.method == .get || request.method == .head) && request.headerFields[.expect] == nil
            && request.headerFields[.connection].map { $0.lowercased() == "keep-alive" } ?? true
    }

    private func answer(_ request: HTTPRequest, _ context: ChannelHandlerContext) -> Bool {
        let peer = self.peer ?? context.remoteAddress?.ipAddress ?? "-"
        self.peer = peer
        guard let answer = responder.respondNow(to: request, peer: peer) else { return false }
        context.write(wrapOutboundOut(.head(answer.head)), promise: nil)
        if answer.body.readableBytes > 0 { context.write(wrapOutboundOut(.body(answer.body)), promise: nil) }
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        hasWritten = true
        return true
    }
}
