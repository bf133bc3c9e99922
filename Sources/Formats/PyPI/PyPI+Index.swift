package import GranaryFormat
package import GranaryModel
package import NIOCore

/// That a release was withdrawn (PEP 592), and why; the reason may be empty.
package struct Yank: Sendable, Hashable {
    package let reason: String

    package init(reason: String) { self.reason = reason }
}

/// All an index tells of one project, whether it was made from rows, read from another index or put together from several.
package struct ProjectPage: Sendable {
    /// Whether what is there is cared for (PEP 792).
    package enum Status: String, Sendable { case active, deprecated, archived, quarantined }

    /// One distribution.
    package struct File: Sendable {
        /// Whether the core metadata stands beside the file, and with which SHA-256 where that is known.
        package enum Metadata: Sendable, Hashable {
            case none
            case present(sha256: String?)
        }

        package var filename: String
        /// As it stands in the address of the file.
        package var version: String
        /// Lower-case hexadecimal, by the name of the hash.
        package var hashes: [(name: String, hex: String)]
        package var size: Int64?
        /// RFC 3339, in UTC.
        package var uploadTime: String?
        package var requiresPython: String?
        package var coreMetadata: Metadata
        package var yanked: Yank?
        /// `bdist_wheel` or `sdist`, and the Python tag; empty where nobody knows.
        package var packageType: String
        package var pythonTag: String
        /// Where an upstream keeps it; nil of what is stored here.
        package var location: String?
    }

    /// One release, for what is told of releases rather than files.
    package struct Release: Sendable {
        package var number: PythonVersion
        package var version: IndexedVersion
        package var yanked: Yank?
    }

    /// Normalized.
    package var name: String
    package var status = Status.active
    package var statusReason = ""
    /// In the order in which they were published.
    package var versions: [String] = []
    package var files: [File] = []
    /// What is too young, by file name: when it was published, and by which rule it is held back.
    package var withheld: [String: (published: Timestamp?, gate: ReleaseGate)] = [:]
    /// Those of `versions` that rows are there of.
    package var releases: [Release] = []

    package init(name: String) { self.name = name }
}

/// What the index needs to know of a distribution beside its row.
struct FileNote: Sendable {
    var packageType = ""
    var pythonTag = ""
    var requiresPython: String?
    /// The SHA-256 of the core metadata, where an installer may rely on that.
    var metadataDigest: String?

    var json: String {
        var members: [(name: String, value: RawJSON)] = [
            ("packagetype", RawJSON(packageType)), ("python_version", RawJSON(pythonTag))
        ]
        if let requiresPython { members.append(("requires_python", RawJSON(requiresPython))) }
        if let metadataDigest { members.append(("core-metadata", RawJSON(metadataDigest))) }
        return RawJSON(object: members).text
    }

    init() {}

    /// What `json` was; nothing where it is something else.
    init(_ json: String) {
        guard let members = (try? RawJSON(json.utf8))?.members else { return }
        for (name, value) in members {
            switch name {
            case "packagetype": packageType = value.string ?? ""
            case "python_version": pythonTag = value.string ?? ""
            case "requires_python": requiresPython = value.string
            case "core-metadata": metadataDigest = value.string
            default: break
            }
        }
    }
}

extension PyPI {
    /// What Granary derives from rows for this format.
    package enum Index: Sendable {
        /// Normalized names, and what the next page of them comes after.
        case projects([String], next: String?)
        case project(ProjectPage)
        /// Nil where there is none.
        case release(VersionName?)
    }

    /// The property that a withdrawn release has; its value is the reason.
    package static let yankedProperty = "pypi.yanked"

    package func make(_ selection: Selection, from rows: IndexRows) -> Index {
        switch selection {
        case .package(let package):
            return .project(page(of: package, from: rows))
        case .version:
            return .release(rows.entries.first?.version?.name)
        case .packages, .tags, .referrers, .directory, .tree, .everything:
            return .projects(rows.entries.map(\.name), next: rows.hasMore ? rows.entries.last?.cursor : nil)
        }
    }

    private func page(of package: PackageName, from rows: IndexRows) -> ProjectPage {
        var page = ProjectPage(name: package.text)
        for entry in rows.entries {
            guard let version = entry.version, let number = PythonVersion(version.name.text) else { continue }
            let files = entry.files.filter { !$0.path.text.hasSuffix(Self.metadataSuffix) }
            guard !files.isEmpty else { continue }
            let yanked = version.properties.first { $0.key == Self.yankedProperty }.map { Yank(reason: $0.value) }
            page.versions.append(version.name.text)
            page.releases.append(ProjectPage.Release(number: number, version: version, yanked: yanked))
            for file in files { page.files.append(ProjectPage.File(file, version: version.name.text, yanked)) }
        }
        return page
    }
}

extension ProjectPage.File {
    fileprivate init(_ file: StoredFile, version: String, _ yanked: Yank?) {
        let note = FileNote(file.metadata)
        filename = file.path.text
        self.version = version
        hashes = [("sha256", file.checksums.sha256.hex)]
        if let md5 = file.checksums.md5 { hashes.append(("md5", md5)) }
        size = file.size.bytes
        uploadTime = file.modified.description
        requiresPython = note.requiresPython
        coreMetadata = note.metadataDigest.map { .present(sha256: $0) } ?? .none
        self.yanked = yanked
        packageType = note.packageType
        pythonTag = note.pythonTag
    }

    func digest(_ name: String) -> String? { hashes.first { $0.name == name }?.hex }
}

// MARK: Encoding

/// The version of the API that pages say they follow.
private let apiVersion = "1.4"

extension PyPI {
    /// The list of projects.
    func encode(_ projects: [String], _ form: SimpleForm) -> ByteBuffer {
        var text = Text(capacity: 256 + projects.reduce(0) { $0 + 2 * $1.utf8.count + 32 })
        guard form != .json else {
            text.add("{\"meta\":{\"api-version\":\"\(apiVersion)\"},\"projects\":[")
            for (index, name) in projects.enumerated() {
                text.add(index == 0 ? "{\"name\":" : ",{\"name\":")
                text.add(json: name)
                text.add("}")
            }
            text.add("]}")
            return text.bytes
        }
        text.add("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">")
        text.add(
            "<meta name=\"pypi:repository-version\" content=\"\(apiVersion)\"><title>Simple index</title></head><body>\n"
        )
        for name in projects {
            text.add("<a href=\"")
            text.add(html: name)
            text.add("/\">")
            text.add(html: name)
            text.add("</a><br>\n")
        }
        text.add("</body></html>\n")
        return text.bytes
    }

    /// The page of a project. `base` is where addresses of files begin: what follows is project, version and file name.
    package func encode(_ page: ProjectPage, _ form: SimpleForm, files base: String) -> ByteBuffer {
        // What is in quarantine is not offered.
        let files = page.status == .quarantined ? [] : page.files
        var text = Text(capacity: 512 + files.count * 700)
        switch form {
        case .json: addJSON(page, files, base, to: &text)
        case .html, .versionedHTML: addHTML(page, files, base, to: &text)
        }
        return text.bytes
    }

    private func addJSON(_ page: ProjectPage, _ files: [ProjectPage.File], _ base: String, to text: inout Text) {
        text.add("{\"meta\":{\"api-version\":\"\(apiVersion)\"},\"name\":")
        text.add(json: page.name)
        text.add(",\"project-status\":{\"status\":\"\(page.status.rawValue)\"")
        if !page.statusReason.isEmpty { text.add(",\"reason\":", json: page.statusReason) }
        text.add("},\"versions\":[")
        for (index, version) in page.versions.enumerated() { text.add(index == 0 ? "" : ",", json: version) }
        text.add("],\"files\":[")
        for (index, file) in files.enumerated() {
            text.add(index == 0 ? "{\"filename\":" : ",{\"filename\":", json: file.filename)
            text.add(",\"url\":", json: file.url(base, page.name))
            text.add(",\"hashes\":{")
            for (index, hash) in file.hashes.enumerated() {
                text.add(index == 0 ? "" : ",", json: hash.name)
                text.add(":", json: hash.hex)
            }
            text.add("}")
            if let size = file.size { text.add(",\"size\":\(size)") }
            if let time = file.uploadTime { text.add(",\"upload-time\":", json: time) }
            if let python = file.requiresPython { text.add(",\"requires-python\":", json: python) }
            // Only under its new name: an object under the old one, `dist-info-metadata`, breaks pip 22.3 to 23.0.
            switch file.coreMetadata {
            case .none: text.add(",\"core-metadata\":false")
            case .present(nil): text.add(",\"core-metadata\":true")
            case .present(let digest?):
                text.add(",\"core-metadata\":{\"sha256\":", json: digest)
                text.add("}")
            }
            switch file.yanked?.reason {
            case nil: text.add(",\"yanked\":false}")
            case "": text.add(",\"yanked\":true}")
            case let reason?:
                text.add(",\"yanked\":", json: reason)
                text.add("}")
            }
        }
        text.add("]}")
    }

    private func addHTML(_ page: ProjectPage, _ files: [ProjectPage.File], _ base: String, to text: inout Text) {
        text.add("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">")
        text.add("<meta name=\"pypi:repository-version\" content=\"\(apiVersion)\">")
        text.add("<meta name=\"pypi:project-status\"", attribute: "content", page.status.rawValue)
        text.add(">")
        if !page.statusReason.isEmpty {
            text.add("<meta name=\"pypi:project-status-reason\"", attribute: "content", page.statusReason)
            text.add(">")
        }
        text.add("<title>Links for ")
        text.add(html: page.name)
        text.add("</title></head><body>\n")
        for file in files {
            let fragment = file.hashes.first.map { "#\($0.name)=\($0.hex)" } ?? ""
            text.add("<a", attribute: "href", file.url(base, page.name) + fragment)
            if let python = file.requiresPython { text.add("", attribute: "data-requires-python", python) }
            if case .present(let digest) = file.coreMetadata {
                let value = digest.map { "sha256=\($0)" } ?? "true"
                text.add("", attribute: "data-core-metadata", value)
                text.add("", attribute: "data-dist-info-metadata", value)
            }
            if let yanked = file.yanked { text.add("", attribute: "data-yanked", yanked.reason) }
            text.add(">")
            text.add(html: file.filename)
            text.add("</a><br>\n")
        }
        text.add("</body></html>\n")
    }
}

extension ProjectPage.File {
    func url(_ base: String, _ project: String) -> String {
        "\(base)\(project)/\(Self.encoded(version))/\(Self.encoded(filename))"
    }

    /// Nearly all names stand for themselves.
    private static func encoded(_ name: String) -> String {
        name.utf8.allSatisfy { $0.isAlphanumeric || $0.isNameSeparator } ? name : percentEncoded(name)
    }
}

/// A document as it grows.
struct Text {
    private(set) var bytes = ByteBuffer()

    init(capacity: Int) { bytes.reserveCapacity(minimumWritableBytes: capacity) }

    mutating func add(_ text: String) { bytes.writeString(text) }

    /// `text`, and a string with its quotes.
    mutating func add(_ text: String = "", json string: String) {
        bytes.writeString(text)
        guard string.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) else {
            bytes.writeInteger(UInt8(ascii: "\""))
            bytes.writeString(string)
            bytes.writeInteger(UInt8(ascii: "\""))
            return
        }
        bytes.writeBytes(RawJSON(string).bytes)
    }

    /// `text`, and a blank with an attribute.
    mutating func add(_ text: String, attribute: String, _ value: String) {
        bytes.writeString(text)
        bytes.writeString(" \(attribute)=\"")
        add(html: value)
        bytes.writeInteger(UInt8(ascii: "\""))
    }

    /// The content of an element, or of an attribute in quotes.
    mutating func add(html text: String) {
        let isPlain = !text.utf8.contains { $0 == 0x26 || $0 == 0x3C || $0 == 0x3E || $0 == 0x22 || $0 == 0x27 }
        bytes.writeString(isPlain ? text : escapedMarkup(text))
    }
}
