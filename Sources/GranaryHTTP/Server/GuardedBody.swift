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

    let body: HummingbirdCore.RequestBody
    /// What `Content-Length` says.
    let length: Int64?
    let expectsContinue: Bool
    /// Slower than this on the whole is refused, in bytes per second.
    let minimumRate: Int64
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
            guard elapsed > source.patience, received < elapsed.components.seconds * source.minimumRate else { return }
            throw Problem.interrupted("the request body came slower than \(source.minimumRate) bytes a second")
        }
    }
}
