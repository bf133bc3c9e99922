import Crypto
import FoundationEssentials
package import GranaryFormat
package import GranaryModel
import HTTPTypes
import NIOCore

/// What a repository holds of an artifact.
package struct Artifact: Sendable {
    /// A version with its files.
    package struct Version: Sendable {
        package let name: VersionName
        package let files: [(name: ArtifactFile, file: StoredFile)]
    }

    package let coordinates: Coordinates
    /// In Maven's order; each has files.
    package let versions: [Version]

    init(coordinates: Coordinates, versions: [Version]) {
        self.coordinates = coordinates
        self.versions = versions
    }
}

extension Maven {
    /// What Granary derives from rows for this format.
    package enum Index: Sendable {
        /// Those that are only there because they were fetched from an upstream are told apart.
        case packages([PackageName], fetched: Set<PackageName>, hasMore: Bool)
        /// Nil where there is nothing of it.
        case artifact(Artifact?)
        /// What another repository says of an artifact, a snapshot or a group.
        case metadata(Metadata)
    }

    package func make(_ selection: Selection, from rows: IndexRows) -> Index {
        switch selection {
        case .packages:
            .packages(
                rows.entries.compactMap { PackageName($0.name) },
                fetched: Set(rows.entries.filter(\.isFetched).compactMap { PackageName($0.name) }),
                hasMore: rows.hasMore)
        case .package(let package):
            .artifact(Coordinates(package).flatMap { Artifact($0, rows) })
        case .tags, .version, .referrers, .directory, .tree, .everything:
            .artifact(nil)
        }
    }

    // MARK: Metadata

    func readMetadata(
        _ address: MetadataAddress, _ hash: HashName?, _ head: RequestHead, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        guard let metadata = try await metadata(at: address, on: access) else {
            throw .unknown(.file, "there is no metadata there, because nothing is deployed that it would tell of")
        }
        let text = metadata.text
        let checksums = checksums(of: text)
        var headers = contentHeaders(isLasting: false)
        if let hash { return Reply(.ok, .plainText, text: checksums[hash] ?? "", headers) }
        headers.setChecksums(checksums)
        return Reply(Document(ByteBuffer(string: text)), .xml, to: head, headers)
    }

    /// The metadata at an address; nil where it would tell of nothing.
    private func metadata(
        at address: MetadataAddress, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Metadata? {
        switch address {
        case .snapshot(let coordinates, let version):
            if let told = try await access.told(.version(coordinates.package, version)) { return told }
            return try await access.artifact(coordinates)?.metadata(of: version)
        case .directory(let segments):
            var found: [Metadata] = []
            if let coordinates = Coordinates(directory: segments) {
                if let told = try await access.told(.package(coordinates.package)) {
                    found.append(told)
                } else if let artifact = try await access.artifact(coordinates) {
                    found.append(artifact.metadata)
                }
            }
            let plugins = try await plugins(of: segments, on: access)
            if !plugins.isEmpty {
                var group = Metadata()
                group.plugins = plugins
                found.append(group)
            }
            return found.first.map { found.dropFirst().reduce($0) { $0.merged(with: $1) } }
        }
    }

    /// Looks at every artifact of the group: what is a plugin is known of its files only, and this is asked once a build. What was
    /// fetched is left to the metadata that its upstream has of the group.
    private func plugins(
        of segments: [String], on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> [Metadata.Plugin] {
        guard segments.allSatisfy(isGroupSegment) else { return [] }
        var plugins: [Metadata.Plugin] = []
        let prefix = segments.joined(separator: ".") + ":"
        for package in try await access.packages(startingWith: prefix, withFetched: false) {
            guard let coordinates = Coordinates(package), let artifact = try await access.artifact(coordinates) else {
                continue
            }
            if let plugin = artifact.plugin { plugins.append(plugin) }
        }
        return plugins
    }

    private func checksums(of text: String) -> Checksums {
        let bytes = Data(text.utf8)
        return Checksums(
            sha256: BlobDigest(bytes: SHA256.hash(data: bytes)), sha1: hexadecimal(Insecure.SHA1.hash(data: bytes)),
            md5: hexadecimal(Insecure.MD5.hash(data: bytes)), sha512: hexadecimal(SHA512.hash(data: bytes)))
    }
}

extension Artifact {
    /// Answers nil where no version has files.
    init?(_ coordinates: Coordinates, _ rows: IndexRows) {
        var versions: [(order: MavenVersion, version: Version)] = []
        for entry in rows.entries {
            guard let name = entry.version?.name else { continue }
            let files = entry.files.compactMap { file in
                ArtifactFile(coordinates.directory + file.path.text.split(separator: "/").map(String.init))
                    .map { (name: $0, file: file) }
            }
            if !files.isEmpty { versions.append((MavenVersion(name.text), Version(name: name, files: files))) }
        }
        guard !versions.isEmpty else { return nil }
        self.coordinates = coordinates
        self.versions = versions.sorted { $0.order.isListed(before: $1.order) }.map(\.version)
    }

    /// Of the artifact: what versions there are.
    package var metadata: Metadata {
        var metadata = Metadata()
        metadata.groupID = coordinates.group
        metadata.artifactID = coordinates.artifact
        metadata.versions = versions.map(\.name.text)
        metadata.lastUpdated = versions.flatMap(\.files).map(\.file.modified).max()?.compact
        return metadata
    }

    /// Of a snapshot: which of its files are the newest. Nil where none has a timestamp: clients then take the names without one.
    package func metadata(of version: VersionName) -> Metadata? {
        let stamped = (versions.first { $0.name == version }?.files ?? []).compactMap { file in
            file.name.stamp.map { (name: file.name, stamp: $0) }
        }
        guard let newest = stamped.map(\.stamp).max() else { return nil }
        var metadata = Metadata()
        metadata.groupID = coordinates.group
        metadata.artifactID = coordinates.artifact
        metadata.version = version.text
        metadata.snapshot = newest
        metadata.lastUpdated = newest.updated
        metadata.snapshotVersions = Metadata.newest(
            stamped.map { file in
                Metadata.SnapshotVersion(
                    classifier: file.name.classifier, fileExtension: file.name.fileExtension,
                    value: file.name.fileVersion, updated: file.stamp.updated)
            })
        return metadata
    }

    /// What its group tells of it; nil unless it is a plugin. The newest version that is one decides.
    package var plugin: Metadata.Plugin? {
        for version in versions.reversed() {
            let notes = version.files.compactMap { FileNote($0.file.metadata) }
            guard !notes.isEmpty else { continue }
            return Metadata.Plugin(
                name: notes.lazy.compactMap(\.name).first,
                prefix: notes.lazy.compactMap(\.goalPrefix).first
                    ?? PluginDescriptor.prefix(of: coordinates.artifact),
                artifactID: coordinates.artifact)
        }
        return nil
    }

    /// The newest file of the kind of one without a timestamp.
    func newest(like file: ArtifactFile) -> StoredFile? {
        let files = versions.first { $0.name == file.version }?.files.filter {
            $0.name.classifier == file.classifier && $0.name.fileExtension == file.fileExtension
        }
        return files?.filter { $0.name.stamp != nil }.max { left, right in
            guard let first = left.name.stamp, let second = right.name.stamp else { return false }
            return first < second
        }?.file
    }
}

/// What is kept of a plugin's POM and JAR beside their bytes, for the metadata of its group.
struct FileNote: Codable {
    var name: String?
    var goalPrefix: String?

    init(name: String?, goalPrefix: String?) {
        self.name = name
        self.goalPrefix = goalPrefix
    }

    /// Answers nil where nothing is kept, which is so of every file but those.
    init?(_ metadata: String) {
        guard !metadata.isEmpty, let note = try? JSONDecoder().decode(Self.self, from: Data(metadata.utf8)) else {
            return nil
        }
        self = note
    }
}

extension Timestamp {
    /// `yyyyMMddHHmmss`, in UTC.
    fileprivate var compact: String { String(description.filter(\.isNumber).prefix(14)) }
}

extension RepositoryAccess<Maven.Index> {
    /// What there is of an artifact; nil where that is nothing, or nothing for the caller.
    func artifact(_ coordinates: Coordinates) async throws(Problem) -> Artifact? {
        do throws(Problem) {
            guard case .artifact(let artifact) = try await index(.package(coordinates.package), Page()) else {
                return nil
            }
            return artifact
        } catch {
            guard case .unknown = error else { throw error }
            return nil
        }
    }

    /// What an upstream says; nil where none says anything.
    func told(_ selection: Selection) async throws(Problem) -> Metadata? {
        do throws(Problem) {
            guard case .metadata(let metadata) = try await index(selection, Page()) else { return nil }
            return metadata
        } catch {
            guard case .unknown = error else { throw error }
            return nil
        }
    }

    /// The packages whose names begin with `prefix`, in bytewise order; at most `maximumPackages`.
    func packages(startingWith prefix: String, withFetched: Bool = true) async throws(Problem) -> [PackageName] {
        var found: [PackageName] = []
        var cursor = prefix.isEmpty ? nil : prefix
        while found.count < maximumPackages {
            guard case .packages(let page, let fetched, let hasMore) = try await index(.packages, Page(after: cursor))
            else { break }
            let matching = page.prefix { $0.text.utf8.starts(with: prefix.utf8) }
            found += withFetched ? Array(matching) : matching.filter { !fetched.contains($0) }
            guard hasMore, matching.count == page.count, let last = page.last else { break }
            cursor = last.text
        }
        return found
    }
}

/// How many packages one listing looks at.
private let maximumPackages = 100_000
