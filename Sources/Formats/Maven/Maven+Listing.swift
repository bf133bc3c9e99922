import Crypto
import FoundationEssentials
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
        var headers: HTTPFields = [.cacheControl: "no-cache"]
        headers[named: "X-Content-Type-Options"] = "nosniff"
        headers[named: "Content-Security-Policy"] = Self.pagePolicy
        headers[named: "X-Robots-Tag"] = "noindex"
        let repository = head.prefix.split(separator: "/").last.map(String.init) ?? ""
        return Reply(.ok, .html, text: encodeHTML(listing, repository: repository), headers)
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
    private static let style = """
        :root{color-scheme:light dark}\
        body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}\
        table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem 1rem .25rem 0}\
        td+td,th+th{white-space:nowrap;width:1%}tr+tr{border-top:1px solid #8884}a{text-decoration:none}
        """

    /// Allows the one style sheet and nothing else.
    private static let pagePolicy: String = {
        let hash = Data(SHA256.hash(data: Data(style.utf8))).base64EncodedString()
        return """
            default-src 'none'; style-src 'sha256-\(hash)'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
            """
    }()

    /// The listing for people, and for clients that look for versions in it.
    package func encodeHTML(_ listing: MavenListing, repository: String) -> String {
        let title = escapedMarkup("\(repository)/" + listing.segments.map { $0 + "/" }.joined())
        var rows = listing.segments.isEmpty ? "" : row("..", slash: "/", nil)
        for folder in listing.folders { rows += row(folder, slash: "/", nil) }
        for file in listing.files { rows += row(file.name, slash: "", file.file) }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="robots" content="noindex">
            <meta name="viewport" content="width=device-width"><title>\(title)</title>
            <style>\(Self.style)</style></head><body><h1>\(title)</h1>
            <table><tr><th>Name</th><th>Modified</th><th>Size</th></tr>
            \(rows)</table>
            </body></html>

            """
    }

    private func row(_ name: String, slash: String, _ file: StoredFile?) -> String {
        let link = "<a href=\"\(percentEncoded(name))\(slash)\">\(escapedMarkup(name))\(slash)</a>"
        let modified = file?.modified.description ?? ""
        return "<tr><td>\(link)</td><td>\(modified)</td><td>\(file?.size.description ?? "")</td></tr>\n"
    }
}
