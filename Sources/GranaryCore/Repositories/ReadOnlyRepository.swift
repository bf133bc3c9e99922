import GranaryFormat
import GranaryModel

/// A repository that nothing can be written to.
protocol ReadOnlyRepository: ServedRepository {
    var services: Services { get }
    /// Why, and where to write instead.
    var refusal: Problem { get }
}

extension ReadOnlyRepository {
    func stage(_ body: RequestBody, _ terms: StagingTerms) async throws(Problem) -> StagedBlob { throw refusal }

    func stage(existing blob: Digest, from address: String?) async throws(Problem) -> StagedBlob? { throw refusal }

    func inspect<Value: Sendable>(
        _ blob: StagedBlob, _ body: @escaping @Sendable (StoredBytes) throws -> Value
    ) async throws(Problem) -> Value {
        try await services.inspect(blob, body)
    }

    func publish(_ draft: Draft) async throws(Problem) -> Receipt { throw refusal }

    func retract(_ retraction: Retraction, if condition: WriteCondition) async throws(Problem) -> Receipt {
        throw refusal
    }

    func openUpload(for package: PackageName, _ opening: UploadOpening) async throws(Problem) -> UploadStatus {
        throw refusal
    }

    func upload(_ id: UploadID) async throws(Problem) -> UploadStatus { throw refusal }

    func append(_ body: RequestBody, to id: UploadID, at offset: Int64?) async throws(Problem) -> UploadStatus {
        throw refusal
    }

    func finishUpload(_ id: UploadID, _ terms: StagingTerms) async throws(Problem) -> StagedBlob { throw refusal }

    func cancelUpload(_ id: UploadID) async throws(Problem) { throw refusal }
}
