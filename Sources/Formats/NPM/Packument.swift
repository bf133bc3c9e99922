package import GranaryFormat
package import GranaryModel

/// All there is to a package: what its clients resolve versions from.
package struct Packument: Sendable {
    /// One version.
    package struct Version: Sendable {
        package let number: SemanticVersion
        /// The version document, without the tarball's address and without what belongs to the whole package.
        package let manifest: RawJSON
        package let readme: String?
        /// Nil where the registry it comes from does not say.
        package let published: Timestamp?
        /// The tarball's path; nil where its bytes are damaged or gone.
        package let tarball: FilePath?
        /// Why it is deprecated; nil where it is not.
        package let deprecated: String?
        /// What else people have said of it.
        package let otherProperties: [Property]
    }

    package let name: PackageName
    /// In the order in which they were published.
    package var versions: [Version]
    /// Versions by dist-tag.
    package var tags: [String: String]
    /// What is too young, by the name of the tarball: when it was published, and by which rule it is held back.
    package var withheld: [FilePath: (published: Timestamp?, gate: ReleaseGate)] = [:]

    /// Where `latest` points: what a tag says, else the highest version that is no pre-release, else the highest.
    package var latest: Version? {
        if let tagged = tags[Self.latestTag], let version = versions.first(where: { $0.number.core == tagged }) {
            return version
        }
        return versions.max(by: Self.precedes)
    }

    /// Whether another version would rather be the latest: one that is no pre-release, else a higher one.
    private static func precedes(_ one: Version, _ other: Version) -> Bool {
        one.number.isPrerelease == other.number.isPrerelease ? one.number < other.number : one.number.isPrerelease
    }

    /// Which of those that are kept would be the latest, the first one first.
    func candidatesForLatest(among kept: Set<String>) -> [VersionName] {
        versions.filter { kept.contains($0.number.core) }.sorted { Self.precedes($1, $0) }
            .compactMap { VersionName($0.number.core) }
    }

    static let latestTag = "latest"

    /// The dist-tags, `latest` among them whenever there is a version.
    package var distTags: [(name: String, value: RawJSON)] {
        var all = tags
        if let latest { all[Self.latestTag] = latest.number.core }
        return all.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { ($0.key, RawJSON($0.value)) }
    }

    /// The version a number or a dist-tag stands for.
    package func version(_ reference: String) -> Version? {
        if let number = SemanticVersion(reference) { return versions.first { $0.number == number } }
        if reference == Self.latestTag { return latest }
        return tags[reference].flatMap { core in versions.first { $0.number.core == core } }
    }

    /// What changes whenever something of the package does. Clients show it when they change the package again.
    package var revision: String {
        let parts =
            versions.map { "\($0.number.core)\u{0}\($0.published?.milliseconds ?? 0)\u{0}\($0.deprecated ?? "\u{1}")" }
            + tags.map { "\($0.key)\u{0}\($0.value)" }.sorted()
        let bytes = parts.joined(separator: "\u{2}")
        return "\(versions.count)-\(hexadecimal(NPM.digest(of: bytes.utf8).prefix(16)))"
    }
}

extension NPM {
    /// The property that says why a version is deprecated.
    static let deprecation = "npm.deprecated"

    /// What Granary derives from rows for this format.
    package enum Index: Sendable {
        case packument(Packument)
        /// The names of packages.
        case names([PackageName])
        /// The dist-tags of a package.
        case tags([String])
    }

    package func make(_ selection: Selection, from rows: IndexRows) -> Index {
        if case .tags = selection { return .tags(rows.entries.map(\.name)) }
        guard case .package(let name) = selection else {
            return .names(rows.entries.compactMap { PackageName($0.name) })
        }
        return .packument(
            Packument(
                name: name, versions: rows.entries.compactMap(Packument.Version.init),
                tags: Dictionary(
                    rows.tags.map { ($0.key.text, $0.value.text) }, uniquingKeysWith: { first, _ in first })))
    }
}

extension NPM.Index {
    /// The packument. Throws `.unknown(.package, …)` where there is no version.
    func packument(of package: NodePackage) throws(Problem) -> Packument {
        guard case .packument(let packument) = self, !packument.versions.isEmpty else {
            throw .unknown(.package, package.name.text)
        }
        return packument
    }
}

extension Packument.Version {
    fileprivate init?(_ entry: IndexRows.Entry) {
        guard let version = entry.version, let number = SemanticVersion(version.name.text),
            let stored = StoredManifest(version.metadata)
        else { return nil }
        self.number = number
        manifest = stored.manifest
        readme = stored.readme
        published = version.createdAt
        tarball = entry.files.first?.path
        deprecated = version.properties.first { $0.key == NPM.deprecation }?.value
        otherProperties = version.properties.filter { $0.key != NPM.deprecation }
    }
}

/// What is kept of a version beside its tarball.
struct StoredManifest {
    let manifest: RawJSON
    let readme: String?

    init(manifest: RawJSON, readme: String?) {
        self.manifest = manifest
        self.readme = readme
    }

    init?(_ text: String) {
        guard let json = try? RawJSON(text.utf8), let manifest = json["manifest"] else { return nil }
        self.init(manifest: manifest, readme: json["readme"]?.string)
    }

    var text: String {
        RawJSON(object: [("manifest", manifest)] + (readme.map { [("readme", RawJSON($0))] } ?? [])).text
    }
}
