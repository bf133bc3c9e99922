package import GranaryModel
package import NIOCore

/// The body of a request: read once, in order, with back-pressure. Nothing is read, and no `100 Continue` is sent,
/// before the first chunk is asked for.
package struct RequestBody: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer
    package typealias Failure = any Error

    private let chunks: any AsyncSequence<ByteBuffer, any Error> & Sendable

    /// A body whose chunks come from somewhere; it throws when the client stops early or sends too slowly.
    package init(_ chunks: some AsyncSequence<ByteBuffer, any Error> & Sendable) {
        self.chunks = chunks
    }

    /// No body.
    package static let none = RequestBody(bytes: ByteBuffer())

    /// A body in memory.
    package init(bytes: ByteBuffer) {
        chunks = AsyncThrowingStream<ByteBuffer, any Error> { stream in
            if bytes.readableBytes > 0 { stream.yield(bytes) }
            stream.finish()
        }
    }

    /// Reads the one body there is, so there is one iterator of it.
    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var chunks: any AsyncIteratorProtocol<ByteBuffer, any Error>

        package mutating func next() async throws -> ByteBuffer? { try await chunks.next() }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(chunks: iterator(of: chunks)) }

    private func iterator(
        of sequence: some AsyncSequence<ByteBuffer, any Error>
    ) -> any AsyncIteratorProtocol<ByteBuffer, any Error> {
        sequence.makeAsyncIterator()
    }

    /// The whole body as JSON, of at most `limit` bytes. Throws what `collect` and `RawJSON` throw.
    package func json(upTo limit: Int) async throws(Problem) -> RawJSON {
        try RawJSON(try await collect(upTo: ByteCount(Int64(limit))).readableBytesView)
    }

    /// The whole body in memory. Throws `.tooLarge` past `limit`, `.interrupted` when the client stops early.
    package func collect(upTo limit: ByteCount) async throws(Problem) -> ByteBuffer {
        var collected = ByteBuffer()
        do {
            for try await var chunk in self {
                guard collected.readableBytes + chunk.readableBytes <= limit.bytes else {
                    throw Problem.tooLarge(limit)
                }
                collected.writeBuffer(&chunk)
            }
        } catch let problem as Problem {
            throw problem
        } catch {
            throw .interrupted("the request body ended early")
        }
        return collected
    }
}
