import GranaryModel
import GranaryPorts
import GranaryTestKit
import NIOCore
import Synchronization
import Testing

@testable import GranaryCore

@Suite("Transfers")
struct TransferTests {
    /// Bytes that a test lets be written.
    private final class Written: GrowingBytes {
        private let bytes: [UInt8]
        private let state = Mutex<Int64>(0)

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        var count: Int64 { state.withLock { $0 } }

        func grow(to count: Int64) { state.withLock { $0 = count } }

        func read(_ range: Range<Int64>) async throws(BlobStoreError) -> ByteBuffer {
            ByteBuffer(bytes: bytes[Int(range.lowerBound)..<Int(range.upperBound)])
        }
    }

    @Test(
        "Whoever follows gets every byte once, however many come at once and whatever is written by then",
        arguments: 0..<20)
    func follow(_ seed: UInt64) async throws {
        var random = Generator(seed: seed)
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let transfer = Transfer()
        let written = Written(bytes)
        transfer.begin(.init(size: ByteCount(Int64(bytes.count)), mediaType: .octetStream, bytes: written))
        var (received, read) = (0, 0)
        let most = [3, 1000, 100_000][Int(seed % 3)]
        while received < bytes.count {
            let end = min(received + Int.random(in: 1...most, using: &random), bytes.count)
            transfer.receive(ByteBuffer(bytes: bytes[received..<end]))
            received = end
            // Whoever follows may be far behind; what is written may be, too.
            if Int.random(in: 0..<8, using: &random) == 0 {
                written.grow(to: Int64(Int.random(in: 0...received, using: &random)))
            }
            guard Int.random(in: 0..<4, using: &random) == 0, read < min(received, bytes.count - 1) else { continue }
            let chunk = try #require(try await transfer.read(from: Int64(read)))
            #expect(Array(chunk.readableBytesView) == Array(bytes[read..<(read + chunk.readableBytes)]))
            read += chunk.readableBytes
        }
        transfer.verify()
        while let chunk = try await transfer.read(from: Int64(read)) {
            #expect(Array(chunk.readableBytesView) == Array(bytes[read..<(read + chunk.readableBytes)]))
            read += chunk.readableBytes
        }
        #expect(read == bytes.count)
    }
}
