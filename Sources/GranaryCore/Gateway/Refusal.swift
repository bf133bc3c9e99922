import GranaryFormat
import GranaryModel
import GranaryPolicy
import GranaryPorts
import GranaryStore
import Logging

extension Authorization.Verdict {
    /// The problem a verdict means for somebody who asked for rights on a package; nil when they may. It names no
    /// repository: the default repository refuses unknown names in the same words as a private one its own.
    func problem(on repository: Repository, _ package: PackageName?) -> Problem? {
        switch self {
        case .allowed:
            nil
        case .unauthenticated:
            .unauthenticated("a credential is needed")
        case .insufficientScope:
            .insufficientScope
        case .hidden:
            package.map { .unknown(.package, $0.text) } ?? .unknown(.repository, "there is no such repository")
        case .denied(let missing):
            .denied("needs the right to \(missing.names.joined(separator: " and ")) here, which a grant gives")
        }
    }
}

extension Services {
    /// Runs work on the stores, and words its failures as problems. What only an operator can mend goes to the log.
    func performing<Value: Sendable>(
        _ work: () async throws -> Value
    ) async throws(Problem) -> Value {
        do {
            return try await work()
        } catch let problem as Problem {
            throw problem
        } catch let error as BlobStoreError {
            throw problem(error)
        } catch SQLError.full {
            throw Self.full
        } catch {
            logger.error("the database failed", metadata: ["error": "\(error)"])
            throw .unavailable("the database does not answer as it should", retryAfter: 5)
        }
    }

    /// Looks into stored bytes, where that may block.
    func inspect<Value: Sendable>(
        _ blob: StagedBlob, _ body: @escaping @Sendable (StoredBytes) throws -> Value
    ) async throws(Problem) -> Value {
        try await performing {
            guard let open = try await blobs.open(blob.checksums.sha256) else {
                throw BlobStoreError.failed("\(blob.checksums.sha256) was staged and is not stored")
            }
            return try await open.inspect { read in try body(StoredBytes(size: ByteCount(open.size), read: read)) }
        }
    }

    private static let full = Problem.unavailable("the storage is full; nothing was stored", retryAfter: 60)

    private func problem(_ error: BlobStoreError) -> Problem {
        switch error {
        case .unknownUpload:
            return .unknown(.upload, "there is no such upload")
        case .busy:
            return .conflict("another request is writing to this upload")
        case .mismatch(let expected, let actual):
            return .mismatch(expected: expected, actual: actual)
        case .outOfOrder(let held):
            return .conflict("the upload stands at \(held) bytes")
        case .tooLarge(let limit):
            return .tooLarge(.init(limit))
        case .source(let problem as Problem):
            return problem
        case .source:
            return .interrupted("the request body ended early")
        case .full:
            return Self.full
        case .failed(let text):
            logger.error("the blob store failed", metadata: ["error": "\(text)"])
            return .unavailable("the blob store does not answer as it should", retryAfter: 5)
        }
    }
}
