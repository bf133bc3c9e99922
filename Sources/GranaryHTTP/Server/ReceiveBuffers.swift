import NIOCore

/// Buffers for what arrives on a connection: small for requests, large for bodies, and none of them kept once it is used.
/// A connection that has sent a long body and is idle since holds no more memory than one that never did.
struct ReceiveBuffers: RecvByteBufferAllocator {
    /// A request head fits.
    static let smallest = 2 << 10
    /// Larger ones save no calls to the system that could be noticed.
    static let largest = 256 << 10

    private var size = ReceiveBuffers.smallest
    /// The largest that a connection may have now.
    private let allowance: @Sendable () -> Int

    init(allowance: @escaping @Sendable () -> Int = { largest }) { self.allowance = allowance }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer { allocator.buffer(capacity: size) }

    /// Answers true, which keeps the last buffer from being used again.
    mutating func record(actualReadBytes: Int) -> Bool {
        if actualReadBytes == size {
            size = max(min(size * 4, Self.largest, allowance()), Self.smallest)
        } else if actualReadBytes < size / 4 {
            size = max(size / 4, Self.smallest)
        }
        return true
    }

    /// Nil asks for no pool of buffers.
    func nextBufferSize() -> Int? { nil }
}

extension ReceiveBuffers {
    /// Up to four of them wait for each upload, and all uploads together may have `Limits.receivedBytes`.
    init(admission: Admission) {
        self.init { admission.limits.receivedBytes / (4 * max(1, admission.uploading)) }
    }
}
