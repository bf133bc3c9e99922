package import GranaryModel
package import NIOCore

/// All a format can reach of a repository. Every verb checks the caller's rights on the package it touches.
package protocol RepositoryAccess<Index>: Sendable {
    associatedtype Index: Sendable

    /// Who asks.
    var caller: any CallerAccess { get }
    /// Whether everybody may read all of it.
    var isPublic: Bool { get }

    /// The file a reference names. Throws `.unknown(.package, …)` when the package has never held anything, otherwise
    /// `.unknown(.file, …)`.
    func file(_ reference: FileReference, in package: PackageName) async throws(Problem) -> StoredFile
    /// One page of an index. Throws `.unknown(.package, …)` when the package has never held anything.
    func index(_ selection: Selection, _ page: Page) async throws(Problem) -> Index
    /// A document made from a whole index. That of a package, and that of everything for those who may read everything, is
    /// kept until something of what is selected changes. `variant` tells apart the documents that are made of one index, and
    /// names everything that `encode` depends on beside it.
    func document(
        _ selection: Selection, _ variant: String, _ encode: @Sendable (Index) throws(Problem) -> ByteBuffer
    ) async throws(Problem) -> Document
    /// Passes a question about packages on to the upstreams there are, and answers what each says. None hears of a name that is
    /// the house's own, that its patterns leave out, or that the caller may not read. One that does not know such questions
    /// answers nothing.
    func ask(_ question: UpstreamQuestion) async throws(Problem) -> [UpstreamQuestion.Answer]
    /// Reads the body to its end and makes its bytes durable. Throws `.mismatch`, `.tooLarge`, `.interrupted`, `.unavailable`.
    func stage(_ body: RequestBody, _ terms: StagingTerms) async throws(Problem) -> StagedBlob
    /// Bytes already stored, if some package readable by the caller holds them: the package of `address` where given
    /// (`repository/package` or, for a default repository, `package`), else any. Nil otherwise: never an oracle for
    /// content the caller may not read.
    func stage(existing blob: Digest, from address: String?) async throws(Problem) -> StagedBlob?
    /// Looks into bytes that were staged, where that may block. What `body` throws is thrown: a `Problem` as it is.
    func inspect<Value: Sendable>(
        _ blob: StagedBlob, _ body: @escaping @Sendable (StoredBytes) throws -> Value
    ) async throws(Problem) -> Value
    /// Writes the rows of a draft, in one transaction with one event.
    func publish(_ draft: Draft) async throws(Problem) -> Receipt
    /// Takes something away, in one transaction with one event.
    func retract(_ retraction: Retraction, if condition: WriteCondition) async throws(Problem) -> Receipt

    /// Opens an upload session, which outlives restarts of the server and belongs to the caller and the package.
    func openUpload(for package: PackageName, _ opening: UploadOpening) async throws(Problem) -> UploadStatus
    /// Where a session stands. Throws `.unknown(.upload, …)`, also for somebody else's.
    func upload(_ id: UploadID) async throws(Problem) -> UploadStatus
    /// Adds the body to a session. Throws `.outOfOrder` when `offset` is given and is not where the session stands;
    /// what came before an interruption is kept, unless the storage is full, which voids the session.
    func append(_ body: RequestBody, to id: UploadID, at offset: Int64?) async throws(Problem) -> UploadStatus
    /// Ends a session: its bytes are durable and verified. On `.mismatch` the session is void.
    func finishUpload(_ id: UploadID, _ terms: StagingTerms) async throws(Problem) -> StagedBlob
    /// Forgets a session and its bytes.
    func cancelUpload(_ id: UploadID) async throws(Problem)
}

extension RepositoryAccess {
    /// The file a reference names; nil where there is none, and where there is none for the caller.
    package func fileIfPresent(
        _ reference: FileReference, in package: PackageName
    ) async throws(Problem) -> StoredFile? {
        do throws(Problem) {
            return try await file(reference, in: package)
        } catch {
            guard case .unknown = error else { throw error }
            return nil
        }
    }
}

/// All a format can reach when a request addresses its mount and no repository.
package protocol ServiceAccess: Sendable {
    /// Who asks.
    var caller: any CallerAccess { get }

    /// The addresses (`repository/package`, or `package` in the default repository) of the packages the caller may
    /// read, in bytewise order, after `page.after`; and whether there are more. Throws `.insufficientScope` when the
    /// caller's token was not issued for listing.
    func catalog(_ page: Page) async throws(Problem) -> (addresses: [String], hasMore: Bool)
    /// A short-lived signed token with the part of `requests` that the caller, or the one `login` names, may have; with
    /// `listing`, it may be used for `catalog`. Throws `.unauthenticated` for a wrong login only.
    func issueToken(
        for requests: [ScopeRequest], listing: Bool, login: (user: String, secret: String)?
    ) async throws(Problem) -> IssuedToken
}

/// Rights asked for on the package at an address.
package struct ScopeRequest: Sendable, Hashable {
    package let address: String
    package let rights: Rights

    package init(address: String, rights: Rights) {
        self.address = address
        self.rights = rights
    }
}

/// A signed token and what a client needs to know of it.
package struct IssuedToken: Sendable {
    package let token: String
    package let issuedAt: Timestamp
    package let expiresInSeconds: Int
    /// What was granted of what was asked for, in the order of the requests; empty rights where nothing was.
    package let granted: [ScopeRequest]

    package init(token: String, issuedAt: Timestamp, expiresInSeconds: Int, granted: [ScopeRequest]) {
        self.token = token
        self.issuedAt = issuedAt
        self.expiresInSeconds = expiresInSeconds
        self.granted = granted
    }
}
