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

/// Turns a connection that closes in the middle of a request into an error, so that a body without a length cannot be taken
/// for complete.
final class UnfinishedRequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    private var isReading = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: isReading = true
        case .body: break
        case .end: isReading = false
        }
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isReading { context.fireErrorCaught(ChannelError.inputClosed) }
        context.fireChannelInactive()
    }
}
