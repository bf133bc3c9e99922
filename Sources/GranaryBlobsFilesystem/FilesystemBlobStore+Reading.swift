package import GranaryModel
package import GranaryPorts
import NIOCore
import NIOPosix

extension FilesystemBlobStore {
    /// Blobs up to this size are read when they are opened: one way to the blocking pool does for both.
    static let smallBytes: Int64 = 64 << 10

    package func open(_ digest: BlobDigest) async throws(BlobStoreError) -> (any OpenBlob)? {
        let path = path(of: digest).file
        return try await onPool { [pool, files] () throws(BlobStoreError) in
            guard files.exists(path) else { return nil }
            let file = try files.open(path, for: .read)
            let size = try file.size()
            let content = size <= Self.smallBytes ? try file.read(0..<size) : nil
            return OpenFile(file: file, size: size, content: content, pool: pool)
        }
    }
}

/// A blob's file, open for reading.
private struct OpenFile: OpenBlob {
    let file: any File
    let size: Int64
    let content: ByteBuffer?
    let pool: NIOThreadPool

    var descriptor: CInt? { file.descriptor }

    func read(_ range: Range<Int64>) async throws(BlobStoreError) -> ByteBuffer {
        try await pool.blocking { [file] () throws(BlobStoreError) in try file.read(range) }
    }

    func inspect<Value: Sendable>(
        _ body: @escaping @Sendable (_ read: @escaping (Range<Int64>) throws -> ByteBuffer) throws -> Value
    ) async throws -> Value {
        try await pool.runIfActive { [file] in try body { try file.read($0) } }
    }

    func prepare(_ range: Range<Int64>, before next: Range<Int64>) async throws(BlobStoreError) {
        guard !range.isEmpty else { return }
        if !next.isEmpty, try file.isInMemory(at: next.upperBound - 1) == false { file.readAhead(next) }
        if try file.isInMemory(at: range.upperBound - 1) { return }
        try await pool.blocking { [file] () throws(BlobStoreError) in
            file.readAhead(range)
            _ = try file.read(range.upperBound - 1..<range.upperBound)
        }
    }
}

extension File {
    /// All bytes of a range, or an error.
    fileprivate func read(_ range: Range<Int64>) throws(BlobStoreError) -> ByteBuffer {
        let bytes = try read(at: range.lowerBound, count: range.count)
        guard bytes.readableBytes == range.count else { throw .failed("a blob is shorter than it was") }
        return bytes
    }
}
