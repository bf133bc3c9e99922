import FoundationEssentials
package import GranaryFormat
package import GranaryModel
import NIOCore
import Yams

// The URL of an upstream is that of its repository, as `helm repo add` has it.

extension Helm {
    private static let lifetime = Duration.seconds(300)
    /// Of the index of an upstream.
    static let maximumIndex = ByteCount.mebibytes(64)
    static let maximumCharts = 50_000
    /// Of all charts.
    static let maximumVersions = 500_000

    package func upstreamDocument(for selection: Selection) -> UpstreamDocument? {
        guard case .everything = selection else { return nil }
        return UpstreamDocument(UpstreamLocation("index.yaml"), lifetime: Self.lifetime, limit: Self.maximumIndex)
    }

    package func upstreamFile(
        _ reference: FileReference, of package: PackageName, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> UpstreamFile {
        guard case .path(let path) = reference else { throw .unknown(.file, "files have paths here") }
        let index = try await access.index(.package(package), Page())
        if let young = index.withheld.first(where: { $0.key.package == package && $0.key.isOf(path) })?.value {
            throw young.gate.refusal("'\(path)'", young.published)
        }
        guard let chart = index.chart(package) else { throw .unknown(.package, package.text) }
        guard let version = chart.versions.first(where: { $0.chart.isOf(path) }), let location = version.location,
            let address = Self.address(location, relativeTo: index.source)
        else { throw .unknown(.file, "there is no file '\(path)'") }
        guard path == version.chart.archive else {
            var wanted = UpstreamFile(
                UpstreamLocation(Self.provenance(of: address)), limit: ByteCount(Int64(Provenance.maximumBytes)))
            wanted.mediaType = Self.provenanceType
            return wanted
        }
        var wanted = UpstreamFile(UpstreamLocation(address), limit: maximumArchive)
        wanted.expected["sha256"] = version.digest?.hex
        wanted.mediaType = Self.archiveType
        return wanted
    }

    private static func address(_ location: String, relativeTo source: String) -> String? {
        guard let base = URL(string: source), let url = URL(string: location, relativeTo: base)?.absoluteURL,
            ["http", "https"].contains(url.scheme?.lowercased()), url.host() != nil
        else { return nil }
        return url.absoluteString
    }

    /// Beside the archive; what follows a question mark is not part of its name.
    private static func provenance(of address: String) -> String {
        let path = address.prefix { $0 != "?" && $0 != "#" }
        return path + ".prov" + address.dropFirst(path.count)
    }

    // MARK: Decoding

    package func decode(_ selection: Selection, _ document: ReceivedDocument) throws(Problem) -> Index {
        guard case .everything = selection else { throw .unsupported("a chart repository has one index") }
        let entries = try Self.entries(in: document.bytes)
        guard entries.count <= Self.maximumCharts else {
            throw .invalid(.content, "an index has at most \(Self.maximumCharts) charts")
        }
        var charts: [Chart] = []
        var count = 0
        for (name, listed) in entries {
            count += listed.count
            guard count <= Self.maximumVersions else {
                throw .invalid(.content, "an index has at most \(Self.maximumVersions) versions")
            }
            var known: Set<VersionName> = []
            // What is malformed is left out, as Helm does, and so is what comes twice.
            var versions: [Version] = []
            for entry in listed {
                guard let value = entry(), let version = Version(value, of: name),
                    known.insert(version.chart.version).inserted
                else { continue }
                versions.append(version)
            }
            if let first = versions.first { charts.append(Chart(versions, of: first.chart.package)) }
        }
        return Index(charts: charts.sorted { $0.name < $1.name }, source: document.source)
    }

    /// One entry of an index, made when it is looked at; nil for what is no value that can be taken.
    private typealias Entry = () -> YAMLValue?

    /// The entries of an index by the names of charts, which differ.
    private static func entries(in bytes: ByteBuffer) throws(Problem) -> [(name: String, versions: [Entry])] {
        let bytes = bytes.readableBytesView
        if let json = try? RawJSON(bytes) {
            guard json["apiVersion"]?.string != nil, let entries = json["entries"] else { throw noIndex }
            guard entries.isNull || entries.members != nil else { throw noIndex }
            return (entries.members ?? []).map { name, versions in
                (name, (versions.elements ?? []).map { version in { YAMLValue(version) } })
            }
        }
        let root = try YAMLValue.root(of: bytes, "the index", limit: Int(maximumIndex.bytes))
        guard root["apiVersion"]?.scalar != nil, let entries = root["entries"] else { throw noIndex }
        guard let mapping = entries.mapping else {
            guard entries.scalar.map({ ["", "~", "null"].contains($0.string) }) == true else { throw noIndex }
            return []
        }
        var found: [(name: String, versions: [Entry])] = []
        for (name, versions) in mapping {
            guard let name = name.scalar?.string else { continue }
            found.append(
                (
                    name,
                    (versions.sequence ?? []).map { version in { try? YAMLValue(version, "an entry of the index") } }
                ))
        }
        return found
    }

    private static let noIndex = Problem.invalid(.content, "this is no index of a chart repository")

    // MARK: What is made of indexes

    package var datesReleases: Bool { true }

    package func withholding(_ index: Index, _ gate: ReleaseGate) -> Index {
        var withheld = index.withheld
        var charts: [Chart] = []
        for chart in index.charts {
            let isYoung = { (version: Version) in
                gate.holds(version.chart.version.text, of: chart.name, version.created)
            }
            let kept = chart.versions.filter { !isYoung($0) }
            for version in chart.versions where isYoung(version) {
                withheld[version.chart] = (version.created, gate)
            }
            if kept.count == chart.versions.count {
                charts.append(chart)
            } else if !kept.isEmpty {
                charts.append(Chart(kept, of: chart.name))
            }
        }
        return Index(charts: charts, withheld: withheld, source: index.source)
    }

    package func keeping(_ index: Index, where isKept: (PackageName) -> Bool) -> Index {
        Index(
            charts: index.charts.filter { isKept($0.name) }, withheld: index.withheld.filter { isKept($0.key.package) },
            source: index.source)
    }

    /// Of a version, the first member that has it counts, also where it holds it back.
    package func merge(_ selection: Selection, _ indexes: [Index]) -> Index {
        var versions: [PackageName: [Version]] = [:]
        var known: Set<ChartID> = []
        var withheld: [ChartID: (published: Timestamp?, gate: ReleaseGate)] = [:]
        for index in indexes {
            for version in index.charts.lazy.flatMap(\.versions) where known.insert(version.chart).inserted {
                versions[version.chart.package, default: []].append(version)
            }
            for (chart, young) in index.withheld where known.insert(chart).inserted { withheld[chart] = young }
        }
        let charts = versions.sorted { $0.key < $1.key }.map { Chart($0.value, of: $0.key) }
        return Index(charts: charts, withheld: withheld)
    }
}

extension ChartID {
    /// Whether a file is the chart's archive or the provenance of that.
    fileprivate func isOf(_ path: FilePath) -> Bool { path == archive || path == provenance }
}

extension Helm.Version {
    /// Nil for an entry that Helm would leave out, one without an address that can be fetched, and one with a digest that nobody
    /// can compare.
    fileprivate init?(_ entry: YAMLValue, of name: String) {
        guard let metadata = ChartMetadata(listed: entry, as: name),
            let location = (entry["urls"]?.elements ?? []).lazy.compactMap(\.text).first(where: Self.canBeFetched)
        else { return nil }
        chart = metadata.chart
        self.metadata = metadata.json.text
        self.location = location
        created = entry["created"]?.text.flatMap { Timestamp($0) }
        guard let stated = entry["digest"]?.text?.lowercased(), !stated.isEmpty else {
            digest = nil
            return
        }
        guard let known = BlobDigest(hex: stated.hasPrefix("sha256:") ? stated.dropFirst(7) : stated[...]) else {
            return nil
        }
        digest = known
    }

    /// Whether an address is relative or one of the web: an index may lead to registries, which are another format.
    private static func canBeFetched(_ address: String) -> Bool {
        guard let end = address.firstRange(of: "://")?.lowerBound else { return !address.isEmpty }
        let scheme = address[..<end].lowercased()
        return scheme == "http" || scheme == "https" || !scheme.utf8.allSatisfy { $0.isAlphanumeric || $0 == 0x2B }
    }
}
