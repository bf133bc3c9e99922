import GranaryFormat
import GranaryModel
import GranaryPolicy
import GranaryPorts
import GranaryStore

/// Takes a tag, a version, a file or a tree of files away, in one transaction with one event.
struct Removal: Sendable {
    /// A tree with more files than this is refused, so that one request cannot hold the writer for long.
    static let maximumTree = 10_000

    let retraction: Retraction
    let condition: WriteCondition
    private(set) var repository: Repository
    let change: Change
    /// The problem of removing from a package; a tree goes over many.
    let mayRemove: @Sendable (PackageName) -> Problem?

    /// Throws `.unknown` when there is nothing to take away, `.conflict` when something needs it.
    func run(on connection: any SQLConnection) throws -> Receipt {
        var current = self
        current.repository = try repository.current(on: connection)
        return try current.write(on: connection)
    }

    private func write(on connection: any SQLConnection) throws -> Receipt {
        let content = ContentRows(connection)
        let events = EventRows(connection)
        let sequence = try events.next()
        let event: Event
        switch retraction {
        case .tag(let name, let tag):
            event = try removeTag(tag, try known(name, content), name, content, sequence)
        case .version(let name, let version, let heirs):
            event = try removeVersion(version, heirs, try known(name, content), name, content, sequence)
        case .file(let name, let path):
            event = try removeFile(path, try known(name, content), name, content, sequence)
        case .tree(let path):
            event = try removeTree(path, content, sequence)
        }
        try events.append(event)
        return Receipt(.replaced, sequence)
    }

    private func removeTag(
        _ tag: TagName, _ package: PackageID, _ name: PackageName, _ content: ContentRows, _ sequence: SequenceNumber
    ) throws -> Event {
        guard let target = try content.target(of: tag, in: package) else { throw Problem.unknown(.tag, tag.text) }
        try allow("tag \(tag)")
        try content.endTag(tag, of: package, at: sequence)
        var before = ChangeSummary()
        before.note(tag: tag, target)
        return event(.tagRetracted, name, tag.text, before, sequence)
    }

    private func removeVersion(
        _ version: VersionName, _ heirs: [TagName: [VersionName]], _ package: PackageID, _ name: PackageName,
        _ content: ContentRows, _ sequence: SequenceNumber
    ) throws -> Event {
        guard let id = try content.version(version, of: package) else {
            throw Problem.unknown(.version, version.text)
        }
        try allow(version.text)
        var (before, after) = (ChangeSummary(), ChangeSummary())
        for tag in try content.endVersion(id, at: sequence) {
            before.note(tag: tag, version)
            guard let heir = try move(tag, toFirstOf: heirs[tag] ?? [], package, content, sequence) else { continue }
            after.note(tag: tag, heir)
        }
        return event(.versionRetracted, name, version.text, before, sequence, after: after)
    }

    /// Answers the version that the tag points to now; nil where none of the heirs is there.
    private func move(
        _ tag: TagName, toFirstOf heirs: [VersionName], _ package: PackageID, _ content: ContentRows,
        _ sequence: SequenceNumber
    ) throws -> VersionName? {
        for heir in heirs {
            guard let target = try content.version(heir, of: package) else { continue }
            try content.setTag(tag, of: package, to: target, from: sequence)
            return heir
        }
        return nil
    }

    private func removeFile(
        _ path: FilePath, _ package: PackageID, _ name: PackageName, _ content: ContentRows,
        _ sequence: SequenceNumber
    ) throws -> Event {
        guard let held = try content.content(at: path, of: package) else { throw Problem.unknown(.file, path.text) }
        try condition.check(held.blob)
        try allow(path.text)
        guard try content.isContent(path.text, of: package) == false else {
            throw Problem.conflict("\(path) is part of a version; remove the version first")
        }
        try end(path, package, content, sequence)
        var before = ChangeSummary()
        before.note(file: path, held.blob)
        return event(.fileRetracted, name, path.text, before, sequence)
    }

    private func removeTree(_ path: String, _ content: ContentRows, _ sequence: SequenceNumber) throws -> Event {
        let entries = try content.tree(below: path, of: repository.id, after: nil, limit: Self.maximumTree + 1) { _ in
            true
        }
        guard !entries.isEmpty else { throw Problem.unknown(.path, path) }
        guard entries.count <= Self.maximumTree else {
            throw Problem.conflict("a tree of more than \(Self.maximumTree) files is removed in parts")
        }
        try allow(path)
        var before = ChangeSummary()
        for entry in entries {
            guard let file = entry.file else { continue }
            if let problem = mayRemove(file.package) { throw problem }
            try end(file.path, try known(file.package, content), content, sequence)
            if let path = FilePath(entry.name) { before.note(file: path, file.checksums.sha256) }
        }
        // The summary names files of all packages, so it is for those who may see all: of one package, or administrators.
        let packages = Set(entries.compactMap(\.file?.package))
        return event(
            .fileRetracted, packages.count == 1 ? packages.first : nil, path == "/" ? path : "\(path)/", before,
            sequence)
    }

    /// A version goes with its last file.
    private func end(
        _ path: FilePath, _ package: PackageID, _ content: ContentRows, _ sequence: SequenceNumber
    ) throws {
        let ended = try content.endFile(path, of: package, at: sequence)
        if let version = ended?.version, try content.hasFiles(version) == false {
            _ = try content.endVersion(version, at: sequence)
        }
    }

    private func known(_ name: PackageName, _ content: ContentRows) throws -> PackageID {
        guard let id = try content.package(name, in: repository.id) else {
            throw Problem.unknown(.package, name.text)
        }
        return id
    }

    private func allow(_ what: String) throws {
        if let reason = Overwrite.refusalToRemove(what, policy: repository.settings.writePolicy) {
            throw Problem.denied(reason)
        }
    }

    private func event(
        _ verb: Verb, _ package: PackageName?, _ target: String, _ before: ChangeSummary, _ sequence: SequenceNumber,
        after: ChangeSummary = ChangeSummary()
    ) -> Event {
        Event(
            sequence: sequence, time: change.time, actor: change.actor, verb: verb, repository: repository.name,
            package: package, target: target, before: before.json, after: after.json)
    }
}
