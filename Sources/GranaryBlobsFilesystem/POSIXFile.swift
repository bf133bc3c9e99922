#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import GranaryPorts
import NIOCore

/// A file descriptor that closes itself. Every call blocks; callers run on the blocking pool.
final class POSIXFile: Sendable {
    let descriptor: CInt

    init(opening path: String, _ flags: CInt, mode: mode_t = 0o640) throws(BlobStoreError) {
        descriptor = open(path, flags | O_CLOEXEC, mode)
        if descriptor < 0 { throw .lastError("open", path) }
    }

    deinit { close(descriptor) }

    /// Bytes in the file.
    func size() throws(BlobStoreError) -> Int64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .lastError("fstat", "") }
        return Int64(status.st_size)
    }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(BlobStoreError) {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(written))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .lastError("write", "") }
            written += count
        }
    }

    /// Writes all of `bytes` at the start.
    func write(_ bytes: [UInt8]) throws(BlobStoreError) {
        let result = bytes.withUnsafeBytes { pointer in
            Result { () throws(BlobStoreError) in try write(pointer, at: 0) }
        }
        try result.get()
    }

    /// Reads up to `count` bytes at `offset`; fewer only at the end of the file.
    func read(at offset: Int64, count: Int) throws(BlobStoreError) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        while buffer.readableBytes < count {
            let position = off_t(offset) + off_t(buffer.readableBytes)
            let missing = count - buffer.readableBytes
            let result = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: missing) { space in
                max(0, pread(descriptor, space.baseAddress, missing, position))
            }
            if result == 0 { break }
        }
        return buffer
    }

    /// Cuts the file to `size` bytes.
    func truncate(to size: Int64) throws(BlobStoreError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw .lastError("truncate", "") }
    }

    /// Waits until the file's bytes are on the disk.
    func synchronize() throws(BlobStoreError) {
        guard fsync(descriptor) == 0 else { throw .lastError("fsync", "") }
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

/// Calls on paths. All block.
enum POSIXPath {
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Makes a directory and those above it; answers whether it had to.
    @discardableResult
    static func makeDirectory(_ path: String) throws(BlobStoreError) -> Bool {
        if mkdir(path, 0o750) == 0 { return true }
        if errno == EEXIST { return false }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw .lastError("mkdir", path)
        }
        try makeDirectory(String(path[..<slash]))
        guard mkdir(path, 0o750) == 0 || errno == EEXIST else { throw .lastError("mkdir", path) }
        return true
    }

    /// Waits until the entries of a directory are on the disk.
    static func synchronizeDirectory(_ path: String) throws(BlobStoreError) {
        try POSIXFile(opening: path, O_RDONLY | O_DIRECTORY).synchronize()
    }

    static func move(_ source: String, to target: String) throws(BlobStoreError) {
        guard rename(source, target) == 0 else { throw .lastError("rename", target) }
    }

    /// No error when there is nothing.
    static func remove(_ path: String) throws(BlobStoreError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw .lastError("unlink", path) }
    }

    /// Names and modification times, in seconds since 1970, of what a directory holds.
    static func entries(of path: String) throws(BlobStoreError) -> [(name: String, modified: Int64)] {
        guard let directory = opendir(path) else { throw .lastError("opendir", path) }
        defer { closedir(directory) }
        var found: [(name: String, modified: Int64)] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            guard name != ".", name != "..", stat("\(path)/\(name)", &status) == 0 else { continue }
            #if canImport(Darwin)
                found.append((name, Int64(status.st_mtimespec.tv_sec)))
            #else
                found.append((name, Int64(status.st_mtim.tv_sec)))
            #endif
        }
        return found
    }
}
