import NIOCore
import Testing

@testable import GranaryHTTP

@Suite("Receive buffers")
struct ReceiveBuffersTests {
    @Test("They grow while they are filled, shrink when they are not, and stay within their bounds")
    func sizes() {
        var buffers = ReceiveBuffers()
        /// The capacity once so much of each buffer was filled.
        func read(_ count: (Int) -> Int, times: Int) -> Int {
            for _ in 0..<times {
                _ = buffers.record(actualReadBytes: count(buffers.buffer(allocator: ByteBufferAllocator()).capacity))
            }
            return buffers.buffer(allocator: ByteBufferAllocator()).capacity
        }
        #expect(read({ $0 }, times: 0) == ReceiveBuffers.smallest)
        #expect(read({ $0 }, times: 20) == ReceiveBuffers.largest)
        #expect(read({ $0 / 2 }, times: 20) == ReceiveBuffers.largest)
        #expect(read({ _ in 100 }, times: 20) == ReceiveBuffers.smallest)
    }

    @Test("Many uploads share what one may have, and none goes without")
    func sharing() async throws {
        var limits = Limits()
        limits.receivedBytes = 1 << 20
        let admission = Admission(limits, metrics: LimitMetrics(factory: PrometheusRegistry()))
        func largest() -> Int {
            var buffers = ReceiveBuffers(admission: admission)
            func capacity() -> Int { buffers.buffer(allocator: ByteBufferAllocator()).capacity }
            for _ in 0..<20 { _ = buffers.record(actualReadBytes: capacity()) }
            return capacity()
        }
        #expect(largest() == ReceiveBuffers.largest)
        for number in 0..<16 { try await admission.enter(.upload, "\(number)") }
        #expect(largest() == 16 << 10)
        for number in 16..<512 { try await admission.enter(.upload, "\(number)") }
        #expect(largest() == ReceiveBuffers.smallest)
    }
}
