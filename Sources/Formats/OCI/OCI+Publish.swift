import FoundationEssentials
import GranaryFormat
import GranaryModel
import HTTPTypes

extension OCI {
    /// Takes a manifest in memory, reads it, makes its bytes durable and publishes it with its tags.
    func publishManifest(
        _ reference: ManifestReference, _ tags: [TagName], _ address: ImageAddress, _ request: FormatRequest,
        _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        guard request.head.contentLength ?? .zero <= Manifest.maximumSize else {
            throw .tooLarge(Manifest.maximumSize)
        }
        let bytes = try await request.body.collect(upTo: Manifest.maximumSize)
        let manifest = try Manifest(bytes, contentType: request.head.headers[.contentType])
        let blob = try await access.stage(
            RequestBody(bytes: bytes), StagingTerms(upTo: Manifest.maximumSize, reference.digest))
        let digest = reference.digest ?? blob.checksums.sha256.digest
        let draft = try draft(of: manifest, blob, digest, tags: reference.tag.map { [$0] } ?? tags, address.image)
        _ = try await access.publish(draft)

        var reply = Reply(
            .created, [.location: address.manifest(digest.description), .contentDigest: digest.description])
        if let subject = manifest.subject { reply.headers[.subject] = subject.description }
        for tag in tags { reply.headers.append(HTTPField(name: .tag, value: tag.text)) }
        return reply
    }

    /// What a manifest comes to: a version with one file, and its relations to content, members and subject.
    func draft(
        of manifest: Manifest, _ blob: StagedBlob, _ digest: Digest, tags: [TagName], _ image: PackageName
    ) throws(Problem) -> Draft {
        let version = try versionName(digest)
        guard let path = FilePath(version.text) else { throw .invalid(.digest, "a digest is algorithm:hex") }
        var draft = Draft(package: image)
        draft.version = Draft.Version(
            name: version, mediaType: manifest.mediaType, artifactType: manifest.artifactType,
            metadata: jsonText(Metadata(manifest)))
        draft.files = [Draft.File(path: path, blob: blob, mediaType: manifest.mediaType)]
        draft.tags = tags
        draft.edges = edges(of: manifest)
        draft.needs = needs(of: manifest)
        let properties = manifest.annotations.sorted { $0.key < $1.key }.compactMap { Property($0.key, $0.value) }
        draft.initialProperties = Array(properties.prefix(Property.maximumCount))
        return draft
    }

    /// A blob of an image, which no version names yet.
    func draft(of blob: StagedBlob, _ digest: Digest, _ image: PackageName) throws(Problem) -> Draft {
        var draft = Draft(package: image)
        draft.files = [Draft.File(path: try blobPath(digest), blob: blob, mediaType: .octetStream)]
        return draft
    }

    /// A member that is no manifest is a blob of this image, and stays as long as the index does.
    private func edges(of manifest: Manifest) -> [Edge] {
        manifest.content.map { Edge(.content, "blobs/\($0.digest)") }
            + manifest.members.filter { !$0.isManifest }.map { Edge(.content, "blobs/\($0.digest)") }
            + manifest.members.map { Edge(.member, $0.digest) }
            + [manifest.subject].compactMap { $0.map { Edge(.subject, $0.description) } }
    }

    /// Nothing is known of what manifests of unknown types need; a subject may come later.
    private func needs(of manifest: Manifest) -> [Draft.Need] {
        guard manifest.kind != .other else { return [] }
        return manifest.content.filter { !$0.isForeign }.map {
            Draft.Need(anyOf: ["blobs/\($0.digest)"], isMember: false)
        }
            + manifest.members.map { Draft.Need(anyOf: [$0.digest, "blobs/\($0.digest)"], isMember: true) }
    }
}

/// What referrers lists need of a manifest: kept with its version, so that they are made without opening it.
struct Metadata: Codable, Sendable, Equatable {
    /// Of all keys and values together. Lists carry the annotations of a thousand manifests in one page.
    static let maximumAnnotationBytes = 64 << 10
    /// An index that a client keeps as a referrers list is never longer than its clients read.
    static let maximumMembers = 256
    static let maximumMemberBytes = 256 << 10

    var annotations: [String: String]?
    /// Of an index: what it lists, in case its tag makes it a list of referrers.
    var members: [Descriptor]?

    init(_ manifest: Manifest) {
        annotations = Self.fitting(manifest.annotations)
        var room = Self.maximumMemberBytes
        var kept: [Descriptor] = []
        for member in manifest.members.prefix(Self.maximumMembers)
        where member.isManifest && member.mediaType != nil && member.size != nil {
            room -= Self.weight(member)
            guard room >= 0 else { break }
            kept.append(member)
        }
        members = manifest.kind == .index && !kept.isEmpty ? kept : nil
    }

    /// Answers nil for anything but the metadata of a draft.
    init?(json text: String) {
        guard let metadata = try? JSONDecoder().decode(Metadata.self, from: Data(text.utf8)) else { return nil }
        self = metadata
    }

    private static func fitting(_ annotations: [String: String]) -> [String: String]? {
        var room = maximumAnnotationBytes
        var kept: [String: String] = [:]
        for (key, value) in annotations.sorted(by: { $0.key < $1.key }) where key.utf8.count + value.utf8.count <= room
        {
            room -= key.utf8.count + value.utf8.count
            kept[key] = value
        }
        return kept.isEmpty ? nil : kept
    }

    private static func weight(_ member: Descriptor) -> Int {
        let texts = [member.mediaType, member.digest, member.artifactType].compactMap(\.self)
        let annotations = member.annotations ?? [:]
        return texts.reduce(0) { $0 + $1.utf8.count }
            + annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    }
}

extension ManifestReference {
    var digest: Digest? {
        if case .digest(let digest) = self { digest } else { nil }
    }

    var tag: TagName? {
        if case .tag(let tag) = self { tag } else { nil }
    }
}

extension StagingTerms {
    /// SHA-256 is always computed; another algorithm only where the client names its content by it.
    init(upTo limit: ByteCount, _ digest: Digest?) {
        self.init(limit: limit)
        guard let digest else { return }
        expected = [digest.algorithm.rawValue: digest.hex]
        if digest.algorithm == .sha512 { hashes = [.sha512] }
    }
}
