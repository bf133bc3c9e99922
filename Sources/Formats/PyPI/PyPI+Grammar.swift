package import GranaryFormat
import GranaryModel
import HTTPTypes

/// The form in which the simple API is answered.
package enum SimpleForm: String, Sendable, CaseIterable {
    /// First, so that it is what nobody asks for gets.
    case html = "text/html"
    case versionedHTML = "application/vnd.pypi.simple.v1+html"
    case json = "application/vnd.pypi.simple.v1+json"

    /// The best of what `Accept` asks for; HTML where that asks for nothing that is offered, because installers take a refusal
    /// for a project that does not exist. `?format=` goes before.
    package init(_ head: RequestHead) {
        // A query's `+` is read as a blank.
        if let asked = head.query["format"], let form = Self(mediaType: asked.replacing(" ", with: "+")) {
            self = form
            return
        }
        let ranges = MediaRange.all(in: head.headers[values: .accept].joined(separator: ","))
        var best: (form: Self, rank: (Int, Int, Int))?
        for (index, form) in Self.allCases.enumerated() {
            // Of ranges that fit, the most specific one counts (RFC 9110, section 12.5.1).
            guard let match = ranges.filter({ $0.includes(form) }).max(by: { $0.specificity < $1.specificity }),
                match.quality > 0
            else { continue }
            // Among equals: JSON of those that are named, HTML of those that are not.
            let preference = match.specificity == 2 ? index : -index
            let rank = (match.quality, match.specificity, preference)
            if best.map({ $0.rank < rank }) ?? true { best = (form, rank) }
        }
        self = best?.form ?? .html
    }

    fileprivate init?(mediaType: String) {
        let name = mediaType.lowercased().replacing("simple.latest+", with: "simple.v1+")
        self.init(rawValue: name)
    }

    /// Exactly what installers accept.
    var mediaType: MediaType { MediaType(checked: self == .html ? "text/html; charset=utf-8" : rawValue) }
}

/// One member of `Accept`.
private struct MediaRange {
    static let maximumCount = 50

    let type: String
    /// In thousandths.
    let quality: Int

    static func all(in accept: String) -> [MediaRange] {
        accept.split(separator: ",").prefix(maximumCount).compactMap { member in
            guard let field = FieldParameters(String(member.trimmingSpaces())) else { return nil }
            let quality = field["q"].map { Double($0) ?? 0 } ?? 1
            guard (0...1).contains(quality) else { return nil }
            return MediaRange(type: field.value.lowercased(), quality: Int(quality * 1000))
        }
    }

    /// 2 of a type, 1 of all subtypes of one, 0 of everything.
    var specificity: Int { type == "*/*" ? 0 : type.hasSuffix("/*") ? 1 : 2 }

    func includes(_ form: SimpleForm) -> Bool {
        switch specificity {
        case 0: true
        case 1: form.rawValue.hasPrefix(type.dropLast())
        default: SimpleForm(mediaType: type) == form
        }
    }
}

extension PyPI {
    /// What follows the address of a distribution at the address of its metadata (PEP 658).
    package static let metadataSuffix = ".metadata"

    package func parse(_ head: RequestHead) throws(Problem) -> Operation<Call> {
        let path = try RequestPath(head.path)
        let segments = path.segments
        switch (segments.first, segments.count) {
        case (nil, _), ("legacy", 1): return try parseRoot(head, isRoot: segments.isEmpty)
        case ("simple", 1...2): return try parseSimple(path, head)
        case ("packages", 3...4): return try parseFile(path, head)
        case ("pypi", 3...4) where segments.last == "json": return try parseDocument(segments, head)
        case ("yank", 3): return try parseYank(segments, head)
        default: throw .unknown(.path, "Nothing is served at this path of a Python package index.")
        }
    }

    private func parseRoot(_ head: RequestHead, isRoot: Bool) throws(Problem) -> Operation<Call> {
        switch head.method {
        case .post:
            let boundary = try MultipartParser.boundary(in: head.headers[.contentType])
            // Which project it is stands in the form: `publish` asks about that.
            return Operation(Self.uploadOperation, .rights(.write, nil), .upload(boundary: boundary))
        case .get, .head:
            guard isRoot else { throw .unsupported("Uploads are sent to this address by POST.") }
            return Operation("redirect", .rights(.read, nil), .redirect("simple/"))
        default: throw Self.notOffered(head)
        }
    }

    private func parseSimple(_ path: RequestPath, _ head: RequestHead) throws(Problem) -> Operation<Call> {
        try requireReading(head)
        let form = SimpleForm(head)
        guard path.segments.count == 2 else {
            guard path.isDirectory else { return Operation("redirect", .rights(.read, nil), .redirect("simple/")) }
            return Operation("projects.list", .rights(.read, nil), .listProjects(form))
        }
        let project = try Self.project(path.segments[1])
        let requirement = Requirement.rights(.read, project.package)
        guard path.isDirectory, project.name.display == project.name.normalized else {
            return Operation("redirect", requirement, .redirect("simple/\(project.package)/"))
        }
        return Operation("project.get", requirement, .project(project, form))
    }

    private func parseFile(_ path: RequestPath, _ head: RequestHead) throws(Problem) -> Operation<Call> {
        let segments = path.segments
        let project = try Self.project(segments[1])
        let version = try Self.version(segments[2])
        guard segments.count == 4 else {
            guard head.method == .delete else { throw Self.notOffered(head) }
            return Operation(
                "release.delete", .rights([.read, .delete], project.package), .deleteRelease(project, version))
        }
        let unknown = Problem.unknown(.file, "There is no file '\(segments[3])'.")
        guard !path.isDirectory, let file = FilePath(segments[3]) else { throw unknown }
        let isMetadata = segments[3].hasSuffix(Self.metadataSuffix)
        let filename = isMetadata ? String(segments[3].dropLast(Self.metadataSuffix.count)) : segments[3]
        guard let distribution = try? DistributionName(filename, of: project.name), distribution.version == version
        else {
            throw unknown
        }
        guard head.method == .delete else {
            try requireReading(head)
            return Operation("file.get", .rights(.read, project.package), .file(project, file))
        }
        guard !isMetadata else { throw .unsupported("Metadata goes with its distribution.") }
        return Operation("file.delete", .rights(.delete, project.package), .deleteFile(project, file))
    }

    private func parseDocument(_ segments: [String], _ head: RequestHead) throws(Problem) -> Operation<Call> {
        try requireReading(head)
        let project = try Self.project(segments[1])
        let version = segments.count == 4 ? try Self.version(segments[2]) : nil
        return Operation("project.json", .rights(.read, project.package), .document(project, version))
    }

    private func parseYank(_ segments: [String], _ head: RequestHead) throws(Problem) -> Operation<Call> {
        let project = try Self.project(segments[1])
        let version = try Self.version(segments[2])
        let requirement = Requirement.rights([.read, .write], project.package)
        switch head.method {
        case .post: return Operation("release.yank", requirement, .yank(project, version))
        case .delete: return Operation("release.unyank", requirement, .unyank(project, version))
        default: throw Self.notOffered(head)
        }
    }

    private func requireReading(_ head: RequestHead) throws(Problem) {
        guard head.method == .get || head.method == .head else { throw Self.notOffered(head) }
    }

    private static func notOffered(_ head: RequestHead) -> Problem {
        .unsupported("\(head.method.rawValue) is not offered at this path.")
    }

    /// A name that cannot be one is not there.
    private static func project(_ text: String) throws(Problem) -> Project {
        guard let project = try? Project(text) else { throw .unknown(.package, String(text.prefix(100))) }
        return project
    }

    private static func version(_ text: String) throws(Problem) -> PythonVersion {
        guard let version = PythonVersion(text) else {
            throw .unknown(.version, "There is no version '\(text.prefix(100))'.")
        }
        return version
    }

    static let uploadOperation = "file.upload"
}
