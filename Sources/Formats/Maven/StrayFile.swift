import GranaryFormat
package import GranaryModel

/// A file below the directory of a version by whose name it is not called. Nobody deploys it here, but other repositories have
/// such: plugins of sbt are called without the versions in the names of their artifacts.
package struct StrayFile: Sendable, Hashable {
    package let coordinates: Coordinates
    /// Within the package: `1.1.0/sbt-assembly-1.1.0.pom`.
    package let path: FilePath
    let segments: [String]
    let isSnapshot: Bool

    /// Answers nil for what may as well be a directory, which is asked for without its slash: where the version has no digit, or
    /// the file begins with one or has no extension. Metadata of any kind, and checksums, are no such files.
    package init?(_ segments: [String]) {
        guard segments.count >= 4, let coordinates = Coordinates(directory: segments.dropLast(2)),
            let path = FilePath(segments.suffix(2).joined(separator: "/"))
        else { return nil }
        let (version, name) = (segments[segments.count - 2], segments[segments.count - 1])
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard isVersion(version), version.contains(where: \.isNumber), parts.count > 1, !parts.contains(""),
            name.first?.isNumber == false, parts.last?.first?.isLetter == true,
            !name.hasPrefix("maven-metadata"), !HashName.allCases.contains(where: { name.hasSuffix(".\($0.rawValue)") })
        else { return nil }
        self.coordinates = coordinates
        self.path = path
        self.segments = segments
        isSnapshot = MavenVersion.isSnapshot(version)
    }
}
