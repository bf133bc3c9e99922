import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Translates HTTP/1.1 messages to HTTP types and back, and answers reads for which everything is in memory on the spot: no
/// task is woken, and their bytes go straight to the socket. Whatever takes longer goes on to the asynchronous channel
/// behind it.
///
/// Answers keep the order of their requests: while one that went on has no answer, those after it go on as well.
final class HTTP1Codec: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// A body up to this size is copied behind its head, in bytes: one write costs more than that.
    private static let maximumCopy = 32 << 10

    private let responder: Responder
    private let watch: ConnectionWatch
    private let peer: String
    /// A read that has no body so far.
    private var candidate: HTTPRequest?
    /// Requests that went on and have no answer yet.
    private var waiting = 0
    private var hasWritten = false

    /// `watch` stands before the encoder of answers; `peer` is the client's address.
    init(responder: Responder, watch: ConnectionWatch, peer: String) {
        self.responder = responder
        self.watch = watch
        self.peer = peer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            do {
                begin(try HTTPRequest(received: head), head, context)
            } catch {
                context.fireErrorCaught(error)
            }
        case .body(let bytes):
            pass(context)
            context.fireChannelRead(wrapInboundOut(.body(bytes)))
        case .end(let trailers):
            if let request = candidate, answer(request) {
                candidate = nil
            } else {
                pass(context)
                let fields = trailers.map { HTTPFields($0, splitCookie: false) }
                context.fireChannelRead(wrapInboundOut(.end(fields)))
            }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if hasWritten { watch.flush() }
        hasWritten = false
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let response):
            context.write(wrapOutboundOut(.head(HTTPResponseHead(response))), promise: promise)
        case .body(let bytes):
            context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: promise)
        case .end(let trailers):
            waiting -= 1
            context.write(wrapOutboundOut(.end(trailers.map(HTTPHeaders.init))), promise: promise)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        pass(context)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        pass(context)
        context.fireChannelInactive()
    }

    private func begin(_ request: HTTPRequest, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        if waiting == 0, Self.isCandidate(request, head), context.channel.isWritable {
            candidate = request
        } else {
            waiting += 1
            context.fireChannelRead(wrapInboundOut(.head(request)))
        }
    }

    /// Sends a candidate on after all.
    private func pass(_ context: ChannelHandlerContext) {
        guard let request = candidate else { return }
        candidate = nil
        waiting += 1
        context.fireChannelRead(wrapInboundOut(.head(request)))
    }

    /// A client that wants the connection closed, or that waits to be asked for a body, is for those behind.
    private static func isCandidate(_ request: HTTPRequest, _ head: HTTPRequestHead) -> Bool {
        (request.method == .get || request.method == .head) && head.version == .http1_1
            && request.headerFields[.expect] == nil
            && request.headerFields[.connection].map { $0.lowercased() == "keep-alive" } ?? true
    }

    private func answer(_ request: HTTPRequest) -> Bool {
        guard let (head, body) = responder.respondNow(to: request, peer: peer) else { return false }
        watch.answered()
        if body.readableBytes <= Self.maximumCopy {
            watch.write(ByteBuffer(answer: head, body: body))
        } else {
            watch.write(ByteBuffer(answer: head, body: ByteBuffer()))
            watch.write(body)
        }
        hasWritten = true
        return true
    }
}

extension HTTPRequest {
    /// A request as it came. The target stays what it is, in origin form or in absolute form. What names no host, or two, is
    /// refused (RFC 9112, section 3.2): a proxy in front might take it for another's.
    fileprivate init(received head: HTTPRequestHead) throws {
        let hosts = head.headers["Host"]
        guard hosts.count == 1 || hosts.isEmpty && head.version == .http1_0 else {
            throw HTTPParserError.invalidHeaderToken
        }
        self.init(
            method: try Method(head.method), scheme: "http", authority: hosts.first,
            path: head.uri, headerFields: HTTPFields(head.headers, splitCookie: false))
    }
}

extension ByteBuffer {
    /// An answer as it goes out, its body included. The head says how long the body is.
    fileprivate init(answer head: HTTPResponse, body: ByteBuffer) {
        self = ByteBufferAllocator().buffer(capacity: 768 + body.readableBytes)
        writeStaticString("HTTP/1.1 ")
        writeString(String(head.status.code))
        writeStaticString(" ")
        writeString(head.status.reasonPhrase)
        writeStaticString("\r\n")
        for field in head.headerFields {
            writeString(field.name.rawName)
            writeStaticString(": ")
            writeString(field.value)
            writeStaticString("\r\n")
        }
        writeStaticString("\r\n")
        writeImmutableBuffer(body)
    }
}
