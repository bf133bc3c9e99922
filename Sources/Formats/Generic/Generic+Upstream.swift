package import GranaryFormat
package import GranaryModel

extension Generic {
    /// For how long a file of any name is taken as it is: a tree of files may change under its names.
    private static let lifetime = Duration.seconds(300)

    /// A file is below the upstream's URL where it is below the repository's.
    package func upstreamFile(
        _ reference: FileReference, of package: PackageName, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> UpstreamFile {
        guard case .path(let path) = reference else { throw .unknown(.file, "files have paths here") }
        let address = package.text == "/" ? path.text : "\(package.text)/\(path.text)"
        var file = UpstreamFile(UpstreamLocation(percentEncoded(address, allowing: "/")), limit: maximumFile)
        // By SHA-256 alone: the other hashes take three times as long as everything else about a file, and nothing needs them.
        file.lifetime = Self.lifetime
        return file
    }
}
