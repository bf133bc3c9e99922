import Crypto
import GranaryModel
import GranaryPorts
import GranaryStore
import Logging
import NIOCore

/// Reads one blob and compares its bytes with its name. What is wrong with it is written down, and the bytes set aside, so that
/// they are never served; storing the right bytes again heals it.
struct BlobInspection: Sendable {
    /// Bytes are read and hashed in pieces of this size.
    static let pieceBytes: Int64 = 1 << 20

    enum Verdict: Sendable, Equatable {
        case intact
        /// Not what the name says, or not readable; the sentence says which.
        case damaged(String)
        /// Not stored.
        case missing
    }

    let services: Services
    /// Called after each piece with its size; may sleep to go easy on the disk.
    var pace: @Sendable (Int) async throws -> Void = { _ in }

    /// Looks, and changes nothing. Throws when it is cancelled.
    func verdict(on digest: BlobDigest) async throws -> Verdict {
        do {
            guard let blob = try await services.blobs.open(digest) else { return .missing }
            let actual = try await hash(blob)
            return actual == digest ? .intact : .damaged("its bytes are those of \(actual)")
        } catch BlobStoreError.failed(let reason) {
            // A reading that is cut short says nothing of the bytes.
            try Task.checkCancellation()
            return .damaged("it cannot be read: \(reason)")
        }
    }

    private func hash(_ blob: any OpenBlob) async throws -> BlobDigest {
        var hash = SHA256()
        var position: Int64 = 0
        while position < blob.size {
            let end = min(position + Self.pieceBytes, blob.size)
            try await blob.read(position..<end).withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
            try await pace(Int(end - position))
            position = end
        }
        return BlobDigest(bytes: hash.finalize())
    }

    /// Takes a damaged or missing blob out of service, and answers the finding; nil when it is only bytes that are not there
    /// and that nothing names, or when it turns out to be whole after all.
    func condemn(_ digest: BlobDigest) async throws -> CheckReport.Finding? {
        // Twice, because a fault of the moment, or a removal meanwhile, is no damage.
        let verdict = try await verdict(on: digest)
        let uses = try await services.driver.read {
            try IntegrityRows($0).uses(of: digest, limit: CheckReport.maximumUses)
        }
        switch verdict {
        case .intact: return nil
        case .missing where uses.isEmpty: return nil
        case .missing: break
        case .damaged:
            services.smallBlobs.drop(digest)
            try await services.blobs.quarantine(digest)
        }
        let change = Change(actor: Event.system, time: services.now())
        try await services.driver.write { connection in
            guard try BlobRows(connection).flag(digest, at: change.time) else { return }
            let events = EventRows(connection)
            try events.append(.damaged(digest, by: change, at: try events.next()))
        }
        // What caches have of it is fetched again.
        services.upstreams.forgetItems()
        services.logger.critical(
            "stored bytes are damaged", metadata: ["blob": "\(digest)", "finding": "\(verdict)"])
        return finding(digest, verdict, uses)
    }

    private func finding(_ digest: BlobDigest, _ verdict: Verdict, _ uses: [BlobUse]) -> CheckReport.Finding {
        let (kind, detail): (CheckReport.Finding.Kind, String) =
            switch verdict {
            case .damaged(let reason): (.damaged, "\(digest): \(reason); it was set aside")
            default: (.missing, "\(digest) is not stored")
            }
        return CheckReport.Finding(
            kind: kind, detail: detail, blob: digest.description, affects: uses.map(CheckReport.Use.init))
    }
}

extension Change {
    /// Bytes that were known to be damaged and have just been stored again are whole.
    func heal(_ digest: BlobDigest, on connection: any SQLConnection) throws {
        guard try BlobRows(connection).heal(digest) else { return }
        let events = EventRows(connection)
        try events.append(.healed(digest, by: self, at: try events.next()))
    }
}

extension Event {
    static func damaged(_ digest: BlobDigest, by change: Change, at sequence: SequenceNumber) -> Event {
        about(digest, .blobDamaged, change, sequence)
    }

    fileprivate static func healed(_ digest: BlobDigest, by change: Change, at sequence: SequenceNumber) -> Event {
        about(digest, .blobHealed, change, sequence)
    }

    private static func about(
        _ digest: BlobDigest, _ verb: Verb, _ change: Change, _ sequence: SequenceNumber
    ) -> Event {
        Event(
            sequence: sequence, time: change.time, actor: change.actor, verb: verb, repository: nil, package: nil,
            target: digest.description, before: nil, after: nil)
    }
}
