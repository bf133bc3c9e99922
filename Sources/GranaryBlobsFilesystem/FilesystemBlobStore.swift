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
///     <root>/uploads/<64 hex>.removed        a blob on its way out
///     <root>/blobs/removal.lock              held while blobs are removed
///     <root>/quarantine/<64 hex>             bytes that are not what their name said
///
/// A blob is written under `uploads`, flushed, and renamed to its name; then the directory is flushed.
package final class FilesystemBlobStore: BlobStore {
    /// Chunks are gathered to this size before they are written and hashed.
    package static let batchBytes = 1 << 20

    /// How many sessions are open at once, each with a file descriptor.
    package static let maximumOpenSessions = 512

    let blobs: String
    let uploads: String
    let quarantined: String
    /// Held by whoever removes blobs, and shared by those who must not lose any.
    let removalLock: String
    let files: any FileSystem
    let leases = BlobLeases()
    let pool: NIOThreadPool
    private let sessions = Mutex<[String: UploadSession]>([:])
    /// Folders whose own entry this process has seen flushed.
    private let durableFolders = Mutex<Set<String>>([])

    /// `root` must be on one file system. Makes its folders where they are missing.
    package init(
        root: String, pool: NIOThreadPool, files: any FileSystem = POSIXFileSystem()
    ) throws(BlobStoreError) {
        blobs = "\(root)/blobs/sha256"
        uploads = "\(root)/uploads"
        quarantined = "\(root)/quarantine"
        removalLock = "\(root)/blobs/removal.lock"
        self.files = files
        self.pool = pool
        for folder in [blobs, uploads, quarantined] { try files.makeDirectory(folder) }
        for folder in ["\(root)/blobs", root] { try files.synchronizeDirectory(folder) }
    }

    func path(of digest: BlobDigest) -> (folder: String, file: String) {
        let folder = "\(blobs)/\(digest.hex.prefix(2))"
        return (folder, "\(folder)/\(digest.hex)")
    }

    func onPool<Value: Sendable>(
        _ work: @escaping @Sendable () throws(BlobStoreError) -> Value
    ) async throws(BlobStoreError) -> Value {
        try await pool.blocking(work)
    }
}

extension NIOThreadPool {
    /// Runs file operations away from the threads that serve requests.
    func blocking<Value: Sendable>(
        _ work: @escaping @Sendable () throws(BlobStoreError) -> Value
    ) async throws(BlobStoreError) -> Value {
        do {
            return try await runIfActive { try work() }
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
        let session = try await onPool { [files] () throws(BlobStoreError) in
            if let memo { try files.open("\(path).memo", for: .create).write(Array(memo.utf8)) }
            let file = try files.open(path, for: .create)
            return UploadSession(file: file, offset: 0, hashes: RunningHashes(hashes))
        }
        _ = keep(session, as: id)
    }

    package func upload(_ id: String) async throws(BlobStoreError) -> (memo: String, offset: Int64)? {
        guard let session = try await session(id) else { return nil }
        let path = "\(uploads)/\(id).memo"
        let memo: String? = try await onPool { [files] () throws(BlobStoreError) in
            files.exists(path) ? try files.text(of: path) : nil
        }
        return memo.map { ($0, session.offset) }
    }

    package func append(
        _ chunks: some AsyncSequence<ByteBuffer, any Error> & Sendable, to id: String, at offset: Int64?, limit: Int64
    ) async throws(BlobStoreError) -> Int64 {
        let session = try await acquire(id)
        defer { session.release() }
        if let offset, offset != session.offset { throw .outOfOrder(session.offset) }
        do {
            try await copy(chunks, to: session, limit: limit)
        } catch let error as BlobStoreError {
            throw error
        } catch {
            throw .source(error)
        }
        return session.offset
    }

    /// Reads the next batch while the last one is hashed and written. A batch that cannot be written ends it: what comes
    /// after must not take its place.
    private func copy(
        _ chunks: some AsyncSequence<ByteBuffer, any Error> & Sendable, to session: UploadSession, limit: Int64
    ) async throws {
        var sourceFailure: (any Error)?
        try await withThrowingTaskGroup(of: Void.self) { group in
            var iterator = chunks.makeAsyncIterator()
            var batch = UploadBatch()
            var total = session.offset
            while true {
                do {
                    guard let chunk = try await iterator.next() else { break }
                    total += Int64(chunk.readableBytes)
                    guard total <= limit else { throw BlobStoreError.tooLarge(limit) }
                    batch.add(chunk)
                } catch {
                    sourceFailure = error
                    break
                }
                guard batch.count >= Self.batchBytes else { continue }
                try await group.next()
                group.addTask { [batch, pool] in try await session.add(batch, on: pool) }
                batch = UploadBatch()
            }
            try await group.next()
            if batch.count > 0 { try await session.add(batch, on: pool) }
        }
        if let sourceFailure { throw sourceFailure }
    }

    package func commit(_ id: String, _ terms: CommitTerms) async throws(BlobStoreError) -> CommittedBlob {
        let session = try await acquire(id)
        defer {
            session.release()
            if session.isEnded { sessions.withLock { $0[id] = nil } }
        }
        return try await onPool { [self] () throws(BlobStoreError) in
            let blob = try verified(session, terms)
            // Held before anybody looks whether it is stored: from here on it cannot go.
            let lease = leases.take(blob.digest)
            try name("\(uploads)/\(id)", as: blob.digest, session)
            return CommittedBlob(digest: blob.digest, size: blob.size, hashes: blob.hashes, lease: lease)
        }
    }

    /// Gives the bytes of a session their final name. From then on the file is not the session's, whatever else fails.
    private func name(
        _ source: String, as digest: BlobDigest, _ session: UploadSession
    ) throws(BlobStoreError) {
        let (folder, target) = path(of: digest)
        try makeDurable(folder)
        if files.exists(target) {
            session.end()
            try files.remove(source)
        } else {
            try session.file.synchronize()
            session.end()
            try files.move(source, to: target)
        }
        // Also where it was there: whoever stored it first may not have flushed its name yet.
        try files.synchronizeDirectory(folder)
        try files.remove("\(source).memo")
    }

    private func verified(
        _ session: UploadSession, _ terms: CommitTerms
    ) throws(BlobStoreError) -> (digest: BlobDigest, size: Int64, hashes: [String: String]) {
        let size = session.offset
        if let expected = terms.size, expected != size {
            throw .mismatch(expected: "\(expected) bytes", actual: "\(size) bytes")
        }
        let hashes = try session.hashes(terms.hashes)
        for (name, expected) in terms.expected where hashes[name] != expected {
            throw .mismatch(expected: "\(name):\(expected)", actual: "\(name):\(hashes[name] ?? "unknown")")
        }
        guard let digest = hashes["sha256"].flatMap({ BlobDigest(hex: $0) }) else {
            throw .failed("no SHA-256 was computed")
        }
        terms.whenVerified?()
        return (digest, size, hashes)
    }

    /// Makes a folder whose name is on the disk.
    private func makeDurable(_ folder: String) throws(BlobStoreError) {
        guard !durableFolders.withLock({ $0.contains(folder) }) else { return }
        try files.makeDirectory(folder)
        try files.synchronizeDirectory(blobs)
        durableFolders.withLock { _ = $0.insert(folder) }
    }

    package func follow(_ id: String) async throws(BlobStoreError) -> (any GrowingBytes)? {
        try await session(id).map { FollowedSession(session: $0, pool: pool) }
    }

    package func cancel(_ id: String) async throws(BlobStoreError) {
        sessions.withLock { $0.removeValue(forKey: id) }?.end()
        let path = "\(uploads)/\(id)"
        try await onPool { [files] () throws(BlobStoreError) in
            try files.remove(path)
            try files.remove("\(path).memo")
        }
    }

    package func expireUploads(before moment: Timestamp) async throws(BlobStoreError) -> [String] {
        let folder = uploads
        let entries = try await onPool { [files] () throws(BlobStoreError) in try files.entries(of: folder) }
        let expired = Set(
            entries.filter { $0.modified < moment.seconds && !$0.name.hasSuffix(".memo") }.map(\.name))
        // An old memo without bytes belongs to a commit or a cancel that was cut short.
        let names = Set(entries.map(\.name))
        let orphans = entries.filter { $0.modified < moment.seconds && $0.name.hasSuffix(".memo") }.map(\.name)
            .filter { !names.contains(String($0.dropLast(".memo".count))) }
        for id in expired { try await cancel(id) }
        for orphan in orphans {
            try await onPool { [files] () throws(BlobStoreError) in try files.remove("\(folder)/\(orphan)") }
        }
        return Array(expired)
    }

    package func uploads() async throws(BlobStoreError) -> [(id: String, memo: String)] {
        let folder = uploads
        return try await onPool { [files] () throws(BlobStoreError) in
            let names = Set(try files.entries(of: folder).map(\.name))
            var found: [(id: String, memo: String)] = []
            for id in names where names.contains("\(id).memo") {
                found.append((id, try files.text(of: "\(folder)/\(id).memo")))
            }
            return found
        }
    }

    /// The session of a name, taken for one writer. Finding and taking are one step, so that a session that is not busy
    /// is in nobody's hands and can be closed.
    private func acquire(_ id: String) async throws(BlobStoreError) -> UploadSession {
        guard try await session(id) != nil else { throw .unknownUpload }
        let (session, result) = sessions.withLock { sessions in (sessions[id], sessions[id]?.acquire()) }
        switch (session, result) {
        case (let session?, .acquired): return session
        case (_, .busy): throw .busy
        default: throw .unknownUpload
        }
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
        let opened: UploadSession? = try await onPool { [files] () throws(BlobStoreError) in
            guard files.exists(path) else { return nil }
            let file = try files.open(path, for: .update)
            return UploadSession(file: file, offset: try file.size(), hashes: nil)
        }
        return opened.map { keep($0, as: id) }
    }
}

extension FileSystem {
    /// The whole of a short file.
    fileprivate func text(of path: String) throws(BlobStoreError) -> String {
        let file = try open(path, for: .read)
        return String(buffer: try file.read(at: 0, count: Int(try file.size())))
    }
}

/// A session that somebody reads while it is written to.
private struct FollowedSession: GrowingBytes {
    let session: UploadSession
    let pool: NIOThreadPool

    var count: Int64 { session.offset }

    func read(_ range: Range<Int64>) async throws(BlobStoreError) -> ByteBuffer {
        try await pool.blocking { [session] () throws(BlobStoreError) in
            let bytes = try session.file.read(at: range.lowerBound, count: range.count)
            guard bytes.readableBytes == range.count else { throw .failed("an upload is shorter than it was") }
            return bytes
        }
    }
}
