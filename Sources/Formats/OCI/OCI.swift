package import GranaryFormat
package import GranaryModel
import HTTPTypes

/// Container images and other artifacts by the OCI distribution specification (1.1): `/v2/<repository>/<image>/…`.
///
/// A manifest is a version named by its digest, a blob is a file of the image at `blobs/<digest>`, a tag is a tag.
package struct OCI: PackageFormat {
    package let name = FormatName(checked: "oci")
    /// Clients that use a mirror say whose (distribution specification, "Registry Proxying").
    package let mount = Mount(
        "v2", hasDefaultRepository: true, mirroring: .init(parameter: "ns", field: .namespace))

    package init() {}

    package func perform(
        _ operation: Operation<Call>, _ request: FormatRequest, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        if let (reference, image) = file(of: operation) {
            return answer(operation, with: try await access.file(reference, in: image), request.head)
        }
        guard case .image(let image, let action) = operation.call else {
            throw .unsupported("\(operation.name) is not asked of a repository")
        }
        let reply = try await answer(action, ImageAddress(request.head, image), request, access)
        return reply.ofThisVersion
    }

    package func file(of operation: Operation<Call>) -> (FileReference, PackageName)? {
        guard case .image(let image, let action) = operation.call else { return nil }
        switch action {
        case .getManifest(.tag(let tag)):
            return (.tag(tag), image)
        case .getManifest(.digest(let digest)):
            return (try? versionName(digest)).map { (.version($0), image) }
        case .getBlob(let digest):
            return (try? blobPath(digest)).map { (.path($0), image) }
        default:
            return nil
        }
    }

    /// A manifest's path is its digest, in the algorithm it was pushed with: what a tag answers with.
    package func answer(_ operation: Operation<Call>, with file: StoredFile, _ head: RequestHead) -> Reply {
        let entityTag =
            switch operation.call {
            case .image(_, .getManifest(.digest(let digest))), .image(_, .getBlob(let digest)): digest.description
            default: file.path.text
            }
        let body = ServedFile(
            blob: file.checksums.sha256, size: file.size, mediaType: file.mediaType, entityTag: entityTag,
            modified: file.modified)
        return Reply(.ok, [.contentDigest: entityTag], .file(body)).ofThisVersion
    }

    package func performService(
        _ operation: Operation<Call>, _ request: FormatRequest, on access: some ServiceAccess
    ) async throws(Problem) -> Reply {
        switch operation.call {
        case .ping: return Reply(.ok, .json, text: "{}").ofThisVersion
        case .catalog(let listing): return try await catalog(listing, request.head, access).ofThisVersion
        case .token: return try await token(request, access).ofThisVersion
        case .image: throw .unsupported("\(operation.name) needs a repository")
        }
    }

    private func answer(
        _ action: Action, _ address: ImageAddress, _ request: FormatRequest, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        switch action {
        case .getManifest, .getBlob: throw .invalid(.digest, "a digest is algorithm:hex")
        case .putManifest(let reference, let tags):
            try await publishManifest(reference, tags, address, request, access)
        case .deleteManifest(let reference): try await retract(reference, address.image, access)
        case .deleteBlob(let digest): try await retract(.file(address.image, try blobPath(digest)), access)
        case .openUpload(let algorithm): try await openUpload(algorithm, address, access)
        case .mount(let digest, let source): try await mount(digest, from: source, address, access)
        case .putBlob(let digest): try await stageBlob(digest, address, request.body, access)
        case .upload(let id, let step): try await upload(id, step, address, request, access)
        case .listTags(let listing): try await listTags(listing, address, access)
        case .listReferrers(let digest, let artifactType, let listing):
            try await listReferrers(of: digest, artifactType, listing, address, access)
        }
    }

    // MARK: Removing

    private func retract(
        _ reference: ManifestReference, _ image: PackageName, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        switch reference {
        case .tag(let tag): try await retract(.tag(image, tag), access)
        case .digest(let digest): try await retract(.version(image, try versionName(digest)), access)
        }
    }

    private func retract(
        _ retraction: Retraction, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        _ = try await access.retract(retraction, if: .none)
        return Reply(.accepted)
    }
}

extension Reply {
    fileprivate var ofThisVersion: Reply {
        var reply = self
        reply.headers[.registryVersion] = OCI.registryVersion
        return reply
    }
}

/// Where an image is found, as its clients write it.
struct ImageAddress: Sendable {
    static let mount = "/v2/"
    let prefix: String
    let image: PackageName

    init(_ head: RequestHead, _ image: PackageName) {
        self.prefix = head.prefix
        self.image = image
    }

    /// The name in scopes, challenges and tag lists: `docker/team/api`, or `team/api` in the default repository.
    var name: String { Self.name(prefix, image.text) }

    static func name(_ prefix: String, _ image: String) -> String {
        (prefix.hasPrefix(mount) ? String(prefix.dropFirst(mount.count)) : "") + image
    }

    /// Paths rather than URLs, because they hold behind every proxy.
    func manifest(_ digest: String) -> String { "\(prefix)\(image)/manifests/\(digest)" }
    func blob(_ digest: Digest) -> String { "\(prefix)\(image)/blobs/\(digest)" }
    func upload(_ id: UploadID) -> String { "\(prefix)\(image)/blobs/uploads/\(id)" }
    var tags: String { "\(prefix)\(image)/tags/list" }
    func referrers(_ digest: Digest) -> String { "\(prefix)\(image)/referrers/\(digest)" }
}

/// The path at which an image holds a blob.
func blobPath(_ digest: Digest) throws(Problem) -> FilePath {
    guard let path = FilePath("blobs/\(digest)") else { throw .invalid(.digest, "a digest is algorithm:hex") }
    return path
}

/// The version that the manifest with this digest is.
func versionName(_ digest: Digest) throws(Problem) -> VersionName {
    guard let version = VersionName(digest.description) else { throw .invalid(.digest, "a digest is algorithm:hex") }
    return version
}
