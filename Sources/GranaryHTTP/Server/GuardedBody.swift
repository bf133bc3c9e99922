import GranaryFormat
import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTPTypes

/// The body of a request as the core reads it: `100 Continue` goes out with the first read, a sender that trickles is cut
/// off, and a body that ends before its length is an error and never a shorter body.
struct GuardedBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    /// Slower than this on the whole is refused, in bytes per second.
    static let minimumRate: Int64 = 512

    let body: HummingbirdCore.RequestBody
    /// What `Content-Length` says.
    let length: Int64?
    let expectsContinue: Bool
    /// A sender has this long before its rate counts.
    let patience: Duration
    let channel: any Channel
    let clock: ContinuousClock

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(source: self, chunks: body.makeAsyncIterator(), started: clock.now)
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        let source: GuardedBody
        var chunks: HummingbirdCore.RequestBody.AsyncIterator
        let started: ContinuousClock.Instant
        var received: Int64 = 0
        var hasBegun = false

        mutating func next() async throws -> ByteBuffer? {
            try await begin()
            guard let chunk = try await chunks.next() else {
                guard source.length.map({ $0 == received }) ?? true else {
                    throw Problem.interrupted("the request body ended before its Content-Length")
                }
                return nil
            }
            received += Int64(chunk.readableBytes)
            try checkRate()
            return chunk
        }

        private mutating func begin() async throws {
            guard !hasBegun else { return }
            hasBegun = true
            guard source.expectsContinue else { return }
            try await source.channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)))
        }

        private func checkRate() throws {
            let elapsed = source.clock.now - started
            guard elapsed > source.patience, received < elapsed.components.seconds * minimumRate else { return }
            throw Problem.interrupted("the request body came slower than \(minimumRate) bytes a second")
        }
    }
}

/// Watches where requests end.
///
/// A connection that closes in the middle of one is an error, so that a body without a length cannot be taken for complete.
/// A body that goes on after its answer is read and dropped for a while, because a client that is busy sending would not
/// see the answer on a connection that is closed; then the connection is closed.
final class UnfinishedRequestHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let lingering: Duration
    private var isReading = false
    private var requests = 0
    private var answers = 0
    private var closing: Scheduled<Void>?

    /// `lingering` is how long a body may go on after its answer.
    init(lingering: Duration) { self.lingering = lingering }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            isReading = true
            requests += 1
        case .body:
            break
        case .end:
            isReading = false
            closing?.cancel()
            closing = nil
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            answers += 1
            if isReading, answers == requests {
                closing = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(lingering)) {
                    context.close(promise: nil)
                }
            }
        }
        context.write(data, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        closing?.cancel()
        if isReading { context.fireErrorCaught(ChannelError.inputClosed) }
        context.fireChannelInactive()
    }
}
