import GranaryFormat
import GranaryModel
import GranaryPolicy
import GranaryPorts
import GranaryStore

/// Turns a draft into rows: rules decide, then rows and one event are written, all in one transaction.
struct Publication: Sendable {
    let draft: Draft
    private(set) var repository: Repository
    let change: Change

    /// Throws the `Problem` of the first rule that says no; then nothing is written.
    func run(on connection: any SQLConnection, touching scope: WidenedScope) throws -> Receipt {
        var current = self
        current.repository = try repository.current(on: connection)
        return try current.write(on: connection, touching: scope)
    }

    private func write(on connection: any SQLConnection, touching scope: WidenedScope) throws -> Receipt {
        let content = ContentRows(connection)
        try heal(on: connection)
        let package = try content.ensurePackage(draft.package, in: repository.id)
        try checkNeeds(content, package)
        let plan = try plan(content, package)
        guard plan.changesAnything else { return Receipt(.unchanged, nil) }
        let events = EventRows(connection)
        let sequence = try events.next()
        let version = try writeVersion(plan, content, package, sequence)
        if try fillsHashes(plan, BlobRows(connection)) { scope.widen() }
        try writeFiles(plan, BlobRows(connection), content, package, version, sequence)
        try writeTags(plan, content, package, version, sequence)
        try events.append(event(plan, at: sequence))
        return Receipt(plan.replaces ? .replaced : .created, sequence)
    }

    /// Bytes that were known to be damaged and have just been stored again are whole, whatever else comes of the draft.
    private func heal(on connection: any SQLConnection) throws {
        for file in draft.files where file.blob.lease != nil {
            try change.heal(file.blob.checksums.sha256, on: connection)
        }
    }

    // MARK: Rules

    private func checkNeeds(_ content: ContentRows, _ package: PackageID) throws {
        let own = Set(draft.files.map(\.path.text))
        var missing: [String] = []
        for need in draft.needs where !(need.isMember && repository.settings.sparseIndexes) {
            let isHeld = try need.anyOf.contains { try own.contains($0) || content.holds($0, in: package) }
            if !isHeld { missing.append(need.anyOf.first ?? "") }
        }
        guard missing.isEmpty else { throw Problem.missing(missing) }
    }

    private func checkObstacles(_ content: ContentRows) throws {
        for obstacle in draft.obstacles {
            switch obstacle {
            case .file(let name, let path):
                guard let package = try content.package(name, in: repository.id),
                    try content.content(at: path, of: package) != nil
                else { continue }
                throw Problem.conflict("\(path) in \(name) is a file and cannot be a directory too")
            case .tree(let path):
                if try content.packages(below: path, of: repository.id, limit: 1).isEmpty { continue }
                throw Problem.conflict("\(path) is a directory and cannot be a file too")
            }
        }
    }

    private func plan(_ content: ContentRows, _ package: PackageID) throws -> Plan {
        var plan = Plan()
        plan.existing = try draft.version.flatMap { try content.version($0.name, of: package) }
        for (index, file) in draft.files.enumerated() {
            let held = try content.content(at: file.path, of: package)
            if index == 0 {
                try draft.condition.check(held?.blob)
                if held == nil { try checkObstacles(content) }
            }
            let isSame = held.map { $0.mediaType == file.mediaType.text || file.path.text == draft.version?.name.text }
            let incoming = file.blob.checksums.sha256.hex
            let policy = draft.isImmutable ? repository.settings.writePolicy.frozen : repository.settings.writePolicy
            let existing = held.map { isSame == true ? $0.blob.hex : "" }
            let verdict = try decide(file.path.text, existing, incoming, policy)
            guard verdict != .unchanged else { continue }
            if draft.isImmutable { try refuseRevival(of: file, content, package) }
            plan.files.append(Plan.File(file: file, isHeld: held != nil))
            plan.before.note(file: file.path, held?.blob)
            plan.after.note(file: file.path, file.blob.checksums.sha256)
            plan.replaces = plan.replaces || verdict == .replace
        }
        try planTags(&plan, content, package)
        try planProperties(&plan, content)
        return plan
    }

    private func planTags(_ plan: inout Plan, _ content: ContentRows, _ package: PackageID) throws {
        guard let version = draft.version?.name else { return }
        for tag in try draft.tags + initialTags(content, package) {
            let target = try content.target(of: tag, in: package)
            let policy = repository.settings.writePolicy
            guard try decide("tag \(tag)", target?.text, version.text, policy) != .unchanged else { continue }
            plan.tags.append(tag)
            plan.before.note(tag: tag, target)
            plan.after.note(tag: tag, version)
        }
    }

    private func initialTags(_ content: ContentRows, _ package: PackageID) throws -> [TagName] {
        guard !draft.initialTags.isEmpty, try content.hasVersions(package) == false else { return [] }
        return draft.initialTags.filter { !draft.tags.contains($0) }
    }

    private func planProperties(_ plan: inout Plan, _ content: ContentRows) throws {
        guard let properties = draft.properties else { return }
        let held = try plan.existing.map { try content.properties(of: $0) } ?? []
        guard Set(held) != Set(properties) else { return }
        if let reason = Overwrite.refusalToAnnotate(policy: repository.settings.writePolicy) {
            throw Problem.conflict(reason)
        }
        plan.properties = properties
        plan.before.note(held)
        plan.after.note(properties)
    }

    private func refuseRevival(of file: Draft.File, _ content: ContentRows, _ package: PackageID) throws {
        guard try content.hasHeldOthers(at: file.path, of: package, than: file.blob.checksums.sha256) else { return }
        throw Problem.conflict("\(file.path) was published with other bytes before, and names are not used again")
    }

    private func decide(
        _ what: String, _ existing: String?, _ incoming: String, _ policy: RepositorySettings.WritePolicy
    ) throws -> Overwrite.Verdict {
        let verdict = Overwrite.decide(what, existing: existing, incoming: incoming, policy: policy)
        if case .refused(let reason) = verdict { throw Problem.conflict(reason) }
        return verdict
    }

    // MARK: Rows

    private func writeVersion(
        _ plan: Plan, _ content: ContentRows, _ package: PackageID, _ sequence: SequenceNumber
    ) throws -> VersionID? {
        guard let version = draft.version else { return nil }
        if let existing = plan.existing, !plan.replaces {
            if let properties = plan.properties {
                try content.setProperties(properties, of: existing, from: sequence)
            }
            return existing
        }
        // Other bytes under the same name are another version: the old one ends, and what stays of it, its other files, and
        // what people hung on the name, tags and properties, go over to the new one.
        let kept = try plan.existing.map { try content.properties(of: $0) }
        let files = try plan.existing.map { try content.files(of: $0) } ?? []
        let tags = try plan.existing.map { try content.endVersion($0, at: sequence) } ?? []
        let id = try content.insertVersion(
            version.name, of: package, mediaType: version.mediaType, artifactType: version.artifactType,
            metadata: version.metadata, at: change.time, from: sequence)
        let replaced = Set(plan.files.map(\.file.path))
        for file in files where !replaced.contains(file.path) {
            try content.insertFile(
                file.path, of: package, version: id, blob: file.blob, size: file.size, mediaType: file.mediaType,
                metadata: file.metadata, at: file.modified, from: sequence)
        }
        for tag in tags { try content.setTag(tag, of: package, to: id, from: sequence) }
        try content.insertEdges(draft.edges, from: id, of: package, at: sequence)
        try content.setProperties(draft.properties ?? kept ?? draft.initialProperties, of: id, from: sequence)
        return id
    }

    /// Whether it tells hashes of blobs that are there without them: other packages may hold those, too.
    private func fillsHashes(_ plan: Plan, _ blobs: BlobRows) throws -> Bool {
        try plan.files.contains { planned in
            let incoming = planned.file.blob.checksums
            guard incoming != Checksums(sha256: incoming.sha256) else { return false }
            return try blobs.find(incoming.sha256.digest).map { $0.checksums != incoming } ?? false
        }
    }

    private func writeFiles(
        _ plan: Plan, _ blobs: BlobRows, _ content: ContentRows, _ package: PackageID, _ version: VersionID?,
        _ sequence: SequenceNumber
    ) throws {
        for (file, isHeld) in plan.files.map({ ($0.file, $0.isHeld) }) {
            if file.blob.lease == nil, try blobs.find(file.blob.checksums.sha256.digest) == nil {
                throw Problem.conflict("the bytes of \(file.path) are not stored any more; send them again")
            }
            try blobs.note(file.blob.checksums, size: file.blob.size, at: change.time)
            if isHeld { try content.endFile(file.path, of: package, at: sequence) }
            try content.insertFile(
                file.path, of: package, version: version, blob: file.blob.checksums.sha256, size: file.blob.size,
                mediaType: file.mediaType, metadata: file.metadata, at: change.time, from: sequence)
        }
    }

    private func writeTags(
        _ plan: Plan, _ content: ContentRows, _ package: PackageID, _ version: VersionID?, _ sequence: SequenceNumber
    ) throws {
        guard let version else { return }
        for tag in plan.tags { try content.setTag(tag, of: package, to: version, from: sequence) }
    }

    private func event(_ plan: Plan, at sequence: SequenceNumber) -> Event {
        let (verb, target) = plan.headline(draft)
        return Event(
            sequence: sequence, time: change.time, actor: change.actor, verb: verb, repository: repository.name,
            package: draft.package, target: target, before: plan.before.json, after: plan.after.json)
    }
}

/// What of a draft is new.
private struct Plan {
    struct File {
        let file: Draft.File
        /// Whether other bytes stand there.
        let isHeld: Bool
    }

    var existing: VersionID?
    var files: [File] = []
    var tags: [TagName] = []
    var properties: [Property]?
    var replaces = false
    var before = ChangeSummary()
    var after = ChangeSummary()

    var changesAnything: Bool { !files.isEmpty || !tags.isEmpty || properties != nil }

    /// The verb and target of the one event that tells of all of it.
    func headline(_ draft: Draft) -> (Verb, String) {
        if let version = draft.version, !files.isEmpty { return (.versionPublished, version.name.text) }
        if let file = files.first { return (.filePublished, file.file.path.text) }
        if let tag = tags.first { return (.tagMoved, tag.text) }
        return (.propertiesChanged, draft.version?.name.text ?? "")
    }
}

extension Repository {
    /// As it stands in this transaction: a request may have begun before it was changed, or deleted.
    func current(on connection: any SQLConnection) throws -> Repository {
        guard let current = try RepositoryRows(connection).find(id) else {
            throw Problem.unknown(.repository, "the repository is not there any more")
        }
        return current
    }
}

extension WriteCondition {
    /// Throws `.preconditionFailed` when it does not hold of what stands at the path.
    func check(_ held: BlobDigest?) throws(Problem) {
        switch (self, held) {
        case (.none, _), (.absent, nil), (.present, .some): return
        case (.matches(let tags), .some(let digest)) where tags.contains(digest): return
        case (.absent, .some): throw .preconditionFailed("it exists already")
        case (.present, nil), (.matches, nil): throw .preconditionFailed("there is nothing there")
        case (.matches, .some): throw .preconditionFailed("it has changed")
        }
    }
}
