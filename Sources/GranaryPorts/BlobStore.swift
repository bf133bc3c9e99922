package import GranaryModel
package import NIOCore

/// Bytes by digest. Names, owners and reasons are not its business.
///
/// Rules:
/// 1. A digest is readable only after all its bytes are durable and their SHA-256 is that digest.
/// 2. `commit` of bytes that are stored already succeeds and keeps one copy.
/// 3. Sessions survive a restart of the process with every byte that `append` has answered for.
package protocol BlobStore: Sendable {
    /// Opens a session under a name that is not in use. A session with a `memo` outlives the process, and `upload` answers
    /// the memo; one without is for bytes that are sent in one request.
    func begin(_ id: String, hashing hashes: Set<String>, memo: String?) async throws(BlobStoreError)
    /// A session's memo, and how many bytes it holds; nil when there is
    /// none of that name that has a memo.
    func upload(_ id: String) async throws(BlobStoreError) -> (memo: String, offset: Int64)?
    /// Adds chunks to a session and answers its new length. One appender at a time: a second gets `.busy`.
    ///
    /// When reading `chunks` fails, or goes past `limit`, what was written so far stays, and `.source` or `.tooLarge` is thrown.
    func append(
        _ chunks: some AsyncSequence<ByteBuffer, any Error> & Sendable, to id: String, limit: Int64
    ) async throws(BlobStoreError) -> Int64
    /// Hashes of what a session holds: SHA-256 and `hashes`, each in lower-case hexadecimal.
    func hashes(of id: String, _ hashes: Set<String>) async throws(BlobStoreError) -> [String: String]
    /// Makes what a session holds the blob of its SHA-256 and ends the session. Throws `.busy` while somebody appends.
    func commit(_ id: String, as digest: BlobDigest) async throws(BlobStoreError)
    /// Forgets a session. No error when there is none.
    func cancel(_ id: String) async throws(BlobStoreError)

    /// Opens a blob for reading; nil when it is not stored. What was opened stays readable when the blob is removed.
    func open(_ digest: BlobDigest) async throws(BlobStoreError) -> (any OpenBlob)?
    /// Removes a blob. No error when it is not stored.
    func remove(_ digest: BlobDigest) async throws(BlobStoreError)
    /// Removes the sessions that were last touched before `moment`, and answers how many there were.
    func expireUploads(before moment: Timestamp) async throws(BlobStoreError) -> Int
}

/// A blob that is open for reading.
package protocol OpenBlob: Sendable {
    /// In bytes.
    var size: Int64 { get }
    /// The bytes of a range within 0..<size.
    func read(_ range: Range<Int64>) async throws(BlobStoreError) -> ByteBuffer
}

/// Why a blob store did not do as asked.
package enum BlobStoreError: Error, Sendable {
    case unknownUpload
    /// Another request is writing to the session.
    case busy
    /// More than the limit, in bytes.
    case tooLarge(Int64)
    /// Reading the chunks failed.
    case source(any Error)
    /// The disk is full.
    case full
    case failed(String)
}
