import GranaryPolicy
import GranaryFormat
import GranaryModel
import GranaryPorts
import GranaryStore
import NIOCore

extension LocalRepository {
    func index(_ selection: Selection, _ page: Page) async throws(Problem) -> Format.Index {
        try authorize(.read, selection.singlePackage)
        return format.make(selection, from: try await rows(selection, page, services.snapshot.value))
    }

    func document(
        _ selection: Selection, _ variant: String, _ encode: @Sendable (Format.Index) throws(Problem) -> ByteBuffer
    ) async throws(Problem) -> Document {
        try authorize(.read, selection.singlePackage)
        // One snapshot decides what the caller may read and whether that is everything.
        let snapshot = services.snapshot.value
        guard let key = documentKey(selection, variant, snapshot) else {
            let index = format.make(selection, from: try await rows(selection, Page(), snapshot))
            return Document(try encode(index), variant: variant)
        }
        switch services.files.find(key) {
        case .known(let document): return document
        case .unknown(let ticket):
            let index = format.make(selection, from: try await rows(selection, Page(), snapshot))
            let document = Document(try encode(index), variant: variant)
            if let ticket { services.files.keep(document, as: key, since: ticket) }
            return document
        }
    }

    /// The document where it is in memory and the caller may read it; nil leaves it to `document`.
    func knownDocument(_ variant: String, of selection: Selection) -> Document? {
        let snapshot = services.snapshot.value
        guard snapshot.verdict(principal, .read, on: repository, selection.singlePackage) == .allowed,
            let key = documentKey(selection, variant, snapshot),
            case .known(let document) = services.files.find(key)
        else { return nil }
        return document
    }

    func holds(_ selection: Selection) async throws(Problem) -> Bool {
        guard let package = selection.singlePackage else { return true }
        try authorize(.read, package)
        return try await services.hasHeld(package, in: repository.id)
    }

    /// What a document is kept by; nil where it is not: it is of a part of the repository that has no revision, or of as much of it
    /// as this caller may read.
    private func documentKey(
        _ selection: Selection, _ variant: String, _ snapshot: Snapshot
    ) -> FileMemory.DocumentKey? {
        if selection == .everything, !snapshot.mayReadEverything(principal, of: repository) { return nil }
        return FileMemory.DocumentKey(repository: repository.id, selection, variant)
    }

    /// As it stood at a moment, where one is given.
    func rows(
        _ selection: Selection, _ page: Page, _ snapshot: Snapshot, at moment: Timestamp? = nil
    ) async throws(Problem) -> IndexRows {
        do throws(Problem) {
            return try await services.performing {
                try await services.driver.read { [repository, principal] connection in
                    let position = try moment.map { try EventRows(connection).position(at: $0) }
                    let content = ContentRows(connection, at: position)
                    return try selection.rows(page, of: repository.id, content) { package in
                        snapshot.verdict(principal, .read, on: repository, package) == .allowed
                    }
                }
            }
        } catch .unknown(.package, let name) {
            throw unknown(name)
        } catch {
            throw error
        }
    }
}

extension Services {
    /// Whether a package has ever held anything.
    func hasHeld(_ package: PackageName, in repository: RepositoryID) async throws(Problem) -> Bool {
        let key = FileMemory.PackageKey(repository: repository, package: package)
        switch files.find(key) {
        case .known(let isHeld): return isHeld
        case .unknown(let ticket):
            let isHeld = try await performing {
                try await driver.look { try ContentRows($0).package(package, in: repository) != nil }
            }
            if let ticket { files.keep(isHeld, as: key, since: ticket) }
            return isHeld
        }
    }

    /// The same where it is in memory; nil leaves it to `hasHeld`.
    func hasHeldAsKnown(_ package: PackageName, in repository: RepositoryID) -> Bool? {
        guard case .known(let isHeld) = files.find(.init(repository: repository, package: package)) else { return nil }
        return isHeld
    }

    /// The packages that have ever held anything.
    func namesHeld(in repository: RepositoryID) async throws(Problem) -> Set<PackageName> {
        try await performing { try await driver.read { try ContentRows($0).allPackages(of: repository) } }
    }
}

extension Selection {
    fileprivate func rows(
        _ page: Page, of repository: RepositoryID, _ content: ContentRows, mayRead: (PackageName) -> Bool
    ) throws -> IndexRows {
        let limit = page.limit + 1
        switch self {
        case .packages:
            return IndexRows(
                cutting: try content.packages(in: repository, after: page.after, limit: limit, isIncluded: mayRead),
                to: page)
        case .package(let name):
            return try content.everything(of: try content.known(name, in: repository))
        case .tags(let name):
            let package = try content.known(name, in: repository)
            let tags = try content.tags(of: package, after: page.after, limit: limit)
            return IndexRows(cutting: tags.map { .init(name: $0.text) }, to: page)
        case .version(let name, let version):
            let package = try content.known(name, in: repository)
            return IndexRows(cutting: try content.entry(version, of: package).map { [$0] } ?? [], to: page)
        case .referrers(let name, let target, let artifactType):
            let package = try content.known(name, in: repository)
            let versions = try content.referrers(
                of: target, in: package, artifactType: artifactType, after: page.after, limit: limit)
            return IndexRows(
                cutting: versions.map { .init(name: $0.name.text, version: IndexedVersion($0, [])) }, to: page)
        case .directory(let path):
            let isReadable = PackageName(path).map(mayRead) ?? false
            let files =
                isReadable ? try content.files(in: path, of: repository, after: page.after, limit: limit) : []
            let folders = try content.folders(in: path, of: repository, after: page.after, limit: limit) { folder in
                try content.packages(below: folder, of: repository, limit: Self.maximumProbe).contains(where: mayRead)
            }
            let entries = (files + folders).map(IndexRows.Entry.init).sorted {
                $0.cursor.utf8.lexicographicallyPrecedes($1.cursor.utf8)
            }
            return IndexRows(cutting: entries, to: page)
        case .tree(let path):
            let entries = try content.tree(
                below: path, of: repository, after: page.after, limit: limit, isIncluded: mayRead)
            return IndexRows(cutting: entries.map(IndexRows.Entry.init), to: page)
        case .everything:
            return try content.everything(in: repository, isIncluded: mayRead)
        }
    }

    /// How many directories below a folder are looked at before the folder is taken for one the caller may not see.
    private static var maximumProbe: Int { 1000 }
}

extension ContentRows {
    fileprivate func known(_ name: PackageName, in repository: RepositoryID) throws -> PackageID {
        guard let id = try package(name, in: repository) else { throw Problem.unknown(.package, name.text) }
        return id
    }

    fileprivate func packages(
        in repository: RepositoryID, after: String?, limit: Int, isIncluded: (PackageName) -> Bool
    ) throws -> [IndexRows.Entry] {
        var found: [IndexRows.Entry] = []
        var cursor = after
        while found.count < limit {
            let page = try packages(in: repository, after: cursor, limit: limit)
            found += page.filter(isIncluded).map { .init(name: $0.text) }
            guard page.count == limit, let last = page.last else { break }
            cursor = last.text
        }
        return Array(found.prefix(limit))
    }

    fileprivate func everything(of package: PackageID) throws -> IndexRows {
        let files = Dictionary(grouping: try files(of: package), by: \.version)
        let entries = try versions(of: package).map { version, properties in
            IndexRows.Entry(
                name: version.name.text, version: IndexedVersion(version, properties), files: files[version.name] ?? [])
        }
        return IndexRows(entries: entries, hasMore: false, tags: try targets(in: package))
    }

    fileprivate func everything(
        in repository: RepositoryID, isIncluded: (PackageName) -> Bool
    ) throws -> IndexRows {
        var entries: [IndexRows.Entry] = []
        var files = try files(in: repository)[...]
        for (package, versions) in try versions(in: repository) {
            // Both are in the order of the packages' names.
            files = files.drop { $0.package < package }
            let own = files.prefix { $0.package == package }
            guard isIncluded(package) else { continue }
            let byVersion = Dictionary(grouping: own, by: \.version)
            entries += versions.map { version, properties in
                IndexRows.Entry(
                    name: version.name.text, version: IndexedVersion(version, properties),
                    files: byVersion[version.name] ?? [])
            }
        }
        return IndexRows(entries: entries, hasMore: false)
    }

    fileprivate func entry(_ name: VersionName, of package: PackageID) throws -> IndexRows.Entry? {
        guard let id = try version(name, of: package), let listed = try listed(id) else { return nil }
        return .init(name: name.text, version: IndexedVersion(listed, try properties(of: id)))
    }
}

extension IndexRows {
    /// Queries ask for one row more than the page holds, to know whether there are more.
    fileprivate init(cutting entries: [Entry], to page: Page) {
        self.init(entries: Array(entries.prefix(page.limit)), hasMore: entries.count > page.limit)
    }
}

extension IndexRows.Entry {
    fileprivate init(_ listed: ListedEntry) {
        self.init(name: listed.name, isFolder: listed.file == nil, file: listed.file)
    }
}

extension IndexedVersion {
    fileprivate init(_ listed: ListedVersion, _ properties: [Property]) {
        self.init(
            name: listed.name, mediaType: listed.mediaType, artifactType: listed.artifactType,
            metadata: listed.metadata, size: listed.size, createdAt: listed.createdAt, properties: properties)
    }
}
