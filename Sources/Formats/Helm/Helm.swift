package import GranaryFormat
package import GranaryModel
import HTTPTypes
import NIOCore

/// Helm charts as a classic repository, an index with archives beside it, with the interface of ChartMuseum for uploads.
///
/// A chart is a package, a version of it is a version named as `Chart.yaml` has it, and its archive is a file called
/// `NAME-VERSION.tgz`, with its provenance as another file at that name and `.prov`.
package struct Helm: PackageFormat {
    /// What a request asks for.
    package enum Call: Sendable {
        /// To the index.
        case redirect
        case document(Request)
        /// The charts from a place in the list of names on, and how many of them.
        case page(offset: Int, limit: Int)
        case file(ChartID, FilePath)
        /// A form with this boundary, or an archive as it is.
        case upload(boundary: String?)
        case uploadProvenance
        /// An archive, or its provenance, for the chart that the address names.
        case put(ChartID)
        case putProvenance(ChartID)
        case delete(ChartID)
        case deleteProvenance(ChartID)
    }

    /// A document that is derived from versions.
    package enum Request: Sendable, Hashable {
        case index
        /// All charts, as programs read them.
        case charts
        case versions(PackageName)
        /// Nil is the newest that is no pre-release.
        case version(PackageName, VersionName?)
    }

    /// The longest archive taken unless the composition root says otherwise: more than Helm unpacks is of no use.
    package static let standardMaximumArchive = ByteCount(100 << 20)

    package let name = FormatName(checked: "helm")
    package let mount = Mount("helm")
    /// The longest archive taken.
    package let maximumArchive: ByteCount

    package init(maximumArchive: ByteCount = Helm.standardMaximumArchive) { self.maximumArchive = maximumArchive }

    package func perform(
        _ operation: Operation<Call>, _ request: FormatRequest, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let head = request.head
        switch operation.call {
        case .redirect:
            return Reply(.movedPermanently, [.location: head.prefix + "index.yaml", .cacheControl: "no-cache"])
        case .document(let asked):
            let document = try await access.document(asked.selection, asked.variant) { index throws(Problem) in
                try index.encode(asked, at: head.prefix)
            }
            return answer(operation, with: document, head)
        case .page(let offset, let limit):
            let charts = try await access.index(.everything, Page()).charts
            let page = Index(charts: Array(charts.dropFirst(offset).prefix(limit)))
            return answer(operation, with: Document(try page.encode(.charts, at: head.prefix)), head)
        case .file(let chart, let path):
            return answer(operation, with: try await access.file(.path(path), in: chart.package), head)
        case .upload(let boundary):
            return try await upload(boundary: boundary, request, access)
        case .uploadProvenance:
            return try await publish(Upload(provenance: try await provenance(request)), as: nil, access)
        case .put(let chart):
            return try await publish(try await archive(request, access), as: chart, access)
        case .putProvenance(let chart):
            return try await publish(Upload(provenance: try await provenance(request)), as: chart, access)
        case .delete(let chart):
            _ = try await access.retract(.version(chart.package, chart.version), if: .none)
            return Reply(.ok, .json, text: #"{"deleted":true}"#, .uncached)
        case .deleteProvenance(let chart):
            _ = try await access.retract(.file(chart.package, chart.provenance), if: .none)
            return Reply(.ok, .json, text: #"{"deleted":true}"#, .uncached)
        }
    }

    package func file(of operation: Operation<Call>) -> (FileReference, PackageName)? {
        guard case .file(let chart, let path) = operation.call else { return nil }
        return (.path(path), chart.package)
    }

    package func answer(_ operation: Operation<Call>, with file: StoredFile, _ head: RequestHead) -> Reply {
        Reply(unchanging: file)
    }

    package func document(of operation: Operation<Call>, _ head: RequestHead) -> (Selection, variant: String)? {
        guard case .document(let asked) = operation.call else { return nil }
        return (asked.selection, asked.variant)
    }

    package func answer(_ operation: Operation<Call>, with document: Document, _ head: RequestHead) -> Reply {
        var headers: HTTPFields = [.cacheControl: "no-cache", .xContentTypeOptions: "nosniff"]
        headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        // The index is JSON, which is YAML as well, and clients know it by its name.
        let isIndex = if case .document(.index) = operation.call { true } else { false }
        let mediaType = isIndex ? MediaType(checked: "application/x-yaml") : .json
        return Reply(document, mediaType, to: head, headers)
    }
}

extension Helm.Request {
    var selection: Selection {
        switch self {
        case .index, .charts: .everything
        case .versions(let package), .version(let package, _): .package(package)
        }
    }

    /// What tells it from others that are made of the same selection.
    var variant: String {
        switch self {
        case .index: "index"
        case .charts: "charts"
        case .versions: "versions"
        case .version(_, let version): "version \(version?.text ?? "")"
        }
    }
}

extension HTTPFields {
    /// Of what is right for the moment only.
    static let uncached: HTTPFields = [.cacheControl: "no-store"]
}
