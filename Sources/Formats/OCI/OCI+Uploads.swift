import GranaryFormat
import GranaryModel
import HTTPTypes
import NIOCore

extension OCI {
    /// One blob at most; what a repository may hold in all is for its quota to say.
    static let maximumBlobSize = ByteCount.gibibytes(1024)

    func openUpload(
        _ algorithm: Digest.Algorithm?, _ address: ImageAddress, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let opening = UploadOpening(hashes: algorithm == .sha512 ? [.sha512] : [], limit: Self.maximumBlobSize)
        return session(.accepted, try await access.openUpload(for: address.image, opening), address)
    }

    /// A blob that cannot be taken over is uploaded: a miss is an open session, never an error.
    func mount(
        _ digest: Digest, from source: String?, _ address: ImageAddress, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        guard let blob = try await access.stage(existing: digest, from: source) else {
            return try await openUpload(digest.algorithm, address, access)
        }
        return try await publish(blob, digest, address, access)
    }

    func stageBlob(
        _ digest: Digest, _ address: ImageAddress, _ body: RequestBody, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let blob = try await access.stage(body, StagingTerms(upTo: Self.maximumBlobSize, digest))
        return try await publish(blob, digest, address, access)
    }

    func upload(
        _ id: UploadID, _ step: UploadStep, _ address: ImageAddress, _ request: FormatRequest,
        _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let status = try await access.upload(id)
        guard status.package == address.image else { throw .unknown(.upload, "this image has no such upload") }
        switch step {
        case .status:
            return session(.noContent, status, address)
        case .cancel:
            try await access.cancelUpload(id)
            return Reply(.noContent)
        case .append(let range):
            return session(.accepted, try await append(request, to: id, range, access), address)
        case .finish(let digest, let range):
            // A closing request without a body must not wait for one, but where the client is wrong about the
            // session's end it is to hear of it.
            if request.head.contentLength != .zero || range != nil {
                _ = try await append(request, to: id, range, access)
            }
            let blob = try await access.finishUpload(id, StagingTerms(upTo: Self.maximumBlobSize, digest))
            return try await publish(blob, digest, address, access)
        }
    }

    private func append(
        _ request: FormatRequest, to id: UploadID, _ range: ContentRange?, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> UploadStatus {
        guard let range else { return try await access.append(request.body, to: id, at: nil) }
        let body = RequestBody(RangedBody(body: request.body, length: range.length))
        return try await access.append(body, to: id, at: range.first)
    }

    private func publish(
        _ blob: StagedBlob, _ digest: Digest, _ address: ImageAddress, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        _ = try await access.publish(try draft(of: blob, digest, address.image))
        return Reply(.created, [.location: address.blob(digest), .contentDigest: digest.description])
    }

    /// Where a session stands, as its client resumes from it.
    func session(_ answer: HTTPResponse.Status, _ status: UploadStatus, _ address: ImageAddress) -> Reply {
        Reply(
            answer,
            [
                .location: address.upload(status.id), .uploadID: status.id.text,
                // Inclusive and without a unit. An empty session says 0-0, the least that clients can read.
                .range: "0-\(max(status.offset - 1, 0))"
            ])
    }
}

/// A body as long as its Content-Range says. What is beyond is not taken, because a session cannot give bytes back.
private struct RangedBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    typealias Failure = any Error

    let body: RequestBody
    let length: Int64

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(chunks: body.makeAsyncIterator(), missing: length) }

    struct AsyncIterator: AsyncIteratorProtocol {
        var chunks: RequestBody.AsyncIterator
        /// Below zero once there was more.
        var missing: Int64

        mutating func next() async throws -> ByteBuffer? {
            guard missing >= 0 else { throw Self.disagreement }
            guard var chunk = try await chunks.next() else {
                guard missing == 0 else { throw Self.disagreement }
                return nil
            }
            let wanted = missing
            missing -= Int64(chunk.readableBytes)
            if missing >= 0 { return chunk }
            return chunk.readSlice(length: Int(wanted))
        }

        private static let disagreement = Problem.invalid(.size, "Content-Range and the body disagree")
    }
}

/// The place of a chunk in a blob: `0-1023` as clients send it, or `bytes 0-1023/2048` (RFC 9110, section 14.4).
package struct ContentRange: Sendable, Hashable {
    let first: Int64
    /// Inclusive.
    let last: Int64

    var length: Int64 { last - first + 1 }

    /// Answers nil for anything else, and when `last` comes before `first` or after the total.
    init?(_ text: some StringProtocol) {
        var rest = text[...]
        var total: Int64?
        if rest.hasPrefix("bytes ") {
            rest = rest.dropFirst("bytes ".count)
            let halves = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            if halves.count == 2, halves[1] != "*" {
                guard let size = decimal(halves[1]) else { return nil }
                total = size
            }
            rest = halves[0][...]
        }
        let ends = rest.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.count == 2, let first = decimal(ends[0]), let last = decimal(ends[1]), first <= last,
            total.map({ last < $0 }) ?? true
        else { return nil }
        self.first = first
        self.last = last
    }
}

/// Up to 18 digits, so that sums of two cannot overflow.
private func decimal(_ text: some StringProtocol) -> Int64? {
    guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy(isDigit) else { return nil }
    return Int64(text)
}
