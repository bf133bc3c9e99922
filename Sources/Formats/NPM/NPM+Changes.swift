import GranaryFormat
import GranaryModel
import HTTPTypes

extension NPM {
    private static let ok = Reply(.ok, .json, text: #"{"ok":true}"#, .uncached)

    // MARK: Deprecating

    /// Takes over which versions the document says are deprecated, and nothing else.
    func deprecate(
        _ package: NodePackage, as document: RawJSON, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        guard let versions = document["versions"]?.members else {
            throw .unsupported("a document without versions says nothing that can be changed here")
        }
        let packument = try await known(package, access)
        try check(document["_rev"]?.string, packument)
        for (name, manifest) in versions {
            guard let version = packument.version(name), version.number.core == name else {
                throw .invalid(
                    .version, "there is no version \(name) to deprecate, and none is published without its tarball")
            }
            let text = manifest["deprecated"]?.string.flatMap { $0.isEmpty ? nil : $0 }
            guard text != version.deprecated else { continue }
            try await set(deprecation: text, of: version, of: package, access)
        }
        return Self.ok
    }

    private func set(
        deprecation text: String?, of version: Packument.Version, of package: NodePackage,
        _ access: some RepositoryAccess<Index>
    ) async throws(Problem) {
        var draft = try draft(about: version.number.core, of: package)
        // Others may have said something of the version, too.
        let shown = text.map { String($0.map { $0.isNewline ? " " : $0 }) }
        guard let properties = shown.map({ Property(Self.deprecation, $0).map { [$0] } }) ?? [] else {
            throw .invalid(
                .content, "a deprecation has at most \(Property.maximumValueBytes) bytes and no control characters")
        }
        draft.properties = version.otherProperties + properties
        _ = try await access.publish(draft)
    }

    /// A draft that changes something of a version that must exist.
    private func draft(about number: String, of package: NodePackage) throws(Problem) -> Draft {
        guard let name = VersionName(number) else { throw .invalid(.version, "a version is a semantic version") }
        var draft = Draft(package: package.name)
        draft.version = Draft.Version(name: name, mediaType: .octetStream)
        draft.needs = [Draft.Need(anyOf: [number], isMember: false)]
        return draft
    }

    /// Throws `.preconditionFailed` when the package has changed since the client read it.
    private func check(_ revision: String?, _ packument: Packument) throws(Problem) {
        guard let revision, revision != packument.revision else { return }
        throw .preconditionFailed("the package has changed meanwhile; try again")
    }

    // MARK: Dist-tags

    func set(
        _ tag: TagName, of package: NodePackage, _ request: FormatRequest, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let body = try await request.body.json(upTo: 4096)
        guard let number = body.string else { throw .invalid(.content, "the body is a version as a JSON string") }
        try await set([tag], to: number, of: package, access)
        return Self.ok
    }

    func setTags(
        of package: NodePackage, _ request: FormatRequest, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let body = try await request.body.json(upTo: 1 << 20)
        guard let tags = body.members else { throw .invalid(.content, "the body is an object of versions by dist-tag") }
        for (name, value) in tags {
            guard let number = value.string else { throw .invalid(.content, "a dist-tag stands for a version") }
            try await set([try distTag(name)], to: number, of: package, access)
        }
        return Self.ok
    }

    private func set(
        _ tags: [TagName], to number: String, of package: NodePackage, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) {
        guard let version = SemanticVersion(number) else { throw .invalid(.version, "'\(number)' is no version") }
        var draft = try draft(about: version.core, of: package)
        draft.tags = tags
        do throws(Problem) {
            _ = try await access.publish(draft)
        } catch .missing {
            throw .unknown(.version, "version not found: \(number)")
        } catch {
            throw error
        }
    }

    func remove(
        _ tag: TagName, of package: NodePackage, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        guard tag.text != Packument.latestTag else { throw .invalid(.tag, "a package always has a latest version") }
        _ = try await access.retract(.tag(package.name, tag), if: .none)
        return Self.ok
    }

    // MARK: Unpublishing

    /// Removes the versions that the document does not have any more.
    func removeVersions(
        of package: NodePackage, _ revision: String, _ request: FormatRequest, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let document = try await request.body.json(upTo: Self.maximumDocument)
        guard let kept = document["versions"]?.members?.map(\.name) else {
            throw .denied("who maintains a package is for the grants of this server to say")
        }
        let packument = try await known(package, access)
        try check(revision, packument)
        let held = Set(packument.versions.map(\.number.core))
        guard held.isSuperset(of: kept) else {
            throw .denied("a version is published with its tarball, not by changing the package's document")
        }
        try await removeVersions(of: packument, but: Set(kept), access)
        return Self.ok
    }

    func remove(
        _ package: NodePackage, _ revision: String, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let packument = try await known(package, access)
        try check(revision, packument)
        try await removeVersions(of: packument, but: [], access)
        return Self.ok
    }

    /// The second half of unpublishing one version; by then it is gone as a rule.
    func remove(
        _ path: FilePath, of package: NodePackage, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        do throws(Problem) {
            let packument = try await known(package, access)
            let kept = packument.versions.filter { $0.tarball != path }.map(\.number.core)
            try await removeVersions(of: packument, but: Set(kept), access)
            return Self.ok
        } catch .unknown(.package, _) {
            return Self.ok
        } catch {
            throw error
        }
    }

    /// Where `latest` goes with a version, it comes to the best of those that stay.
    private func removeVersions(
        of packument: Packument, but kept: Set<String>, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) {
        let heirs = [try distTag(Packument.latestTag): packument.candidatesForLatest(among: kept)]
        for number in packument.versions.map(\.number.core) where !kept.contains(number) {
            guard let name = VersionName(number) else { continue }
            _ = try await access.retract(.version(packument.name, name, heirs: heirs), if: .none)
        }
    }
}
