package import GranaryFormat
import GranaryModel
import HTTPTypes

extension Helm {
    package func parse(_ head: RequestHead) throws(Problem) -> Operation<Call> {
        let path = try RequestPath(head.path)
        let segments = path.segments
        guard segments.isEmpty || !path.isDirectory else { throw Self.unknownPath }
        switch (segments.first, segments.count) {
        case (nil, _):
            try requireReading(head)
            return Operation("redirect", .rights(.read, nil), .redirect)
        case ("index.yaml", 1):
            try requireReading(head)
            return Operation("index.get", .rights(.read, nil), .document(.index))
        case ("api", 2...4): return try parseInterface(segments, head)
        case ("charts", 2), (_, 1): return try parseFile(segments[segments.count - 1], head)
        case ("charts", 3): return try parseFile(segments[2], of: segments[1], head)
        default: throw Self.unknownPath
        }
    }

    private static let unknownPath = Problem.unknown(.path, "nothing is served at this path of a chart repository")

    // MARK: Files

    /// Files stand below `charts/`; old clients and plain uploaders leave that out.
    private func parseFile(_ file: String, _ head: RequestHead) throws(Problem) -> Operation<Call> {
        let isProvenance = file.hasSuffix(ChartID.provenanceSuffix)
        let suffix = isProvenance ? ChartID.provenanceSuffix : ChartID.suffix
        guard file.hasSuffix(suffix), let chart = ChartID(stem: String(file.dropLast(suffix.count))) else {
            guard head.method == .put || head.method == .post else {
                throw .unknown(.file, "there is no file '\(file)'")
            }
            throw .invalid(.name, "an archive is called NAME-VERSION.tgz, and its provenance NAME-VERSION.tgz.prov")
        }
        switch head.method {
        case .get, .head:
            let path = isProvenance ? chart.provenance : chart.archive
            return Operation("file.get", .rights(.read, chart.package), .file(chart, path))
        case .put, .post:
            guard isProvenance else {
                return Operation("chart.upload", .rights(.write, chart.package), .put(chart))
            }
            return Operation(
                "provenance.upload", .rights([.read, .write], chart.package), .putProvenance(chart))
        case .delete:
            guard isProvenance else {
                return Operation("chart.delete", .rights(.delete, chart.package), .delete(chart))
            }
            return Operation("provenance.delete", .rights(.delete, chart.package), .deleteProvenance(chart))
        default: throw notOffered(head)
        }
    }

    /// A file in a folder with the name of its chart: so stand those of upstreams whose names do not tell what they are of.
    private func parseFile(_ file: String, of name: String, _ head: RequestHead) throws(Problem) -> Operation<Call> {
        try requireReading(head)
        let suffix = file.hasSuffix(ChartID.provenanceSuffix) ? ChartID.provenanceSuffix : ChartID.suffix
        guard file.hasPrefix(name + "-"), file.hasSuffix(suffix),
            let chart = ChartID(listed: name, String(file.dropFirst(name.count + 1).dropLast(suffix.count)))
        else { throw .unknown(.file, "there is no file '\(file)'") }
        let path = suffix == ChartID.suffix ? chart.archive : chart.provenance
        return Operation("file.get", .rights(.read, chart.package), .file(chart, path))
    }

    // MARK: The interface of ChartMuseum

    private func parseInterface(_ segments: [String], _ head: RequestHead) throws(Problem) -> Operation<Call> {
        switch (segments[1], segments.count) {
        case ("prov", 2):
            guard head.method == .post else { throw notOffered(head) }
            return Operation("provenance.upload", .rights([.read, .write], nil), .uploadProvenance)
        case ("charts", 2):
            guard head.method == .post else { return try parseList(head) }
            let type = head.headers[.contentType].flatMap { FieldParameters($0) }?.value.lowercased()
            let isForm = type?.hasPrefix("multipart/") == true
            let boundary = isForm ? try MultipartParser.boundary(in: head.headers[.contentType]) : nil
            // Which chart it is stands in the archive: `publish` asks about that.
            return Operation("chart.upload", .rights(.write, nil), .upload(boundary: boundary))
        case ("charts", 3):
            try requireReading(head)
            let package = try package(segments[2])
            return Operation("chart.get", .rights(.read, package), .document(.versions(package)))
        case ("charts", 4): return try parseVersion(segments[2], segments[3], head)
        default: throw Self.unknownPath
        }
    }

    private func parseList(_ head: RequestHead) throws(Problem) -> Operation<Call> {
        try requireReading(head)
        let offset = try number("offset", head)
        let limit = try number("limit", head)
        guard offset != nil || limit != nil else {
            return Operation("charts.list", .rights(.read, nil), .document(.charts))
        }
        return Operation("charts.list", .rights(.read, nil), .page(offset: offset ?? 0, limit: limit ?? .max))
    }

    private func number(_ name: String, _ head: RequestHead) throws(Problem) -> Int? {
        guard let text = head.query[name] else { return nil }
        guard let number = Int(text), number >= 0 else { throw .invalid(.query, "'\(name)' is a number from 0 on") }
        return number
    }

    private func parseVersion(
        _ name: String, _ version: String, _ head: RequestHead
    ) throws(Problem) -> Operation<Call> {
        let package = try package(name)
        switch head.method {
        case .get, .head:
            let chart = ChartID(listed: name, version)
            guard chart != nil || version == "latest" else { throw unknownVersion(version, of: name) }
            return Operation(
                "version.get", .rights(.read, package), .document(.version(package, chart?.version)))
        case .delete:
            guard let chart = try? ChartID(name: name, version: version) else {
                throw unknownVersion(version, of: name)
            }
            return Operation("chart.delete", .rights(.delete, package), .delete(chart))
        default: throw notOffered(head)
        }
    }

    private func unknownVersion(_ version: String, of name: String) -> Problem {
        .unknown(.version, "there is no version '\(version.prefix(100))' of \(name)")
    }

    /// A name that no chart has is not there.
    private func package(_ name: String) throws(Problem) -> PackageName {
        guard let chart = ChartID(listed: name, "0.0.0") else {
            throw .unknown(.package, String(name.prefix(100)))
        }
        return chart.package
    }

    private func requireReading(_ head: RequestHead) throws(Problem) {
        guard head.method == .get || head.method == .head else { throw notOffered(head) }
    }

    private func notOffered(_ head: RequestHead) -> Problem {
        .unsupported("\(head.method.rawValue) is not offered at this path")
    }
}
