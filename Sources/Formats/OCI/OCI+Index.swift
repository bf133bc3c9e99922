import FoundationEssentials
package import GranaryFormat
import GranaryModel
import HTTPTypes

extension OCI {
    /// The tags or referrers of an image, or what one manifest lists.
    package struct Index: Sendable {
        var tags: [String] = []
        var descriptors: [Descriptor] = []
        /// Whether there is more after the last entry.
        var hasMore = false
    }

    /// Clients read a page of referrers up to 4 MiB, the limit of a manifest.
    static let maximumPageBytes = 3 << 20

    package func make(_ selection: Selection, from rows: IndexRows) -> Index {
        switch selection {
        case .tags: Index(tags: rows.entries.map(\.name), hasMore: rows.hasMore)
        case .referrers: referrers(rows)
        case .version:
            Index(descriptors: rows.entries.first?.version.flatMap { Metadata(json: $0.metadata)?.members } ?? [])
        case .directory, .tree, .packages, .package, .everything: Index()
        }
    }

    private func referrers(_ rows: IndexRows) -> Index {
        var room = Self.maximumPageBytes
        var index = Index(hasMore: rows.hasMore)
        for version in rows.entries.compactMap(\.version) {
            let annotations = Metadata(json: version.metadata)?.annotations
            room -= 512 + (annotations ?? [:]).reduce(0) { $0 + 2 * ($1.key.utf8.count + $1.value.utf8.count) }
            guard room >= 0 || index.descriptors.isEmpty else {
                index.hasMore = true
                break
            }
            index.descriptors.append(
                Descriptor(
                    mediaType: version.mediaType.text, digest: version.name.text, size: version.size.bytes,
                    artifactType: version.artifactType.isEmpty ? nil : version.artifactType, annotations: annotations))
        }
        return index
    }

    // MARK: Tags

    func listTags(
        _ listing: Listing, _ address: ImageAddress, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let index = try await access.index(.tags(address.image), listing.page).page(listing)
        let tags = index.tags
        var reply = Reply(.ok, .json, text: jsonText(TagList(name: address.name, tags: tags)))
        reply.headers[.link] = index.hasMore ? link(address.tags, listing, after: tags.last) : nil
        return reply
    }

    func catalog(_ listing: Listing, _ head: RequestHead, _ access: some ServiceAccess) async throws(Problem) -> Reply {
        let (addresses, hasMore) = try await access.catalog(listing.page)
        let page = Array(addresses.prefix(listing.limit))
        var reply = Reply(.ok, .json, text: jsonText(Catalog(repositories: page)))
        reply.headers[.link] = hasMore ? link("\(head.prefix)_catalog", listing, after: page.last) : nil
        return reply
    }

    /// To the next page, on this host (RFC 8288). An empty page has none, or clients would ask for it for ever.
    func link(_ path: String, _ listing: Listing, after last: String?, _ filter: String? = nil) -> String? {
        guard let last else { return nil }
        let filter = filter.map { "&artifactType=" + percentEncoded($0) } ?? ""
        return "<\(path)?n=\(listing.limit)&last=\(percentEncoded(last))\(filter)>; rel=\"next\""
    }

    private struct TagList: Encodable {
        let name: String
        let tags: [String]
    }

    private struct Catalog: Encodable { let repositories: [String] }

    // MARK: Referrers

    /// Always a list: an image without referrers, and an image that does not exist yet, have an empty one.
    func listReferrers(
        of subject: Digest, _ artifactType: String?, _ listing: Listing, _ address: ImageAddress,
        _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let selection = Selection.referrers(address.image, target: subject.description, artifactType: artifactType)
        let known = try await ifKnown { () async throws(Problem) in try await access.index(selection, listing.page) }
        // Another registry may know no such list, and have the tag all the same.
        let stored = (known ?? Index()).page(listing)
        let folded = listing.limit > 0 ? try await fallbackReferrers(of: subject, address.image, access) : []
        var held: [Descriptor] = []
        for descriptor in stored.missing(folded, after: listing.last, artifactType)
        where try await isHeld(descriptor, address.image, access) {
            held.append(descriptor)
        }
        let page = stored.adding(held, limit: listing.limit)
        var reply = referrersReply(page.descriptors)
        if artifactType != nil { reply.headers[.filtersApplied] = "artifactType" }
        let next = page.hasMore ? page.descriptors.last?.digest : nil
        reply.headers[.link] = link(address.referrers(subject), listing, after: next, artifactType)
        return reply
    }

    /// What clients that know no referrers API wrote down in an index under a tag (distribution specification,
    /// "Referrers Tag Schema").
    private func fallbackReferrers(
        of subject: Digest, _ image: PackageName, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> [Descriptor] {
        guard let tag = tagName(fallbackTag(of: subject)),
            let file = try await ifKnown({ () async throws(Problem) in try await access.file(.tag(tag), in: image) }),
            file.mediaType.essence == MediaType.imageIndex.text, let version = file.version
        else { return [] }
        return try await ifKnown { () async throws(Problem) in
            try await access.index(.version(image, version), Page(limit: 1))
        }?.descriptors ?? []
    }

    /// A client that deletes a signature may leave it in its list.
    private func isHeld(
        _ descriptor: Descriptor, _ image: PackageName, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Bool {
        guard let version = VersionName(descriptor.digest) else { return false }
        return try await ifKnown { () async throws(Problem) in
            try await access.file(.version(version), in: image)
        } != nil
    }

    /// `sha256-<hex>`, the algorithm cut at 32 characters and the hash at 64.
    func fallbackTag(of digest: Digest) -> String {
        "\(digest.algorithm.rawValue.prefix(32))-\(digest.hex.prefix(64))"
    }

    private func ifKnown<Answer: Sendable>(
        _ read: () async throws(Problem) -> Answer
    ) async throws(Problem) -> Answer? {
        do {
            return try await read()
        } catch .unknown {
            return nil
        } catch {
            throw error
        }
    }

    func referrersReply(_ descriptors: [Descriptor]) -> Reply {
        Reply(.ok, .imageIndex, text: jsonText(ReferrersList(manifests: descriptors)))
    }

    private struct ReferrersList: Encodable {
        let schemaVersion = 2
        let mediaType = MediaType.imageIndex.text
        let manifests: [Descriptor]
    }
}

extension OCI.Index {
    /// The part of it that a listing asks for. What comes from other registries comes whole.
    fileprivate func page(_ listing: Listing) -> OCI.Index {
        let isAfter = { (name: String) in listing.last.map { $0.utf8.lexicographicallyPrecedes(name.utf8) } ?? true }
        let tags = tags.filter(isAfter)
        let descriptors = descriptors.filter { isAfter($0.digest) }
        return OCI.Index(
            tags: Array(tags.prefix(listing.limit)), descriptors: Array(descriptors.prefix(listing.limit)),
            hasMore: hasMore || tags.count > listing.limit || descriptors.count > listing.limit)
    }

    /// Those of `folded` that belong on this page, by their digests and the filter, and are not on it.
    func missing(_ folded: [Descriptor], after last: String?, _ artifactType: String?) -> [Descriptor] {
        var known = Set(descriptors.map(\.digest))
        let end = hasMore ? descriptors.last?.digest : nil
        return folded.filter { descriptor in
            guard last.map({ $0 < descriptor.digest }) ?? true, end.map({ descriptor.digest < $0 }) ?? true,
                artifactType == nil || artifactType == descriptor.artifactType
            else { return false }
            return known.insert(descriptor.digest).inserted
        }
    }

    /// With `others` where they belong in the order of digests, cut to `limit`.
    func adding(_ others: [Descriptor], limit: Int) -> OCI.Index {
        let all = (descriptors + others).sorted { $0.digest < $1.digest }
        return OCI.Index(descriptors: Array(all.prefix(limit)), hasMore: hasMore || all.count > limit)
    }
}
