import FoundationEssentials
import GranaryFormat
import GranaryModel
import GranaryPorts

extension LocalRepository {
    func openUpload(
        for package: PackageName, _ opening: UploadOpening
    ) async throws(Problem) -> UploadStatus {
        try authorize(.write, package)
        let id = UploadID(random: services.random(16))
        let memo = UploadMemo(
            repository: repository.id.value, package: package, actor: principal.actor, hashes: opening.hashes,
            limit: opening.limit, length: opening.length, note: opening.note)
        try services.openUploads.begin(id, by: principal.actor)
        do {
            try await services.performing {
                try await services.blobs.begin(
                    id.text, hashing: Set(opening.hashes.map(\.rawValue)), memo: jsonText(memo))
            }
        } catch {
            await settle(id)
            throw error
        }
        return status(id, memo, offset: 0)
    }

    func upload(_ id: UploadID) async throws(Problem) -> UploadStatus {
        let (memo, offset) = try await session(id)
        return status(id, memo, offset: offset)
    }

    func append(_ body: RequestBody, to id: UploadID, at offset: Int64?) async throws(Problem) -> UploadStatus {
        let (memo, held) = try await session(id)
        // Known to be wrong before the body is read; the blob store asks again once nobody else can append.
        if let offset, offset != held { throw .outOfOrder(status(id, memo, offset: held)) }
        let limit = min(memo.limit.bytes, memo.length?.bytes ?? .max)
        let reached = try await services.performing {
            do {
                return try await services.blobs.append(body, to: id.text, at: offset, limit: limit)
            } catch BlobStoreError.outOfOrder(let held) {
                throw Problem.outOfOrder(status(id, memo, offset: held))
            } catch BlobStoreError.full {
                // What is there of it would keep the disk full until it is abandoned; the client begins again.
                try? await services.blobs.cancel(id.text)
                await settle(id)
                throw BlobStoreError.full
            }
        }
        return status(id, memo, offset: reached)
    }

    func finishUpload(_ id: UploadID, _ terms: StagingTerms) async throws(Problem) -> StagedBlob {
        _ = try await session(id)
        do {
            let blob = try await services.performing { try await commit(id.text, terms) }
            services.openUploads.end(id.text)
            return blob
        } catch {
            if case .mismatch = error { try? await services.blobs.cancel(id.text) }
            await settle(id)
            throw error
        }
    }

    func cancelUpload(_ id: UploadID) async throws(Problem) {
        _ = try await session(id)
        try await services.performing { try await services.blobs.cancel(id.text) }
        services.openUploads.end(id.text)
    }

    /// Gives the place of a session back where something went wrong and it is over.
    private func settle(_ id: UploadID) async {
        do {
            if try await services.blobs.upload(id.text) == nil { services.openUploads.end(id.text) }
        } catch {
            // Nobody can tell: it counts until it expires.
        }
    }

    /// Makes a session's bytes a blob when they are what `terms` ask for.
    func commit(_ id: String, _ terms: StagingTerms) async throws -> StagedBlob {
        let blob = try await services.blobs.commit(
            id,
            CommitTerms(
                hashes: Set(terms.hashes.map(\.rawValue)).union(terms.expected.keys), expected: terms.expected,
                size: terms.expectedSize?.bytes))
        return StagedBlob(
            checksums: Checksums(
                sha256: blob.digest, sha1: blob.hashes["sha1"], md5: blob.hashes["md5"], sha512: blob.hashes["sha512"]),
            size: ByteCount(blob.size), lease: blob.lease)
    }

    /// A session of this caller in this repository. Anybody else's does not exist.
    private func session(_ id: UploadID) async throws(Problem) -> (UploadMemo, offset: Int64) {
        let found = try await services.performing { try await services.blobs.upload(id.text) }
        guard let found, let memo = try? JSONDecoder().decode(UploadMemo.self, from: Data(found.memo.utf8)),
            memo.repository == repository.id.value, memo.actor == principal.actor
        else { throw .unknown(.upload, "there is no such upload") }
        try authorize(.write, memo.package)
        return (memo, found.offset)
    }

    private func status(_ id: UploadID, _ memo: UploadMemo, offset: Int64) -> UploadStatus {
        UploadStatus(
            id: id, package: memo.package, offset: offset, length: memo.length, note: memo.note,
            expiresAt: services.now().adding(Housekeeping.uploadLifetime))
    }
}
