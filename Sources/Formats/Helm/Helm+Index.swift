package import GranaryFormat
package import GranaryModel
import NIOCore

extension Helm {
    /// What there is of charts, by name.
    package struct Index: Sendable {
        package let charts: [Chart]
        /// What is held back, and since when it is out where anybody knows.
        var withheld: [ChartID: (published: Timestamp?, gate: ReleaseGate)] = [:]
        /// Of the document of an upstream: what addresses in it are relative to.
        var source = ""

        /// The chart of a name.
        func chart(_ name: PackageName) -> Chart? { charts.first { $0.name == name } }
    }

    /// A chart with its versions, the newest first.
    package struct Chart: Sendable {
        package let name: PackageName
        package let versions: [Version]
    }

    /// A version of a chart that has its archive.
    package struct Version: Sendable {
        package let chart: ChartID
        /// The object of `ChartMetadata`.
        package let metadata: String
        /// Of the archive; nil where an upstream does not say.
        package let digest: BlobDigest?
        /// Nil where an upstream does not say.
        package let created: Timestamp?
        /// Where an upstream has it, as it says, which may be relative; nil of what is here.
        package let location: String?
    }

    package func make(_ selection: Selection, from rows: IndexRows) -> Index {
        var charts: [Chart] = []
        var versions: [Version] = []
        // Versions of one chart stand side by side.
        for version in rows.entries.lazy.compactMap(Version.init) {
            if let last = versions.last, last.chart.package != version.chart.package {
                charts.append(Chart(versions, of: last.chart.package))
                versions = []
            }
            versions.append(version)
        }
        if let last = versions.last { charts.append(Chart(versions, of: last.chart.package)) }
        return Index(charts: charts)
    }
}

extension Helm.Chart {
    init(_ versions: [Helm.Version], of name: PackageName) {
        self.name = name
        let unknown = Timestamp(milliseconds: 0)
        self.versions = versions.sorted { left, right in
            // Those that differ in their build only have no order of their own.
            left.chart.number == right.chart.number
                ? (left.created ?? unknown, left.chart.version) > (right.created ?? unknown, right.chart.version)
                : left.chart.number > right.chart.number
        }
    }

    fileprivate var newest: Helm.Version? { versions.first { !$0.chart.number.isPrerelease } ?? versions.first }
}

extension Helm.Version {
    fileprivate init?(_ entry: IndexRows.Entry) {
        guard let version = entry.version, version.metadata.hasPrefix(#"{""#), let package = entry.files.first?.package,
            let chart = try? ChartID(name: package.text, version: version.name.text),
            let archive = entry.files.first(where: { $0.path == chart.archive })
        else { return nil }
        self.chart = chart
        metadata = version.metadata
        digest = archive.checksums.sha256
        created = archive.modified
        location = nil
    }
}

// MARK: Encoding

extension Helm.Index {
    /// Writes a document. `prefix` is the address of the repository. Throws `.unknown` for a chart or version that is not there.
    func encode(_ request: Helm.Request, at prefix: String) throws(Problem) -> ByteBuffer {
        switch request {
        case .index:
            return index(at: prefix)
        case .charts:
            var text = ByteBuffer()
            add(charts, to: &text)
            return text
        case .versions(let package):
            var text = ByteBuffer()
            Self.add(try known(package).versions, to: &text)
            return text
        case .version(let package, let version):
            let chart = try known(package)
            let found = version.map { name in chart.versions.first { $0.chart.version == name } } ?? chart.newest
            guard let found else {
                throw .unknown(.version, "there is no version \(version?.text ?? "") of \(package)")
            }
            var text = ByteBuffer()
            Self.add(found, to: &text)
            return text
        }
    }

    private func known(_ package: PackageName) throws(Problem) -> Helm.Chart {
        guard let chart = chart(package) else { throw .unknown(.package, package.text) }
        return chart
    }

    private func index(at prefix: String) -> ByteBuffer {
        var text = ByteBuffer()
        text.reserveCapacity(minimumWritableBytes: 1024 + charts.reduce(0) { $0 + $1.size })
        // Of the newest archive and not of the moment, so that the same charts are the same bytes.
        let generated = charts.lazy.flatMap(\.versions).compactMap(\.created).max() ?? Timestamp(milliseconds: 0)
        text.writeString("{\"apiVersion\":\"v1\",\"generated\":\"\(generated)\",\"serverInfo\":{\"contextPath\":")
        // Where the push plugin finds the interface for uploads.
        text.writeBytes(RawJSON(String(prefix.dropLast())).bytes)
        text.writeString("},\"entries\":")
        add(charts, to: &text)
        text.writeString("}")
        return text
    }

    private func add(_ charts: [Helm.Chart], to text: inout ByteBuffer) {
        text.writeString("{")
        for (index, chart) in charts.enumerated() {
            // No name of a chart has anything that JSON escapes.
            text.writeString(index == 0 ? "\"\(chart.name)\":" : ",\"\(chart.name)\":")
            Self.add(chart.versions, to: &text)
        }
        text.writeString("}")
    }

    private static func add(_ versions: [Helm.Version], to text: inout ByteBuffer) {
        text.writeString("[")
        for (index, version) in versions.enumerated() {
            if index > 0 { text.writeString(",") }
            add(version, to: &text)
        }
        text.writeString("]")
    }

    /// What the chart says, and what the repository knows beside that. Addresses are relative, so that clients send their credentials.
    private static func add(_ version: Helm.Version, to text: inout ByteBuffer) {
        text.writeSubstring(version.metadata.dropLast())
        if let created = version.created { text.writeString(",\"created\":\"\(created)\"") }
        if let digest = version.digest { text.writeString(",\"digest\":\"\(digest.hex)\"") }
        text.writeString(",\"urls\":[\"\(version.chart.address)\"]}")
    }
}

extension Helm.Chart {
    /// About how long its entries are, in bytes.
    fileprivate var size: Int { versions.reduce(0) { $0 + $1.metadata.utf8.count + 256 } }
}
