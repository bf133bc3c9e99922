import FoundationEssentials
package import GranaryFormat
package import GranaryModel
import NIOCore

// The URL of an upstream is that of its registry, without `v2`.

extension OCI {
    private static let tagLifetime = Duration.seconds(60)
    private static let listLifetime = Duration.seconds(120)
    private static let maximumList = ByteCount.mebibytes(32)
    /// Of a list.
    private static let maximumPages = 250
    /// Whatever a client takes; what it gets is what its tag or digest stands for.
    private static let manifests = [
        MediaType.imageIndex.text, MediaType.imageManifest.text,
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json"
    ].joined(separator: ", ")

    package func upstreamFile(
        _ reference: FileReference, of package: PackageName, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> UpstreamFile {
        switch reference {
        case .tag(let tag):
            var file = Self.manifest(tag.text, of: package)
            file.lifetime = Self.tagLifetime
            file.digestField = .contentDigest
            return file
        case .version(let version):
            guard let digest = Digest(version.text) else { throw .invalid(.digest, "a digest is algorithm:hex") }
            var file = Self.manifest(version.text, of: package)
            file.expected[digest.algorithm.rawValue] = digest.hex
            return file
        case .path(let path):
            guard path.text.hasPrefix("blobs/"), let digest = Digest(String(path.text.dropFirst("blobs/".count))) else {
                throw .unknown(.file, "an image has blobs and manifests")
            }
            var file = UpstreamFile(
                UpstreamLocation("v2/\(package)/blobs/\(digest)"), limit: Self.maximumBlobSize)
            file.expected[digest.algorithm.rawValue] = digest.hex
            file.mediaType = .octetStream
            return file
        }
    }

    /// A tag is as young as what it leads to; a digest says all by itself.
    package func release(of reference: FileReference) -> String? {
        if case .tag(let tag) = reference { tag.text } else { nil }
    }

    private static func manifest(_ reference: String, of package: PackageName) -> UpstreamFile {
        UpstreamFile(
            UpstreamLocation("v2/\(package)/manifests/\(reference)", accept: manifests), limit: Manifest.maximumSize)
    }

    package func upstreamDocument(for selection: Selection) -> UpstreamDocument? {
        switch selection {
        case .tags(let image):
            UpstreamDocument(
                UpstreamLocation("v2/\(image)/tags/list", accept: MediaType.json.text), lifetime: Self.listLifetime,
                limit: Self.maximumList, maximumPages: Self.maximumPages)
        case .referrers(let image, let target, _):
            UpstreamDocument(
                UpstreamLocation("v2/\(image)/referrers/\(target)", accept: MediaType.imageIndex.text),
                lifetime: Self.listLifetime, limit: Self.maximumList, maximumPages: Self.maximumPages,
                absences: Self.noReferrers)
        case .version(let image, let version):
            // What a digest stands for never changes.
            UpstreamDocument(
                UpstreamLocation("v2/\(image)/manifests/\(version)", accept: Self.manifests),
                lifetime: .seconds(24 * 3600), limit: Manifest.maximumSize)
        case .packages, .package, .directory, .tree, .everything: nil
        }
    }

    /// What registries say that do not know the address of the list; there may be a tag instead.
    private static let noReferrers: Set = [400, 405, 406]

    /// Others answer with a page for people.
    private static let referrerTypes: Set = [
        MediaType.imageIndex.text, MediaType.json.text, MediaType.octetStream.text
    ]

    private struct TagDocument: Decodable { let tags: [String]? }

    private struct ListDocument: Decodable { let manifests: [Descriptor]? }

    package func decode(_ selection: Selection, _ document: ReceivedDocument) throws(Problem) -> Index {
        if case .referrers = selection, !Self.referrerTypes.contains(document.mediaType) {
            throw .unknown(.content, "the registry has no list of referrers")
        }
        // Checked first: a decoder is not to see hostile nesting.
        let json = try RawJSON(document.bytes.readableBytesView)
        let pages = (json.elements ?? [json]).map { Data($0.bytes) }
        do {
            if case .tags = selection {
                let tags = try pages.flatMap { try JSONDecoder().decode(TagDocument.self, from: $0).tags ?? [] }
                return Index(
                    tags: Set(tags.filter { TagName($0) != nil }).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
            }
            var found = try pages.flatMap { try JSONDecoder().decode(ListDocument.self, from: $0).manifests ?? [] }
            if case .referrers(_, _, let type) = selection {
                var known: Set<String> = []
                found = found.filter { (type == nil || $0.artifactType == type) && known.insert($0.digest).inserted }
                    .sorted { $0.digest < $1.digest }
            }
            return Index(descriptors: found)
        } catch {
            throw .invalid(.content, "this is no document of a registry")
        }
    }

    /// Lists are put together; of a digest, the first one that tells of it counts.
    package func merge(_ selection: Selection, _ indexes: [Index]) -> Index {
        if case .version = selection { return indexes.first { !$0.descriptors.isEmpty } ?? indexes[0] }
        var known: Set<String> = []
        return Index(
            tags: Set(indexes.flatMap(\.tags)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) },
            descriptors: indexes.flatMap(\.descriptors).filter { known.insert($0.digest).inserted }
                .sorted { $0.digest < $1.digest },
            hasMore: indexes.contains(where: \.hasMore))
    }
}
