import GranaryFormat
import GranaryModel
import GranaryPolicy
import GranaryPorts
import GranaryStore
import Logging
import NIOCore

/// A repository whose content comes from an upstream, as one caller may use it.
struct RemoteRepository<Format: PackageFormat>: ReadOnlyRepository {
    typealias Index = Format.Index

    let repository: Repository
    let upstream: UpstreamSettings
    let principal: Principal
    let format: Format
    let services: Services
    let caller: any CallerAccess
    let staleness: Staleness
    /// Nil reads it as it is now.
    let moment: Timestamp?

    var isPublic: Bool { repository.settings.anonymousRead }

    var cache: RemoteCache {
        RemoteCache(services: services, repository: repository, upstream: upstream, staleness: staleness)
    }

    private func authorize(_ package: PackageName?) throws(Problem) {
        let verdict = services.snapshot.value.verdict(principal, .read, on: repository, package)
        if let problem = verdict.problem(on: repository, package) { throw problem }
    }

    /// The name by which the upstream has what is asked for, where the caller may read it by the name that they ask by. Names
    /// that are left out are not there.
    private func entering(_ asked: PackageName) throws(Problem) -> PackageName {
        try authorize(asked)
        let package = upstream.fullName(asked)
        guard upstream.covers(package.text) else { throw .unknown(.package, asked.text) }
        return package
    }

    /// The same of what is selected.
    private func entering(_ asked: Selection) throws(Problem) -> Selection {
        guard let package = asked.singlePackage else {
            try authorize(nil)
            return asked
        }
        let name = try entering(package)
        return asked.naming { _ in name }
    }

    var refusal: Problem {
        .denied("'\(repository.name)' is a cache of an upstream; what is published belongs in a local repository")
    }

    // MARK: Files

    func file(_ reference: FileReference, in asked: PackageName) async throws(Problem) -> StoredFile {
        let package = try entering(asked)
        try requireNoAlarm(package)
        let key = key(reference, package)
        if let stood = try await stood(key) { return stored(stood, reference, package) }
        // What is here now was there then only if the index of then says so.
        let then = moment == nil ? nil : try await wanted(reference, package)
        let item = try await cache.whole(key) { () throws(Problem) in
            if let then { Want(then) } else { Want(try await wanted(reference, package)) }
        }
        return stored(try await oldEnough(item, key, reference, package), reference, package)
    }

    func open(_ reference: FileReference, in asked: PackageName) async throws(Problem) -> FileOpening {
        // Of what might not be served, nothing is sent before that is known.
        if moment != nil || waitsForDate(reference) { return .stored(try await file(reference, in: asked)) }
        let package = try entering(asked)
        try requireNoAlarm(package)
        var known: UpstreamFile?
        let opening = try await cache.open(key(reference, package)) { () throws(Problem) in
            let file = try await wanted(reference, package)
            known = file
            return Want(file)
        }
        switch opening {
        case .stored(let item): return .stored(stored(item, reference, package))
        case .arriving where known?.digestField != nil:
            // The answer begins with its digest, which is known at the end.
            return .stored(try await file(reference, in: asked))
        case .arriving(let transfer, let beginning):
            let file = ArrivingFile(size: beginning.size) { TransferChunks(transfer: transfer, range: $0) }
            return .arriving(file, beginning.mediaType, expected(known, beginning, reference, package))
        }
    }

    private func wanted(_ reference: FileReference, _ package: PackageName) async throws(Problem) -> UpstreamFile {
        let file = lasting(try await format.upstreamFile(reference, of: package, self))
        // What it is now says nothing of what it was.
        if moment != nil, file.lifetime != nil { throw Self.unknownThen }
        return file
    }

    /// With the lifetime that the repository is set to, where it changes at all.
    private func lasting(_ file: UpstreamFile) -> UpstreamFile {
        var file = file
        if file.lifetime != nil, let seconds = upstream.freshSeconds { file.lifetime = .seconds(seconds) }
        return file
    }

    /// What the file will turn out to be, where that is known before it is here.
    private func expected(
        _ wanted: UpstreamFile?, _ beginning: Transfer.Beginning, _ reference: FileReference, _ package: PackageName
    ) -> StoredFile? {
        guard let wanted, let digest = wanted.expected["sha256"].flatMap({ BlobDigest(hex: $0) }),
            let size = beginning.size
        else { return nil }
        let checksums = Checksums(
            sha256: digest, sha1: wanted.expected["sha1"], md5: wanted.expected["md5"],
            sha512: wanted.expected["sha512"])
        let now = services.now()
        return stored(
            CachedItem(
                checksums: checksums, size: size, mediaType: beginning.mediaType, source: "", isFixed: true,
                fetchedAt: now, checkedAt: now), reference, package)
    }

    func knownFile(_ reference: FileReference, in asked: PackageName) -> StoredFile? {
        guard moment == nil, !waitsForDate(reference), let package = try? entering(asked),
            alarm(package) == nil, let item = cache.known(key(reference, package), lifetime: nil)
        else { return nil }
        return stored(item, reference, package)
    }

    private func key(_ reference: FileReference, _ package: PackageName) -> CacheKey {
        let name =
            switch reference {
            case .path(let path): "file \(path)"
            case .version(let version): "version \(version)"
            case .tag(let tag): "tag \(tag)"
            }
        return cache.key(package.text, name)
    }

    private func stored(_ item: CachedItem, _ reference: FileReference, _ package: PackageName) -> StoredFile {
        let path: FilePath
        switch reference {
        case .path(let known): path = known
        case .version(let version): path = FilePath(version.text) ?? FilePath(item.checksums.sha256)
        case .tag: path = FilePath(item.checksums.sha256)
        }
        var version: VersionName?
        if case .path = reference {} else { version = VersionName(path.text) }
        return StoredFile(
            package: package, version: version, path: path, size: item.size, mediaType: item.mediaType,
            checksums: item.checksums, modified: item.fetchedAt)
    }

    // MARK: Indexes

    /// A document of the upstream, and what it is of.
    private struct Source {
        let selection: Selection
        let document: UpstreamDocument
    }

    /// What a selection is made from. A package that has no document of its own is a part of the one of everything.
    private func source(of selection: Selection) -> Source? {
        if let document = format.upstreamDocument(for: selection) {
            return Source(selection: selection, document: document)
        }
        guard case .package = selection, let document = format.upstreamDocument(for: .everything) else { return nil }
        return Source(selection: .everything, document: document)
    }

    func index(_ asked: Selection, _ page: Page) async throws(Problem) -> Index {
        let selection = try entering(asked)
        guard let source = source(of: selection) else { return try await held(selection, page) }
        let item = try await item(source)
        if let package = selection.singlePackage { try requireNoAlarm(package) }
        return try await decoded(item, selection, source)
    }

    func holds(_ asked: Selection) async throws(Problem) -> Bool {
        do throws(Problem) {
            guard let source = source(of: try entering(asked)) else { return true }
            _ = try await item(source)
            return true
        } catch .unknown {
            return false
        } catch {
            throw error
        }
    }

    private func item(_ source: Source) async throws(Problem) -> CachedItem {
        let (selection, document) = (source.selection, source.document)
        let package = selection.singlePackage?.text ?? ""
        let key = cache.key(package, selection.cacheName)
        do throws(Problem) {
            if let stood = try await stood(key) { return stood }
            guard moment == nil || format.datesReleases else { throw Self.unknownThen }
            let item = try await cache.whole(key) { () throws(Problem) in
                Want(document, lifetime: lifetime(document)) { item, received throws(Problem) in
                    let index = try whole(item, received, selection)
                    let alarm = format.alarm(in: index)
                    tell(of: index, alarm, selection)
                    return alarm
                }
            }
            return try await oldEnough(item, key)
        } catch .unknown where !package.isEmpty {
            throw .unknown(.package, package)
        } catch {
            throw error
        }
    }

    private func lifetime(_ document: UpstreamDocument) -> Duration {
        upstream.freshSeconds.map { .seconds($0) } ?? document.lifetime
    }

    /// Tells people what an upstream says now that is not what it said before.
    private func tell(of index: Index, _ alarm: String?, _ selection: Selection) {
        let place: Logger.Metadata = [
            "repository": "\(repository.name)", "package": "\(selection.singlePackage?.text ?? "")"
        ]
        if let alarm {
            services.logger.error("an upstream says that a package is malware: \(alarm)", metadata: place)
        }
        guard let known = services.upstreams.item(cache.key(selection.singlePackage?.text ?? "", selection.cacheName)),
            let before = services.indexes.find(indexKey(known, selection), as: Index.self)
        else { return }
        let replaced = format.replacedFiles(before, index)
        guard !replaced.isEmpty else { return }
        services.upstreamMetrics.replaced(repository.name, count: replaced.count)
        services.logger.error(
            "an upstream says other digests than before: \(replaced.prefix(10).joined(separator: ", "))",
            metadata: place)
    }

    /// Throws `.denied` where nothing of a package may be served.
    private func requireNoAlarm(_ package: PackageName) throws(Problem) {
        if let alarm = alarm(package) { throw .denied("\(package) is not served: \(alarm)") }
    }

    private func alarm(_ package: PackageName) -> String? {
        services.upstreams.alarm(cache.key(package.text, Selection.package(package).cacheName))
    }

    /// All that a document says.
    private func whole(
        _ item: CachedItem, _ received: ReceivedDocument, _ selection: Selection
    ) throws(Problem) -> Index {
        let index = try format.decode(selection, received)
        services.indexes.keep(index, of: received.bytes.readableBytes, as: indexKey(item, selection))
        return index
    }

    private func indexKey(_ item: CachedItem, _ selection: Selection) -> IndexMemo.Key {
        IndexMemo.Key(
            repository: repository.id, blob: item.checksums.sha256, mediaType: item.mediaType.essence,
            source: item.source, selection: selection)
    }

    /// What of a document is there for the caller.
    private func decoded(
        _ item: CachedItem, _ selection: Selection, _ source: Source
    ) async throws(Problem) -> Index {
        var index: Index
        if let known = services.indexes.find(indexKey(item, source.selection), as: Index.self) {
            index = known
        } else {
            index = try await services.examine(item) { try whole(item, $0, source.selection) }
        }
        if source.selection.singlePackage == nil {
            let snapshot = services.snapshot.value
            index = format.keeping(index) { package in
                if let only = selection.singlePackage { return package == only }
                return upstream.covers(package.text)
                    && snapshot.verdict(principal, .read, on: repository, package) == .allowed
            }
        }
        return gate.map { format.withholding(index, $0) } ?? index
    }

    /// What a document is kept by: of what it was made, in which form, and what was left out or held back. Nil where it is not:
    /// it is of as much as this caller may read.
    private func memoKey(_ item: CachedItem, _ variant: String, of selection: Selection) -> DocumentMemo.Key? {
        var variant = variant
        if let package = selection.singlePackage {
            // A document of everything is that of many packages.
            variant += " of \(package)"
        } else {
            guard services.snapshot.value.mayReadEverything(principal, of: repository) else { return nil }
            variant += " of \(upstream.include) without \(upstream.exclude)"
        }
        if let gate { variant += " before \(gate.cutoff.milliseconds) but \(gate.waivers.map(\.id))" }
        return DocumentMemo.Key(repository: repository.id, blob: item.checksums.sha256, variant: variant)
    }

    func document(
        _ asked: Selection, _ variant: String, _ encode: @Sendable (Index) throws(Problem) -> ByteBuffer
    ) async throws(Problem) -> Document {
        let selection = try entering(asked)
        guard let source = source(of: selection) else {
            return Document(try encode(try await index(asked, Page())), variant: variant)
        }
        let item = try await item(source)
        if let package = selection.singlePackage { try requireNoAlarm(package) }
        let key = memoKey(item, variant, of: selection)
        if let key, let known = services.documents.find(key) { return known }
        let made = Document(try encode(try await decoded(item, selection, source)), variant: variant)
        if let key { services.documents.keep(made, as: key) }
        return made
    }

    func knownDocument(_ variant: String, of asked: Selection) -> Document? {
        guard moment == nil, gate == nil || format.datesReleases, let selection = try? entering(asked),
            let source = source(of: selection), selection.singlePackage.flatMap({ alarm($0) }) == nil,
            let item = cache.known(
                cache.key(source.selection.singlePackage?.text ?? "", source.selection.cacheName),
                lifetime: lifetime(source.document)),
            let key = memoKey(item, variant, of: selection)
        else { return nil }
        return services.documents.find(key)
    }

    /// What an upstream has no document of is known as far as it is in the cache.
    private func held(_ selection: Selection, _ page: Page) async throws(Problem) -> Index {
        guard case .packages = selection else {
            return format.make(selection, from: IndexRows(entries: [], hasMore: false))
        }
        let (snapshot, principal, repository, moment) = (services.snapshot.value, principal, repository, moment)
        var (readable, cursor, hasMore): ([String], String?, Bool) = ([], page.after, true)
        // A page of which the caller may read nothing is not the last one.
        while readable.isEmpty, hasMore {
            let names = try await services.performing { [cursor] in
                try await services.driver.read {
                    try CacheRows($0).packages(in: repository.id, at: moment, after: cursor, limit: page.limit + 1)
                }
            }
            readable = names.prefix(page.limit).filter { name in
                PackageName(name).map { snapshot.verdict(principal, .read, on: repository, $0) == .allowed } ?? false
            }
            (cursor, hasMore) = (names.prefix(page.limit).last, names.count > page.limit)
        }
        let rows = IndexRows(entries: readable.map { .init(name: $0, isFetched: true) }, hasMore: hasMore)
        return format.make(selection, from: rows)
    }
}

extension Selection {
    /// The package it is of; nil where it goes over many.
    var singlePackage: PackageName? {
        switch self {
        case .package(let package), .tags(let package), .version(let package, _), .referrers(let package, _, _): package
        case .packages, .directory, .tree, .everything: nil
        }
    }

    /// The same of the package that `name` makes of it.
    func naming(_ name: (PackageName) -> PackageName) -> Selection {
        switch self {
        case .package(let package): .package(name(package))
        case .tags(let package): .tags(name(package))
        case .version(let package, let version): .version(name(package), version)
        case .referrers(let package, let target, let artifactType):
            .referrers(name(package), target: target, artifactType: artifactType)
        case .packages, .directory, .tree, .everything: self
        }
    }

    /// What it is called in a cache, beside its package.
    var cacheName: String {
        switch self {
        case .packages: "packages"
        case .everything: "everything"
        case .package: "index"
        case .tags: "tags"
        case .version(_, let version): "index of \(version)"
        case .referrers(_, let target, _): "referrers of \(target)"
        case .directory(let path): "directory \(path)"
        case .tree(let path): "tree \(path)"
        }
    }
}
