package import GranaryFormat
package import GranaryModel
import HTTPTypes

/// What is built for the JVM, in the layout of Maven repositories: `/maven/<repository>/<group>/<artifact>/<version>/<file>`.
///
/// A package is `group:artifact`. A version is one, and a snapshot is the version of its directory, `1.0-SNAPSHOT`, whatever was
/// deployed of it. Checksums and metadata are never stored: they are made of the files that are there.
package struct Maven: PackageFormat {
    /// What a request asks for.
    package enum Call: Sendable {
        /// A file, or a checksum of it.
        case read(ArtifactFile, HashName?)
        /// The same of one that has a name of its own.
        case readStray(StrayFile, HashName?)
        case readMetadata(MetadataAddress, HashName?)
        case list([String])
        /// A directory that is asked for without its slash.
        case find([String])
        case write(ArtifactFile)
        /// A checksum that a client has computed of the file it has sent.
        case compare(ArtifactFile, HashName)
        /// Metadata, or a checksum of it, as clients write it.
        case ignoreMetadata(MetadataAddress, HashName?)
        case delete(Retraction)
    }

    /// The longest file taken unless the composition root says otherwise.
    package static let standardMaximumFile = ByteCount.gibibytes(100)

    package let name = FormatName(checked: "maven")
    package let mount = Mount("maven")
    /// The longest file taken.
    package let maximumFile: ByteCount

    package init(maximumFile: ByteCount = Maven.standardMaximumFile) { self.maximumFile = maximumFile }

    package func perform(
        _ operation: Operation<Call>, _ request: FormatRequest, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        switch operation.call {
        case .read(let file, let hash):
            return try await read(file, hash, operation, request.head, on: access)
        case .readStray(let file, let hash):
            return try await read(file, hash, operation, request.head, on: access)
        case .readMetadata(let address, let hash):
            return try await readMetadata(address, hash, request.head, on: access)
        case .list(let segments):
            return try await list(segments, request.head, on: access)
        case .find(let segments):
            return try await find(segments, request.head, on: access)
        case .write(let file):
            return try await write(file, request, on: access)
        case .compare(let file, let hash):
            return try await compare(file, hash, request.body, on: access)
        case .ignoreMetadata(let address, let hash):
            return try await ignoreMetadata(address, hash, request.body)
        case .delete(let retraction):
            _ = try await access.retract(retraction, if: .none)
            return Reply(.noContent)
        }
    }

    package func file(of operation: Operation<Call>) -> (FileReference, PackageName)? {
        switch operation.call {
        case .read(let file, nil): (.path(file.path), file.coordinates.package)
        case .readStray(let file, nil): (.path(file.path), file.coordinates.package)
        default: nil
        }
    }

    package func answer(_ operation: Operation<Call>, with file: StoredFile, _ head: RequestHead) -> Reply {
        let isSnapshot: Bool
        switch operation.call {
        case .read(let address, nil): isSnapshot = address.isSnapshot
        case .readStray(let address, nil): isSnapshot = address.isSnapshot
        default: preconditionFailure("only reads ask for a file")
        }
        let served = ServedFile(
            blob: file.checksums.sha256, size: file.size, mediaType: file.mediaType,
            entityTag: file.checksums.sha256.hex, modified: file.modified)
        var headers = contentHeaders(isLasting: !isSnapshot)
        headers.setChecksums(file.checksums)
        return Reply(.ok, headers, .file(served))
    }

    /// A file, or a checksum of it. The name of a snapshot without a timestamp stands for the newest there is.
    private func read(
        _ address: ArtifactFile, _ hash: HashName?, _ operation: Operation<Call>, _ head: RequestHead,
        on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let file: StoredFile
        if let held = try await access.fileIfPresent(.path(address.path), in: address.coordinates.package) {
            file = held
        } else if address.isSnapshot, address.stamp == nil,
            let newest = try await access.artifact(address.coordinates)?.newest(like: address)
        {
            file = newest
        } else {
            throw .unknown(.file, "there is no \(address.path) of \(address.coordinates.package)")
        }
        guard let hash else { return answer(operation, with: file, head) }
        return try reply(hash, of: file, isLasting: !address.isSnapshot)
    }

    /// The same of a file with a name of its own; where there is none, a directory may be called so.
    private func read(
        _ address: StrayFile, _ hash: HashName?, _ operation: Operation<Call>, _ head: RequestHead,
        on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let file = try await access.fileIfPresent(.path(address.path), in: address.coordinates.package)
        switch (file, hash) {
        case (let file?, nil): return answer(operation, with: file, head)
        case (let file?, let hash?): return try reply(hash, of: file, isLasting: !address.isSnapshot)
        case (nil, nil): return try await find(address.segments, head, on: access)
        case (nil, _?): throw .unknown(.file, "there is no \(address.path) of \(address.coordinates.package)")
        }
    }

    private func reply(_ hash: HashName, of file: StoredFile, isLasting: Bool) throws(Problem) -> Reply {
        guard let hex = file.checksums[hash] else {
            throw .unknown(.file, "there is no \(hash.rawValue) of \(file.path)")
        }
        return Reply(.ok, .plainText, text: hex, contentHeaders(isLasting: isLasting))
    }

    /// Keeps a browser from taking content for anything of ours, and caches from keeping what may change.
    func contentHeaders(isLasting: Bool) -> HTTPFields {
        var headers: HTTPFields = [.cacheControl: isLasting ? "max-age=31536000, immutable" : "no-cache"]
        headers[named: "X-Content-Type-Options"] = "nosniff"
        headers[named: "Content-Security-Policy"] = "sandbox; default-src 'none'"
        return headers
    }
}
