#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import CSystemCalls
import GranaryPorts
import NIOCore

/// A file descriptor that closes itself. Every call blocks; callers run on the blocking pool.
final class POSIXFile: File {
    let number: CInt

    var descriptor: CInt? { number }

    init(opening path: String, _ flags: CInt, mode: mode_t = 0o640) throws(BlobStoreError) {
        number = open(path, flags | O_CLOEXEC, mode)
        if number < 0 { throw .lastError("open", path) }
    }

    deinit { close(number) }

    /// Bytes in the file.
    func size() throws(BlobStoreError) -> Int64 {
        var status = stat()
        guard fstat(number, &status) == 0 else { throw .lastError("fstat", "") }
        return Int64(status.st_size)
    }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(BlobStoreError) {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = pwrite(number, rest.baseAddress, rest.count, off_t(offset) + off_t(written))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .lastError("write", "") }
            written += count
        }
    }

    /// Reads up to `count` bytes at `offset`; fewer only at the end of the file.
    func read(at offset: Int64, count: Int) throws(BlobStoreError) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        while buffer.readableBytes < count {
            let position = off_t(offset) + off_t(buffer.readableBytes)
            let missing = count - buffer.readableBytes
            let result = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: missing) { space in
                max(0, pread(number, space.baseAddress, missing, position))
            }
            if result == 0 { break }
        }
        return buffer
    }

    /// Cuts the file to `size` bytes.
    func truncate(to size: Int64) throws(BlobStoreError) {
        guard ftruncate(number, off_t(size)) == 0 else { throw .lastError("truncate", "") }
    }

    /// Waits until the file's bytes are on the disk.
    func synchronize() throws(BlobStoreError) {
        guard fsync(number) == 0 else { throw .lastError("fsync", "") }
    }

    func isInMemory(at offset: Int64) throws(BlobStoreError) -> Bool {
        switch granary_presence_of(number, offset) {
        case GRANARY_BEYOND_END: throw .failed("a file is shorter than it was")
        case GRANARY_ABSENT: false
        default: true
        }
    }

    func readAhead(_ range: Range<Int64>) {
        granary_read_ahead(number, range.lowerBound, Int64(range.count))
    }

    func writeEarly(_ range: Range<Int64>) {
        granary_write_early(number, range.lowerBound, Int64(range.count))
    }
}

extension BlobStoreError {
    /// The error of the system call that just failed.
    static func lastError(_ call: String, _ path: String) -> BlobStoreError {
        let code = errno
        if code == ENOSPC || code == EDQUOT { return .full }
        return .failed("\(call) \(path): \(String(cString: strerror(code)))")
    }
}
