package import GranaryModel
package import GranaryPorts

extension FilesystemBlobStore {
    package func lease(_ digest: BlobDigest) -> BlobLease { leases.take(digest) }

    package func list(after digest: BlobDigest?, limit: Int) async throws(BlobStoreError) -> [StoredBlob] {
        try await onPool { [self] () throws(BlobStoreError) in
            var found: [StoredBlob] = []
            let first = digest.flatMap { Int($0.hex.prefix(2), radix: 16) } ?? 0
            for number in first..<256 where found.count < limit {
                found += try stored(in: number).filter { blob in digest.map { $0.hex < blob.digest.hex } ?? true }
            }
            return Array(found.prefix(limit))
        }
    }

    /// The blobs whose digests begin with a byte, in order.
    private func stored(in number: Int) throws(BlobStoreError) -> [StoredBlob] {
        let name = String(number, radix: 16)
        return try files.entries(of: "\(blobs)/\(name.count < 2 ? "0" : "")\(name)").compactMap { entry in
            BlobDigest(hex: entry.name).map { StoredBlob(digest: $0, size: entry.size) }
        }.sorted { $0.digest.hex < $1.digest.hex }
    }

    package func remove(
        _ digests: [BlobDigest], confirm: @Sendable ([BlobDigest]) async throws -> Set<BlobDigest>
    ) async throws -> [BlobDigest] {
        let lock = try await onPool { [self] () throws(BlobStoreError) in
            try files.lock(removalLock, exclusively: true)
        }
        guard let lock else { throw BlobStoreError.busy }
        defer { withExtendedLifetime(lock) {} }
        let free = leases.beginRemoval(of: digests)
        defer { leases.endRemoval(of: free) }
        let confirmed = try await confirm(free)
        return try await onPool { [self] () throws(BlobStoreError) in
            var gone: [BlobDigest] = []
            for digest in free where confirmed.contains(digest) {
                if try vanish(digest) { gone.append(digest) }
            }
            return gone
        }
    }

    /// Renaming is quick and done while nobody can take the blob; giving the space back may take longer.
    private func vanish(_ digest: BlobDigest) throws(BlobStoreError) -> Bool {
        let path = path(of: digest).file
        let aside = "\(uploads)/\(digest.hex).removed"
        let isGone = try leases.unlessRescued(digest) { () throws(BlobStoreError) in
            if files.exists(path) { try files.move(path, to: aside) }
        }
        if isGone { try files.remove(aside) }
        return isGone
    }

    package func holdRemovals() async throws(BlobStoreError) -> FileLock {
        while true {
            let lock = try await onPool { [self] () throws(BlobStoreError) in
                try files.lock(removalLock, exclusively: false)
            }
            if let lock { return lock }
            do { try await Task.sleep(for: .milliseconds(20)) } catch { throw .failed("the wait was cancelled") }
        }
    }

    package func quarantine(_ digest: BlobDigest) async throws(BlobStoreError) {
        let path = path(of: digest).file
        try await onPool { [self] () throws(BlobStoreError) in
            if files.exists(path) { try files.move(path, to: "\(quarantined)/\(digest.hex)") }
        }
    }
}
