package import GranaryModel
package import NIOCore

/// Bytes by digest. Names, owners and reasons are not its business.
///
/// Rules:
/// 1. A digest is readable only after all its bytes are durable and their SHA-256 is that digest.
/// 2. `commit` of bytes that are stored already succeeds and keeps one copy.
/// 3. A committed blob cannot be removed while the lease that `commit` answers is held.
/// 4. Sessions survive a restart of the process with every byte that `append` has answered for.
package protocol BlobStore: Sendable {
    /// Opens a session under a name that is not in use. A session with a `memo` outlives the process, and `upload` answers
    /// the memo; one without is for bytes that are sent in one request.
    func begin(_ id: String, hashing hashes: Set<String>, memo: String?) async throws(BlobStoreError)
    /// A session's memo, and how many bytes it holds; nil when there is
    /// none of that name that has a memo.
    func upload(_ id: String) async throws(BlobStoreError) -> (memo: String, offset: Int64)?
    /// Adds chunks to a session and answers its new length. One at a time: a second appender, or one that comes while the
    /// session is committed, gets `.busy`. Throws `.outOfOrder` when `offset` is given and is not where the session stands.
    ///
    /// When reading `chunks` fails, or goes past `limit`, what came before stays, and `.source` or `.tooLarge` is thrown.
    /// When writing fails, what was written in order before stays, and nothing after it.
    func append(
        _ chunks: some AsyncSequence<ByteBuffer, any Error> & Sendable, to id: String, at offset: Int64?, limit: Int64
    ) async throws(BlobStoreError) -> Int64
    /// Makes what a session holds the blob of its SHA-256 and ends the session: hashing, comparing and naming are one step
    /// that nobody can append to. Throws `.mismatch` when the bytes are not what is expected, and keeps the session.
    func commit(_ id: String, _ terms: CommitTerms) async throws(BlobStoreError) -> CommittedBlob
    /// What a session holds, for others to read while it grows; nil when there is none.
    func follow(_ id: String) async throws(BlobStoreError) -> (any GrowingBytes)?
    /// Forgets a session. No error when there is none.
    func cancel(_ id: String) async throws(BlobStoreError)

    /// Opens a blob for reading; nil when it is not stored. What was opened stays readable when the blob is removed.
    func open(_ digest: BlobDigest) async throws(BlobStoreError) -> (any OpenBlob)?
    /// Keeps a blob from being removed until the lease is let go, whether or not it is stored.
    func lease(_ digest: BlobDigest) -> BlobLease
    /// Up to `limit` stored blobs in the order of their digests, after `digest`.
    func list(after digest: BlobDigest?, limit: Int) async throws(BlobStoreError) -> [StoredBlob]
    /// Removes those of `digests` that nobody holds and that `confirm` lets go; answers which are gone.
    ///
    /// `confirm` is asked once nobody holds them, and answers which of them no row names. Who takes one of them from then
    /// on, by `lease` or by committing the same bytes, rescues it.
    func remove(
        _ digests: [BlobDigest], confirm: @Sendable ([BlobDigest]) async throws -> Set<BlobDigest>
    ) async throws -> [BlobDigest]
    /// Keeps every blob from being removed until the answer is let go, in other processes on the same store too. Waits for
    /// a removal that is under way. Meanwhile `remove` throws `.busy`.
    func holdRemovals() async throws(BlobStoreError) -> FileLock
    /// Takes a damaged blob out of service: it is not stored any more, and its bytes are kept aside. Committing the right
    /// bytes stores it again. No error when it is not stored.
    func quarantine(_ digest: BlobDigest) async throws(BlobStoreError)
    /// Removes the sessions that were last touched before `moment`, and answers which there were.
    func expireUploads(before moment: Timestamp) async throws(BlobStoreError) -> [String]
    /// The sessions that have a memo, those from before this process too, in no order.
    func uploads() async throws(BlobStoreError) -> [(id: String, memo: String)]
}

/// The bytes of a session as far as they are written. What was opened stays readable when the session becomes a blob.
package protocol GrowingBytes: Sendable {
    /// How many there are.
    var count: Int64 { get }
    /// The bytes of a range within 0..<count.
    func read(_ range: Range<Int64>) async throws(BlobStoreError) -> ByteBuffer
}

/// What must hold of the bytes of a session for them to become a blob, and what is wanted to know of them.
package struct CommitTerms: Sendable {
    /// Hashes wanted beside SHA-256: `sha1`, `md5`, `sha512`.
    package var hashes: Set<String>
    /// Lower-case hexadecimal that must match, by the name of the hash, which is `sha256` or one of `hashes`.
    package var expected: [String: String]
    /// In bytes; nil takes any.
    package var size: Int64?
    /// Called once the bytes are known to be what is expected, before they are durable.
    package var whenVerified: (@Sendable () -> Void)?

    package init(
        hashes: Set<String> = [], expected: [String: String] = [:], size: Int64? = nil,
        whenVerified: (@Sendable () -> Void)? = nil
    ) {
        self.hashes = hashes
        self.expected = expected
        self.size = size
        self.whenVerified = whenVerified
    }
}

/// What a session came to.
package struct CommittedBlob: Sendable {
    package let digest: BlobDigest
    /// In bytes.
    package let size: Int64
    /// Lower-case hexadecimal by the name of the hash; SHA-256 and what was wanted.
    package let hashes: [String: String]
    /// To be held until a row names the blob.
    package let lease: BlobLease

    package init(digest: BlobDigest, size: Int64, hashes: [String: String], lease: BlobLease) {
        self.digest = digest
        self.size = size
        self.hashes = hashes
        self.lease = lease
    }
}

/// A blob as a listing tells of it.
package struct StoredBlob: Sendable, Equatable {
    package let digest: BlobDigest
    /// In bytes.
    package let size: Int64

    package init(digest: BlobDigest, size: Int64) {
        self.digest = digest
        self.size = size
    }
}

/// A blob that is open for reading.
package protocol OpenBlob: Sendable {
    /// In bytes.
    var size: Int64 { get }
    /// All bytes, where they are in memory already; then nothing else has to be asked.
    var content: ByteBuffer? { get }
    /// A file that holds the bytes from its start, for the kernel to send from; nil where there is none. It is open for as
    /// long as this value is held, and nobody else's to close.
    var descriptor: CInt? { get }
    /// The bytes of a range within 0..<size.
    func read(_ range: Range<Int64>) async throws(BlobStoreError) -> ByteBuffer
    /// Runs `body` on a thread that may block, with a way to read ranges within 0..<size there.
    func inspect<Value: Sendable>(
        _ body: @escaping @Sendable (_ read: @escaping (Range<Int64>) throws -> ByteBuffer) throws -> Value
    ) async throws -> Value
    /// Waits until a range can be read from `descriptor` without waiting for the disk, as far as anybody can tell, and asks
    /// for `next` to be read ahead. Throws when the range is not there.
    func prepare(_ range: Range<Int64>, before next: Range<Int64>) async throws(BlobStoreError)
}

extension OpenBlob {
    package var content: ByteBuffer? { nil }
    package var descriptor: CInt? { nil }
    package func prepare(_ range: Range<Int64>, before next: Range<Int64>) async throws(BlobStoreError) {}
}

/// Why a blob store did not do as asked.
package enum BlobStoreError: Error, Sendable {
    case unknownUpload
    /// Another request is writing to the session; or removals are on hold.
    case busy
    /// The session holds that many bytes, not as many as the appender believes.
    case outOfOrder(Int64)
    /// The bytes of a session are not what was expected of them.
    case mismatch(expected: String, actual: String)
    /// More than the limit, in bytes.
    case tooLarge(Int64)
    /// Reading the chunks failed.
    case source(any Error)
    /// The disk is full.
    case full
    case failed(String)
}
