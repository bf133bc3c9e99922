import FoundationEssentials
package import GranaryFormat
package import GranaryModel
import NIOCore

// The URL of an upstream is that of its registry, as npm's `registry` is.

extension NPM {
    private static let lifetime = Duration.seconds(300)
    private static let maximumPackument = ByteCount.mebibytes(256)

    package func upstreamDocument(for selection: Selection) -> UpstreamDocument? {
        guard case .package(let package) = selection else { return nil }
        // The full form: only that has the moments of publication everywhere.
        return UpstreamDocument(
            UpstreamLocation(percentEncoded(package.text, allowing: "@"), accept: "application/json"),
            lifetime: Self.lifetime, limit: Self.maximumPackument)
    }

    package func upstreamFile(
        _ reference: FileReference, of package: PackageName, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> UpstreamFile {
        guard case .path(let path) = reference,
            case .packument(let packument) = try await access.index(.package(package), Page())
        else { throw .unknown(.file, "tarballs have paths here") }
        if let young = packument.withheld[path] { throw young.gate.refusal("'\(path)'", young.published) }
        guard let version = packument.versions.first(where: { $0.tarball == path }),
            let dist = version.manifest["dist"], let address = dist["tarball"]?.string
        else { throw .unknown(.file, "there is no tarball '\(path)'") }
        var file = UpstreamFile(UpstreamLocation(address), limit: Self.maximumTarball)
        file.expected = Self.expected(dist)
        file.mediaType = .octetStream
        return file
    }

    /// The strongest digests a version document has of its tarball, in hexadecimal.
    private static func expected(_ dist: RawJSON) -> [String: String] {
        // Several may be given, for several algorithms (W3C, "Subresource Integrity").
        for option in dist["integrity"]?.string?.split(separator: " ") ?? [] {
            let parts = option.split(separator: "?")[0].split(separator: "-", maxSplits: 1)
            guard parts.count == 2, let name = HashName(rawValue: String(parts[0])), name != .md5,
                let bytes = Data(base64Encoded: String(parts[1])), bytes.count * 2 == name.hexLength
            else { continue }
            return [name.rawValue: hexadecimal(bytes)]
        }
        guard let sum = dist["shasum"]?.string?.lowercased(), sum.utf8.count == 40,
            sum.utf8.allSatisfy(\.isLowerHexadecimal)
        else { return [:] }
        return ["sha1": sum]
    }

    package func decode(_ selection: Selection, _ document: ReceivedDocument) throws(Problem) -> Index {
        guard case .package(let package) = selection else {
            throw .unsupported("a registry has no such document")
        }
        let json = try RawJSON(document.bytes.readableBytesView)
        guard json["name"]?.string == package.text, let versions = json["versions"]?.members else {
            throw .invalid(.content, "this is no packument of '\(package)'")
        }
        let times = Dictionary(
            (json["time"]?.members ?? []).compactMap { entry in
                entry.value.string.flatMap { Timestamp($0) }.map { (entry.name, $0) }
            }, uniquingKeysWith: { first, _ in first })
        let tags = (json["dist-tags"]?.members ?? []).compactMap { entry in
            entry.value.string.map { (entry.name, $0) }
        }
        return .packument(
            Packument(
                name: package, versions: versions.compactMap { .init($0.name, $0.value, times[$0.name], package) },
                tags: Dictionary(tags, uniquingKeysWith: { first, _ in first })))
    }

    package var datesReleases: Bool { true }

    /// What stands in the place of malware.
    private static let placeholder = "0.0.1-security"

    package func alarm(in index: Index) -> String? {
        guard case .packument(let packument) = index, packument.versions.map(\.number.core) == [Self.placeholder] else {
            return nil
        }
        return
            "the registry has put the placeholder \(Self.placeholder) in the place of all versions, as it does with malware"
    }

    package func replacedFiles(_ old: Index, _ new: Index) -> [String] {
        guard case .packument(let old) = old, case .packument(let new) = new else { return [] }
        let digests = { (version: Packument.Version) in
            version.manifest["dist"].flatMap { ($0["integrity"] ?? $0["shasum"])?.string }
        }
        let known = Dictionary(
            old.versions.map { ($0.number.core, digests($0)) }, uniquingKeysWith: { first, _ in first })
        return new.versions.filter { version in
            guard let before = known[version.number.core] ?? nil, let after = digests(version) else { return false }
            return before != after
        }.map(\.number.core)
    }

    /// A dist-tag that would lead to what is held back is none; `latest` is found anew.
    package func withholding(_ index: Index, _ gate: ReleaseGate) -> Index {
        guard case .packument(let packument) = index else { return index }
        let kept = packument.versions.filter { !gate.holds($0.number.core, of: packument.name, $0.published) }
        let names = Set(kept.map(\.number.core))
        var rest = Packument(
            name: packument.name, versions: kept, tags: packument.tags.filter { names.contains($0.value) })
        for version in packument.versions where !names.contains(version.number.core) {
            if let tarball = version.tarball { rest.withheld[tarball] = (version.published, gate) }
        }
        return .packument(rest)
    }

    /// Of a version, the first member that has it counts, and whole, also where that holds it back; of a dist-tag, the first
    /// member that sets it.
    package func merge(_ selection: Selection, _ indexes: [Index]) -> Index {
        var packuments: [Packument] = []
        var names: Set<PackageName> = []
        var tags: [String] = []
        for index in indexes {
            switch index {
            case .packument(let packument): packuments.append(packument)
            case .names(let more): names.formUnion(more)
            case .tags(let more): tags += more.filter { !tags.contains($0) }
            }
        }
        guard let first = packuments.first else {
            return tags.isEmpty ? .names(names.sorted { $0.text < $1.text }) : .tags(tags)
        }
        var merged = Packument(name: first.name, versions: [], tags: [:])
        var known: Set<String> = []
        for packument in packuments {
            merged.versions += packument.versions.filter { version in
                known.insert(version.number.core).inserted && version.tarball.map { merged.withheld[$0] == nil } ?? true
            }
            merged.withheld.merge(packument.withheld) { first, _ in first }
        }
        let shown = Set(merged.versions.map(\.number.core))
        for packument in packuments {
            merged.tags.merge(packument.tags.filter { shown.contains($0.value) }) { first, _ in first }
        }
        return .packument(merged)
    }
}

extension Packument.Version {
    /// A version as another registry tells of it; nil for one whose number or tarball is none.
    fileprivate init?(_ name: String, _ document: RawJSON, _ published: Timestamp?, _ package: PackageName) {
        guard let number = SemanticVersion(name), let address = document["dist"]?["tarball"]?.string,
            let file = address.split(separator: "/").last.map({ $0.prefix { $0 != "?" && $0 != "#" } }),
            let path = percentDecoded(file.utf8).flatMap({ FilePath(String(decoding: $0, as: UTF8.self)) })
        else { return nil }
        self.number = number
        // Why it is deprecated is said once.
        manifest = RawJSON(object: document.members?.filter { $0.name != "deprecated" } ?? [])
        readme = nil
        self.published = published
        tarball = path
        deprecated = document["deprecated"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        otherProperties = []
    }
}
