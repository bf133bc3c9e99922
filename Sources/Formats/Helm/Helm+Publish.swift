import GranaryFormat
import GranaryModel
import HTTPTypes
import NIOCore

extension Helm {
    /// What was sent: an archive that is stored, its provenance, or both.
    struct Upload: Sendable {
        var archive: StagedBlob?
        var provenance: ByteBuffer?
    }

    static let archiveType = MediaType(checked: "application/gzip")
    static let provenanceType = MediaType(checked: "application/pgp-signature")

    func upload(
        boundary: String?, _ request: FormatRequest, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        guard let boundary else { return try await publish(try await archive(request, access), as: nil, access) }
        return try await publish(try await form(request.body, boundary: boundary, access), as: nil, access)
    }

    /// A body that is an archive.
    func archive(_ request: FormatRequest, _ access: some RepositoryAccess<Index>) async throws(Problem) -> Upload {
        if let length = request.head.contentLength, length > maximumArchive { throw .tooLarge(maximumArchive) }
        return Upload(archive: try await access.stage(request.body, StagingTerms(limit: maximumArchive)))
    }

    /// A body that is a provenance file.
    func provenance(_ request: FormatRequest) async throws(Problem) -> ByteBuffer {
        try await request.body.collect(upTo: ByteCount(Int64(Provenance.maximumBytes)))
    }

    /// Reads the fields `chart` and `prov`, in whatever order they come. What their files are called is nobody's business: clients
    /// send whole paths.
    private func form(
        _ body: RequestBody, boundary: String, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Upload {
        let stream = MultipartStream(body, boundary: boundary)
        var upload = Upload()
        while let event = try await stream.next() {
            guard case .part(let part) = event else { continue }
            switch part.name {
            case "chart":
                guard upload.archive == nil else { throw .invalid(.content, "the field 'chart' comes more than once") }
                upload.archive = try await access.stage(stream.content, StagingTerms(limit: maximumArchive))
            case "prov":
                guard upload.provenance == nil else {
                    throw .invalid(.content, "the field 'prov' comes more than once")
                }
                upload.provenance = try await stream.collect(part.name, upTo: Provenance.maximumBytes)
            default:
                throw .invalid(
                    .content, "the fields of an upload are 'chart' and 'prov', not '\(part.name.prefix(100))'")
            }
        }
        return upload
    }

    /// Publishes what fits together. `address` is the chart that the address is of; nil where it names none.
    func publish(
        _ upload: Upload, as address: ChartID?, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let provenance = try upload.provenance.map { bytes throws(Problem) in try Provenance(bytes.readableBytesView) }
        var metadata: ChartMetadata?
        if let archive = upload.archive {
            metadata = try await access.inspect(archive) { try ChartArchive.metadata(in: $0) }
        }
        guard let chart = metadata?.chart ?? provenance?.chart else {
            throw .invalid(.content, "an upload has a field 'chart' or 'prov'")
        }
        for other in [address, provenance?.chart] {
            guard let other, other != chart else { continue }
            throw .invalid(.name, "the content is of \(chart), and the address or the provenance of \(other)")
        }
        try await provenance?.check(archive(of: chart, upload, access))
        var draft = Draft(package: chart.package)
        draft.isImmutable = true
        // A provenance by itself leaves the version as it is.
        draft.version = Draft.Version(name: chart.version, mediaType: .json, metadata: metadata?.json.text ?? "{}")
        if let archive = upload.archive {
            draft.files = [Draft.File(path: chart.archive, blob: archive, mediaType: Self.archiveType)]
        } else {
            draft.needs = [Draft.Need(anyOf: [chart.version.text], isMember: false)]
        }
        if let bytes = upload.provenance {
            let terms = StagingTerms(limit: ByteCount(Int64(Provenance.maximumBytes)))
            let blob = try await access.stage(RequestBody(bytes: bytes), terms)
            draft.files.append(Draft.File(path: chart.provenance, blob: blob, mediaType: Self.provenanceType))
        }
        _ = try await access.publish(draft)
        return Reply(.created, .json, text: #"{"saved":true}"#, .uncached)
    }

    /// The digest of the archive that a provenance comes with, or that is there already.
    private func archive(
        of chart: ChartID, _ upload: Upload, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> BlobDigest {
        if let archive = upload.archive { return archive.checksums.sha256 }
        guard let file = try await access.fileIfPresent(.path(chart.archive), in: chart.package) else {
            throw .missing([chart.archive.text])
        }
        return file.checksums.sha256
    }
}
