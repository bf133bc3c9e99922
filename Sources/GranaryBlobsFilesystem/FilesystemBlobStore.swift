#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
package import GranaryModel
package import GranaryPorts
package import NIOCore
package import NIOPosix
import Synchronization

/// Blobs as files.
///
///     <root>/blobs/sha256/<2 hex>/<64 hex>   immutable; complete whenever the name exists
///     <root>/uploads/<id>                    bytes of a session so far
///     <root>/uploads/<id>.memo               what came with it, where it must outlive this process
///
/// A blob is written under `uploads`, flushed, and renamed to its name; then the directory is flushed.
package final class FilesystemBlobStore: BlobStore {
    /// Chunks are gathered to this size before they are written and hashed.
    package static let batchBytes = 1 << 20

    /// How many sessions are open at once, each with a file descriptor.
    package static let maximumOpenSessions = 512

    private let blobs: String
    private let uploads: String
    private let pool: NIOThreadPool
    private let sessions = Mutex<[String: UploadSession]>([:])

    /// `root` must be on one file system. Makes its folders where they are missing.
    package init(root: String, pool: NIOThreadPool) throws(BlobStoreError) {
        blobs = "\(root)/blobs/sha256"
        uploads = "\(root)/uploads"
        self.pool = pool
        try POSIXPath.makeDirectory(blobs)
        try POSIXPath.makeDirectory(uploads)
    }

    private func path(of digest: BlobDigest) -> (folder: String, file: String) {
        let folder = "\(blobs)/\(digest.hex.prefix(2))"
        return (folder, "\(folder)/\(digest.hex)")
    }

    private func onPool<Value: Sendable>(
        _ work: @escaping @Sendable () throws(BlobStoreError) -> Value
    ) async throws(BlobStoreError) -> Value {
        do {
            return try await pool.runIfActive { try work() }
        } catch let error as BlobStoreError {
            throw error
        } catch {
            throw .failed("the server is stopping")
        }
    }
}

// MARK: - Reading

extension FilesystemBlobStore {
    package func open(_ digest: BlobDigest) async throws(BlobStoreError) -> (any OpenBlob)? {
        let path = path(of: digest).file
        return try await onPool { [pool] () throws(BlobStoreError) in
            guard POSIXPath.exists(path) else { return nil }
            let file = try POSIXFile(opening: path, O_RDONLY)
            return OpenFile(file: file, size: try file.size(), pool: pool)
        }
    }

    package func remove(_ digest: BlobDigest) async throws(BlobStoreError) {
        let path = path(of: digest).file
        try await onPool { () throws(BlobStoreError) in try POSIXPath.remove(path) }
    }
}

/// A blob's file, open for reading.
private struct OpenFile: OpenBlob {
    let file: POSIXFile
    let size: Int64
    let pool: NIOThreadPool

    func read(_ range: Range<Int64>) async throws(BlobStoreError) -> ByteBuffer {
        do {
            return try await pool.runIfActive { [file] in
                let bytes = try file.read(at: range.lowerBound, count: range.count)
                guard bytes.readableBytes == range.count else {
                    throw BlobStoreError.failed("a blob is shorter than it was")
                }
                return bytes
            }
        } catch let error as BlobStoreError {
            throw error
        } catch {
            throw .failed("the server is stopping")
        }
    }
}

// MARK: - Uploads

extension FilesystemBlobStore {
    package func begin(_ id: String, hashing hashes: Set<String>, memo: String?) async throws(BlobStoreError) {
        let path = "\(uploads)/\(id)"
        let session = try await onPool { () throws(BlobStoreError) in
            if let memo {
                let file = try POSIXFile(opening: "\(path).memo", O_WRONLY | O_CREAT | O_EXCL)
                try file.write(Array(memo.utf8))
            }
            let file = try POSIXFile(opening: path, O_RDWR | O_CREAT | O_EXCL)
            return UploadSession(file: file, offset: 0, hashes: RunningHashes(hashes))
        }
        _ = keep(session, as: id)
    }

    package func upload(_ id: String) async throws(BlobStoreError) -> (memo: String, offset: Int64)? {
        guard let session = try await session(id) else { return nil }
        let path = "\(uploads)/\(id).memo"
        let memo: String? = try await onPool { () throws(BlobStoreError) in
            guard POSIXPath.exists(path) else { return nil }
            let file = try POSIXFile(opening: path, O_RDONLY)
            return String(buffer: try file.read(at: 0, count: Int(try file.size())))
        }
        return memo.map { ($0, session.offset) }
    }

    package func append(
        _ chunks: some AsyncSequence<ByteBuffer, any Error> & Sendable, to id: String, limit: Int64
    ) async throws(BlobStoreError) -> Int64 {
        guard let session = try await session(id) else { throw .unknownUpload }
        guard session.acquire() else { throw .busy }
        defer { session.release() }
        do {
            try await copy(chunks, to: session, limit: limit)
        } catch let error as BlobStoreError {
            throw error
        } catch {
            throw .source(error)
        }
        return session.offset
    }

    /// Reads the next batch while the last one is hashed and written.
    private func copy(
        _ chunks: some AsyncSequence<ByteBuffer, any Error> & Sendable, to session: UploadSession, limit: Int64
    ) async throws {
        var failure: (any Error)?
        try await withThrowingTaskGroup(of: Void.self) { group in
            var batch = ByteBuffer()
            var total = session.offset
            do {
                for try await var chunk in chunks {
                    total += Int64(chunk.readableBytes)
                    guard total <= limit else { throw BlobStoreError.tooLarge(limit) }
                    batch.writeBuffer(&chunk)
                    guard batch.readableBytes >= Self.batchBytes else { continue }
                    try await group.next()
                    group.addTask { [batch, pool] in try await session.add(batch, on: pool) }
                    batch = ByteBuffer()
                }
            } catch {
                failure = error
            }
            try await group.next()
            if batch.readableBytes > 0 { try await session.add(batch, on: pool) }
        }
        if let failure { throw failure }
    }

    package func hashes(of id: String, _ hashes: Set<String>) async throws(BlobStoreError) -> [String: String] {
        guard let session = try await session(id) else { throw .unknownUpload }
        return try await onPool { () throws(BlobStoreError) in try session.hashes(hashes) }
    }

    package func commit(_ id: String, as digest: BlobDigest) async throws(BlobStoreError) {
        guard let session = try await session(id) else { throw .unknownUpload }
        guard session.acquire() else { throw .busy }
        defer { session.release() }
        let (folder, target) = path(of: digest)
        let source = "\(uploads)/\(id)"
        try await onPool { [blobs] () throws(BlobStoreError) in
            guard try session.hashes([])["sha256"] == digest.hex else { throw .failed("committed as another digest") }
            if POSIXPath.exists(target) {
                try POSIXPath.remove(source)
            } else {
                try session.file.synchronize()
                if try POSIXPath.makeDirectory(folder) { try POSIXPath.synchronizeDirectory(blobs) }
                try POSIXPath.move(source, to: target)
                try POSIXPath.synchronizeDirectory(folder)
            }
            try POSIXPath.remove("\(source).memo")
        }
        sessions.withLock { $0[id] = nil }
    }

    package func cancel(_ id: String) async throws(BlobStoreError) {
        sessions.withLock { $0[id] = nil }
        let path = "\(uploads)/\(id)"
        try await onPool { () throws(BlobStoreError) in
            try POSIXPath.remove(path)
            try POSIXPath.remove("\(path).memo")
        }
    }

    package func expireUploads(before moment: Timestamp) async throws(BlobStoreError) -> Int {
        let entries = try await onPool { [uploads] () throws(BlobStoreError) in try POSIXPath.entries(of: uploads) }
        let expired = Set(
            entries.filter { $0.modified < moment.seconds && !$0.name.hasSuffix(".memo") }.map(\.name))
        // A memo whose bytes are gone belongs to a commit or a cancel that was cut short.
        let names = Set(entries.map(\.name))
        let orphans = names.filter { $0.hasSuffix(".memo") && !names.contains(String($0.dropLast(5))) }
        for id in expired { try await cancel(id) }
        for orphan in orphans {
            try await onPool { [uploads] () throws(BlobStoreError) in try POSIXPath.remove("\(uploads)/\(orphan)") }
        }
        return expired.count
    }

    /// Each open session holds a file descriptor; beyond `maximumOpenSessions` quiet ones are closed, to be opened again
    /// and hashed anew when they go on.
    private func keep(_ session: UploadSession, as id: String) -> UploadSession {
        sessions.withLock { sessions in
            let kept = sessions[id] ?? session
            if sessions.count >= Self.maximumOpenSessions { sessions = sessions.filter { $0.value.isBusy } }
            sessions[id] = kept
            return kept
        }
    }

    /// The live session, or one from before this process, opened again.
    private func session(_ id: String) async throws(BlobStoreError) -> UploadSession? {
        if let live = sessions.withLock({ $0[id] }) { return live }
        let path = "\(uploads)/\(id)"
        let opened: UploadSession? = try await onPool { () throws(BlobStoreError) in
            guard POSIXPath.exists(path) else { return nil }
            let file = try POSIXFile(opening: path, O_RDWR)
            return UploadSession(file: file, offset: try file.size(), hashes: nil)
        }
        guard let opened else { return nil }
        return keep(opened, as: id)
    }
}
