import GranaryFormat
package import GranaryModel
import HTTPTypes

/// What stands in a directory: groups, artifacts and versions are folders.
package struct MavenListing: Sendable {
    package let segments: [String]
    package let folders: [String]
    package let files: [(name: String, file: StoredFile)]

    package var isEmpty: Bool { folders.isEmpty && files.isEmpty }
}

extension Maven {
    func list(
        _ segments: [String], _ head: RequestHead, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let listing = try await listing(segments, on: access)
        guard !listing.isEmpty || segments.isEmpty else { throw unknownPath(segments) }
        let repository = head.prefix.split(separator: "/").last.map(String.init) ?? ""
        return Reply(.ok, .html, text: encodeHTML(listing, repository: repository), DirectoryPage.headers)
    }

    /// Leads to a directory that is asked for as if it were a file.
    func find(
        _ segments: [String], _ head: RequestHead, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        guard !(try await listing(segments, on: access)).isEmpty else { throw unknownPath(segments) }
        let path = segments.map { percentEncoded($0) + "/" }.joined()
        return Reply(.movedPermanently, [.location: head.prefix + path, .cacheControl: "no-cache"])
    }

    private func unknownPath(_ segments: [String]) -> Problem {
        .unknown(.path, "there is nothing at \(segments.joined(separator: "/"))")
    }

    private func listing(
        _ segments: [String], on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> MavenListing {
        var folders = Set<String>()
        var files: [(name: String, file: StoredFile)] = []
        if segments.allSatisfy(isGroupSegment) {
            let group = segments.joined(separator: ".")
            for package in try await access.packages(startingWith: group) {
                if let folder = folder(of: package, below: group) { folders.insert(folder) }
            }
        }
        if let coordinates = Coordinates(directory: segments), let artifact = try await access.artifact(coordinates) {
            folders.formUnion(artifact.versions.map(\.name.text))
        }
        if let last = segments.last, let coordinates = Coordinates(directory: segments.dropLast()),
            let artifact = try await access.artifact(coordinates),
            let version = artifact.versions.first(where: { $0.name.text == last })
        {
            files = version.files.map { (String($0.file.path.text.dropFirst(last.count + 1)), $0.file) }
        }
        return MavenListing(segments: segments, folders: Metadata.ordered(folders), files: files)
    }

    /// The folder in a group's directory that leads to a package; nil where none does.
    private func folder(of package: PackageName, below group: String) -> String? {
        let rest = package.text.utf8.dropFirst(group.utf8.count)
        guard !group.isEmpty else { return String(Substring(rest.prefix { !isSeparator($0) })) }
        switch rest.first {
        case UInt8(ascii: "."): return String(Substring(rest.dropFirst().prefix { !isSeparator($0) }))
        case UInt8(ascii: ":"): return String(Substring(rest.dropFirst()))
        default: return nil
        }
    }

    private func isSeparator(_ byte: UInt8) -> Bool { byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":") }
}

extension Maven {
    /// The listing for people, and for clients that look for versions in it.
    package func encodeHTML(_ listing: MavenListing, repository: String) -> String {
        var page = DirectoryPage(
            title: "\(repository)/" + listing.segments.map { $0 + "/" }.joined(), isRoot: listing.segments.isEmpty)
        for folder in listing.folders { page.add(folder, nil) }
        for file in listing.files { page.add(file.name, file.file) }
        return page.text
    }
}
