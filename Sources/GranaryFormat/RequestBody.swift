package import GranaryModel
package import NIOCore

/// The body of a request: read once, in order, with back-pressure. Nothing is read, and no `100 Continue` is sent,
/// before the first chunk is asked for.
package struct RequestBody: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer
    package typealias Failure = any Error

    private let chunk: @Sendable () async throws -> ByteBuffer?

    /// `next` answers the next chunk, nil at the end; it throws when the client stops early or sends too slowly.
    package init(next chunk: @escaping @Sendable () async throws -> ByteBuffer?) {
        self.chunk = chunk
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let chunk: @Sendable () async throws -> ByteBuffer?

        package func next() async throws -> ByteBuffer? { try await chunk() }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(chunk: chunk) }

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
