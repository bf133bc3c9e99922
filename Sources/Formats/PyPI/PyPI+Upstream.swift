import FoundationEssentials
package import GranaryFormat
package import GranaryModel
import NIOCore

// The URL of an upstream is that of its simple index, as pip's `index-url` is.

extension PyPI {
    private static let pageLifetime = Duration.seconds(300)
    private static let listLifetime = Duration.seconds(3600)
    private static let maximumPage = ByteCount.mebibytes(64)
    private static let maximumList = ByteCount.mebibytes(256)
    /// JSON knows more than HTML.
    private static let accepted =
        "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"

    package func upstreamDocument(for selection: Selection) -> UpstreamDocument? {
        switch selection {
        case .package(let package):
            UpstreamDocument(
                UpstreamLocation("\(package.text)/", accept: Self.accepted), lifetime: Self.pageLifetime,
                limit: Self.maximumPage)
        case .packages:
            UpstreamDocument(
                UpstreamLocation("", accept: Self.accepted), lifetime: Self.listLifetime, limit: Self.maximumList)
        case .tags, .version, .referrers, .directory, .tree, .everything: nil
        }
    }

    package func upstreamFile(
        _ reference: FileReference, of package: PackageName, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> UpstreamFile {
        guard case .path(let path) = reference,
            case .project(let page) = try await access.index(.package(package), Page())
        else { throw .unknown(.file, "files have paths here") }
        let isMetadata = path.text.hasSuffix(Self.metadataSuffix)
        let name = isMetadata ? String(path.text.dropLast(Self.metadataSuffix.count)) : path.text
        if let young = page.withheld[name] { throw young.gate.refusal("'\(name)'", young.published) }
        guard let file = page.files.first(where: { $0.filename == name }), let location = file.location else {
            throw .unknown(.file, "there is no file '\(path)'")
        }
        guard isMetadata else {
            var wanted = UpstreamFile(UpstreamLocation(location), limit: maximumFile)
            for (hash, hex) in file.hashes where hash == "sha256" || ExtraHash(rawValue: hash) != nil {
                wanted.expected[hash] = hex
            }
            wanted.hashes = [.md5]
            wanted.mediaType = .octetStream
            return wanted
        }
        guard case .present(let digest) = file.coreMetadata else {
            throw .unknown(.file, "there is no metadata of '\(name)'")
        }
        var wanted = UpstreamFile(
            UpstreamLocation(location + Self.metadataSuffix), limit: ByteCount(Int64(CoreMetadata.maximumBytes)))
        wanted.expected["sha256"] = digest
        wanted.mediaType = MediaType(checked: "text/plain; charset=utf-8")
        return wanted
    }

    package func decode(_ selection: Selection, _ document: ReceivedDocument) throws(Problem) -> Index {
        guard case .package(let package) = selection else { return try decodeList(document) }
        let project = try Project(package.text)
        let files: [ProjectPage.File]
        var page = ProjectPage(name: package.text)
        if document.isJSON {
            let json = try RawJSON(document.bytes.readableBytesView)
            guard let listed = json["files"]?.elements else { throw Self.noPage }
            files = listed.compactMap { ProjectPage.File($0, of: project, at: document.source) }
            page.status = json["project-status"]?["status"]?.string.flatMap { .init(rawValue: $0) } ?? .active
            page.statusReason = json["project-status"]?["reason"]?.string ?? ""
        } else {
            let text = try document.html()
            files = try SimpleAnchors.all(in: text).compactMap { .init($0, of: project, at: document.source) }
            page.status =
                SimpleAnchors.meta("pypi:project-status", in: text).flatMap { .init(rawValue: $0) } ?? .active
            page.statusReason = SimpleAnchors.meta("pypi:project-status-reason", in: text) ?? ""
        }
        page.files = files
        page.setVersions()
        return .project(page)
    }

    private static let noPage = Problem.invalid(.content, "this is no page of the simple API")

    private func decodeList(_ document: ReceivedDocument) throws(Problem) -> Index {
        let names: [String]
        if document.isJSON {
            guard let projects = try RawJSON(document.bytes.readableBytesView)["projects"]?.elements else {
                throw Self.noPage
            }
            names = projects.compactMap { $0["name"]?.string }
        } else {
            names = try SimpleAnchors.all(in: document.html()).map(\.text)
        }
        return .projects(Set(names.compactMap { ProjectName($0)?.normalized }).sorted(), next: nil)
    }

    package var datesReleases: Bool { true }

    package func alarm(in index: Index) -> String? {
        guard case .project(let page) = index, page.status == .quarantined else { return nil }
        let reason = page.statusReason.prefix(200)
        return "the index has it in quarantine" + (reason.isEmpty ? "" : ": \(reason)")
    }

    package func replacedFiles(_ old: Index, _ new: Index) -> [String] {
        guard case .project(let old) = old, case .project(let new) = new else { return [] }
        let digest = { (file: ProjectPage.File) in file.hashes.first { $0.name == "sha256" }?.hex }
        let known = Dictionary(old.files.map { ($0.filename, digest($0)) }, uniquingKeysWith: { first, _ in first })
        return new.files.filter { file in
            guard let before = known[file.filename] ?? nil, let after = digest(file) else { return false }
            return before != after
        }.map(\.filename)
    }

    package func withholding(_ index: Index, _ gate: ReleaseGate) -> Index {
        guard case .project(var page) = index, let package = PackageName(page.name) else { return index }
        for file in page.files {
            let published = file.uploadTime.flatMap { Timestamp($0) }
            if gate.holds(file.version, of: package, published) { page.withheld[file.filename] = (published, gate) }
        }
        page.files.removeAll { page.withheld[$0.filename] != nil }
        page.setVersions()
        return .project(page)
    }

    package func keeping(_ index: Index, where isKept: (PackageName) -> Bool) -> Index {
        guard case .projects(let names, let next) = index else { return index }
        return .projects(names.filter { PackageName($0).map(isKept) ?? false }, next: next)
    }

    /// Of a file name, the first member that has it counts, also where that holds it back; of a project's standing, the first one that has the project.
    package func merge(_ selection: Selection, _ indexes: [Index]) -> Index {
        var merged: ProjectPage?
        var names: Set<String> = []
        var next: String?
        for index in indexes {
            switch index {
            case .project(let page):
                guard var all = merged else {
                    merged = page
                    continue
                }
                let known = Set(all.files.map(\.filename))
                all.files += page.files.filter { !known.contains($0.filename) && all.withheld[$0.filename] == nil }
                all.withheld.merge(page.withheld) { first, _ in first }
                all.releases += page.releases
                all.setVersions()
                merged = all
            case .projects(let more, let cursor):
                names.formUnion(more)
                if let cursor { next = min(next ?? cursor, cursor) }
            case .release(let name):
                if name != nil { return index }
            }
        }
        if let merged { return .project(merged) }
        // What comes after the place where one member breaks off comes with its next page.
        let listed = names.filter { name in next.map { name <= $0 } ?? true }
        return .projects(listed.sorted(), next: next)
    }
}

extension ReceivedDocument {
    fileprivate var isJSON: Bool { mediaType.hasSuffix("json") }

    fileprivate func html() throws(Problem) -> String {
        guard mediaType.contains("html") else { throw .invalid(.content, "a page is HTML or JSON") }
        guard let text = String(validating: bytes.readableBytesView, as: UTF8.self) else {
            throw .invalid(.content, "a page is UTF-8")
        }
        return text
    }
}

extension ProjectPage {
    /// The versions that files are of, in the order of the files.
    fileprivate mutating func setVersions() {
        var known: Set<String> = []
        versions = files.map(\.version).filter { known.insert($0).inserted }
    }
}

extension ProjectPage.File {
    /// Nil for a file of a kind that installers have given up, and for one of another project.
    fileprivate init?(_ json: RawJSON, of project: Project, at source: String) {
        guard let name = json["filename"]?.string, let address = json["url"]?.string else { return nil }
        self.init(name, address, of: project, at: source)
        for (hash, value) in json["hashes"]?.members ?? [] {
            if let hex = value.string { add(hash, hex) }
        }
        size = json["size"]?.integer
        uploadTime = json["upload-time"]?.string
        requiresPython = json["requires-python"]?.string
        let metadata = json["core-metadata"] ?? json["dist-info-metadata"] ?? json["data-dist-info-metadata"]
        if let digest = metadata?["sha256"]?.string {
            coreMetadata = .present(sha256: Self.digest(digest))
        } else if metadata?.text == "true" || metadata?.members != nil {
            coreMetadata = .present(sha256: nil)
        }
        switch json["yanked"] {
        case let value? where value.text == "true": yanked = Yank(reason: "")
        case let value?: yanked = value.string.map { Yank(reason: $0) }
        case nil: break
        }
    }

    fileprivate init?(_ anchor: SimpleAnchors.Anchor, of project: Project, at source: String) {
        guard let href = anchor.attributes["href"] else { return nil }
        let parts = href.split(separator: "#", maxSplits: 1)
        guard let address = parts.first else { return nil }
        self.init(String(anchor.text.trimmingSpaces()), String(address), of: project, at: source)
        if parts.count == 2, let equals = parts[1].firstIndex(of: "=") {
            add(String(parts[1][..<equals]), String(parts[1][parts[1].index(after: equals)...]))
        }
        requiresPython = anchor.attributes["data-requires-python"]
        if let metadata = anchor.attributes["data-core-metadata"] ?? anchor.attributes["data-dist-info-metadata"] {
            coreMetadata = .present(
                sha256: metadata.hasPrefix("sha256=") ? Self.digest(String(metadata.dropFirst(7))) : nil)
        }
        yanked = anchor.attributes["data-yanked"].map { Yank(reason: $0) }
    }

    private init?(_ name: String, _ address: String, of project: Project, at source: String) {
        guard let distribution = try? DistributionName(name, of: project.name), let base = URL(string: source),
            let url = URL(string: address, relativeTo: base)
        else { return nil }
        filename = name
        version = distribution.version.text
        hashes = []
        size = nil
        uploadTime = nil
        requiresPython = nil
        coreMetadata = .none
        yanked = nil
        packageType = distribution.kind.rawValue
        pythonTag = distribution.pythonTag
        location = url.absoluteString
    }

    private mutating func add(_ hash: String, _ hex: String) {
        let (hash, hex) = (hash.lowercased(), hex.lowercased())
        guard let name = HashName(rawValue: hash), hex.utf8.count == name.hexLength,
            hex.utf8.allSatisfy(\.isLowerHexadecimal)
        else { return }
        hashes.append((hash, hex))
    }

    private static func digest(_ hex: String) -> String? {
        let lower = hex.lowercased()
        return lower.utf8.count == 64 && lower.utf8.allSatisfy(\.isLowerHexadecimal) ? lower : nil
    }
}
