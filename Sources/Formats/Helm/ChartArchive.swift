import GranaryArchive
import GranaryFormat
import GranaryModel
import NIOCore

/// The inside of a chart's archive, looked through once. It blocks.
struct ChartArchive {
    static let maximumEntries = 20_000
    /// Of all files, and of each of them, unpacked: what Helm reads of a chart.
    static let maximumUnpackedBytes: Int64 = 100 << 20
    static let maximumFileBytes: Int64 = 5 << 20

    private var paths: Set<String> = []
    private var folder: Substring?
    private var chart: [UInt8]?

    /// What the chart in an archive says of itself. Throws `Problem.invalid` for an archive that Helm would not load, or would
    /// load something else from than others do.
    static func metadata(in bytes: StoredBytes) throws -> ChartMetadata {
        var archive = ChartArchive()
        let limits = ArchiveLimits(entries: maximumEntries, bytes: maximumUnpackedBytes)
        do {
            try ArchiveReader(.gzippedTar, size: bytes.size.bytes, limits: limits, read: bytes.read).entries { entry in
                try archive.take(entry)
                return true
            }
        } catch let error as ArchiveError {
            throw invalid(error.description)
        }
        guard let chart = archive.chart else { throw invalid("it has no file Chart.yaml in its folder") }
        return try ChartMetadata(chart)
    }

    private static func invalid(_ text: String) -> Problem {
        .invalid(.content, "the archive of the chart is refused: \(text)")
    }

    private mutating func take(_ entry: borrowing ArchiveEntry) throws {
        let shown = String(entry.path.prefix(200))
        guard entry.kind == .file || entry.kind == .directory else {
            throw Self.invalid("'\(shown)' is neither a file nor a folder")
        }
        let isFolder = entry.kind == .directory
        guard let segments = entry.segments, segments[0] != "." else {
            throw Self.invalid("'\(shown)' is no path within its folder")
        }
        guard isFolder || segments.count > 1 else { throw Self.invalid("'\(shown)' is in no folder") }
        guard folder == nil || folder == segments[0] else {
            throw Self.invalid("it has more than one folder at its top")
        }
        folder = segments[0]
        guard !isFolder else { return }
        guard paths.insert(segments.joined(separator: "/")).inserted else {
            throw Self.invalid("it has '\(shown)' twice")
        }
        guard entry.size <= Self.maximumFileBytes else {
            throw Self.invalid("'\(shown)' has more than \(Self.maximumFileBytes) bytes")
        }
        if segments.count == 2, segments[1] == "Chart.yaml" {
            chart = try entry.contents(upTo: YAMLValue.maximumBytes)
        }
    }
}
