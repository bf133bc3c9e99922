package import GranaryFormat
package import GranaryModel
import NIOCore

// The URL of an upstream is that of its repository, as `url` in `settings.xml` is.

extension Maven {
    private static let metadataLifetime = Duration.seconds(300)
    private static let snapshotLifetime = Duration.seconds(60)
    /// Of a checksum file.
    private static let maximumChecksum = ByteCount(1024)

    /// The metadata of an artifact is at the same place as that of a group of plugins with its name.
    package func upstreamDocument(for selection: Selection) -> UpstreamDocument? {
        switch selection {
        case .package(let package):
            Coordinates(package).map { Self.metadata(in: $0.directory, lifetime: Self.metadataLifetime) }
        case .version(let package, let version):
            Coordinates(package).map {
                Self.metadata(in: $0.directory + [version.text], lifetime: Self.snapshotLifetime)
            }
        case .packages, .tags, .referrers, .directory, .tree, .everything: nil
        }
    }

    private static func metadata(in directory: [String], lifetime: Duration) -> UpstreamDocument {
        UpstreamDocument(
            UpstreamLocation(address(directory + ["maven-metadata.xml"])), lifetime: lifetime,
            limit: ByteCount(Int64(Metadata.maximumBytes)))
    }

    private static func address(_ segments: [String]) -> String {
        percentEncoded(segments.joined(separator: "/"), allowing: "/")
    }

    package func decode(_ selection: Selection, _ document: ReceivedDocument) throws(Problem) -> Index {
        .metadata(try Metadata(Array(document.bytes.readableBytesView)))
    }

    package func upstreamFile(
        _ reference: FileReference, of package: PackageName, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> UpstreamFile {
        guard case .path(let path) = reference, let coordinates = Coordinates(package) else {
            throw .unknown(.file, "files have paths here")
        }
        let isChecksum = path.text.hasSuffix(Self.checksumSuffix)
        let name = isChecksum ? path.text.dropLast(Self.checksumSuffix.count) : path.text[...]
        let segments = coordinates.directory + name.split(separator: "/").map(String.init)
        let artifact = ArtifactFile(segments)
        guard let isSnapshot = artifact?.isSnapshot ?? StrayFile(segments)?.isSnapshot else {
            throw .unknown(.file, "there is no \(path)")
        }
        let location = UpstreamLocation(Self.address(coordinates.directory + [path.text]))
        var file = UpstreamFile(location, limit: isChecksum ? Self.maximumChecksum : maximumFile)
        // A checksum changes with its file.
        if isSnapshot, artifact?.stamp == nil { file.lifetime = Self.snapshotLifetime }
        guard !isChecksum else { return file }
        file.hashes = Set(ExtraHash.allCases)
        file.expected["sha1"] = try await checksum(of: path, in: package, access)
        return file
    }

    /// A checksum is no younger than its file.
    package func release(of reference: FileReference) -> String? {
        guard case .path(let path) = reference, !path.text.hasSuffix(Self.checksumSuffix) else { return nil }
        return path.text.split(separator: "/").first.map(String.init)
    }

    private static let checksumSuffix = ".sha1"

    /// What the upstream says that a file's SHA-1 is; nil where it does not say. Every repository has this one.
    private func checksum(
        of path: FilePath, in package: PackageName, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> String? {
        guard let place = FilePath(path.text + Self.checksumSuffix),
            let file = try await access.fileIfPresent(.path(place), in: package)
        else { return nil }
        let blob = StagedBlob(checksums: file.checksums, size: file.size)
        let bytes = try await access.inspect(blob) { try $0.read(0..<$0.size.bytes) }
        // Some have the name of the file before it or after it.
        let text = String(decoding: bytes.readableBytesView, as: UTF8.self)
        return text.split(whereSeparator: \.isWhitespace).map { $0.lowercased() }
            .first { $0.utf8.count == 40 && $0.utf8.allSatisfy(\.isLowerHexadecimal) }
    }

    /// What several repositories have of an artifact or a group.
    package func merge(_ selection: Selection, _ indexes: [Index]) -> Index {
        var packages: Set<PackageName> = []
        var deployed: Set<PackageName> = []
        /// Where the first member breaks off.
        var end: PackageName?
        var hasMore = false
        var artifacts: [Artifact] = []
        var metadata: [Metadata] = []
        for index in indexes {
            switch index {
            case .packages(let names, let fetched, let more):
                packages.formUnion(names)
                deployed.formUnion(Set(names).subtracting(fetched))
                hasMore = hasMore || more
                if more, let last = names.last { end = end.map { precedes($0, last) ? $0 : last } ?? last }
            case .artifact(let artifact?): artifacts.append(artifact)
            case .artifact(nil): break
            case .metadata(let one): metadata.append(one)
            }
        }
        if case .packages = selection {
            // What comes after the place where one member breaks off comes with its next page.
            let listed = packages.filter { name in end.map { !precedes($0, name) } ?? true }
            return .packages(listed.sorted(by: precedes), fetched: listed.subtracting(deployed), hasMore: hasMore)
        }
        guard !metadata.isEmpty else {
            return .artifact(artifacts.first.map { artifacts.dropFirst().reduce($0) { $0.merged(with: $1) } })
        }
        let all = artifacts.map(\.metadata) + metadata
        return .metadata(all.dropFirst().reduce(all[0]) { $0.merged(with: $1) })
    }
}

private func precedes(_ name: PackageName, _ other: PackageName) -> Bool {
    name.text.utf8.lexicographicallyPrecedes(other.text.utf8)
}

extension Artifact {
    /// With the versions of another that this has not.
    fileprivate func merged(with other: Artifact) -> Artifact {
        let known = Set(versions.map(\.name))
        let all = versions + other.versions.filter { !known.contains($0.name) }
        return Artifact(
            coordinates: coordinates,
            versions: all.map { (MavenVersion($0.name.text), $0) }.sorted { $0.0.isListed(before: $1.0) }.map(\.1))
    }
}
