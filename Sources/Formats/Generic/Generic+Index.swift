import Crypto
import FoundationEssentials
package import GranaryFormat
package import GranaryModel
import HTTPTypes

/// What a listing is asked for: how deep, from where, in which form.
package struct ListingRequest: Sendable, Hashable {
    package let isRecursive: Bool
    package let page: Page
    package let isJSON: Bool

    /// Throws `.invalid(.query, …)` for a page that cannot be.
    package init(_ head: RequestHead) throws(Problem) {
        isRecursive = head.query.isSet("recursive")
        let accept = head.headers[.accept, default: ""].lowercased()
        isJSON = head.query["list"] != nil || (accept.contains("application/json") && !accept.contains("text/html"))
        let after = head.query["after"].flatMap { $0.isEmpty ? nil : $0 }
        guard after.map({ FilePath($0) != nil }) ?? true else {
            throw .invalid(.query, "?after= takes what 'next' of the page before says")
        }
        guard let limit = Int(head.query["limit"] ?? "\(Page.maximumLimit)"), limit > 0 else {
            throw .invalid(.query, "?limit= is a number from 1 to \(Page.maximumLimit)")
        }
        page = Page(after: after, limit: limit)
    }
}

/// One page of a directory, or of all files below it.
package struct Listing: Sendable {
    /// A file or a folder.
    package struct Entry: Sendable {
        /// Relative to the directory, without a slash at the end.
        package let path: String
        /// Nil of a folder.
        package let file: StoredFile?

        package init(path: String, file: StoredFile?) {
            self.path = path
            self.file = file
        }
    }

    package let directory: Directory
    package let entries: [Entry]
    /// What the next page comes after; nil where there is none.
    package let next: String?

    package init(directory: Directory, entries: [Entry], next: String?) {
        self.directory = directory
        self.entries = entries
        self.next = next
    }
}

extension Generic {
    /// What Granary derives from rows for this format.
    package enum Index: Sendable {
        case listing(Listing)
        /// A file's version with its properties; nil where there is none.
        case version(IndexedVersion?)
    }

    package func make(_ selection: Selection, from rows: IndexRows) -> Index {
        switch selection {
        case .directory(let path), .tree(let path):
            let segments = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
            guard let directory = try? Directory(segments) else { return .version(nil) }
            let entries = rows.entries.map { Listing.Entry(path: relativePath($0, in: directory), file: $0.file) }
            let next = rows.hasMore ? rows.entries.last?.cursor : nil
            return .listing(Listing(directory: directory, entries: entries, next: next))
        case .version, .tags, .referrers, .packages, .package:
            return .version(rows.entries.first?.version)
        }
    }

    /// A file says itself where it stands; only folders are known by the name of their row.
    private func relativePath(_ entry: IndexRows.Entry, in directory: Directory) -> String {
        guard let file = entry.file, !entry.isFolder else { return entry.name }
        let whole = file.package.text == "/" ? file.path.text : "\(file.package.text)/\(file.path.text)"
        let prefix = directory.segments.isEmpty ? "" : directory.text + "/"
        guard whole.utf8.starts(with: prefix.utf8) else { return whole }
        return String(decoding: whole.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
    }

    func list(
        _ directory: Directory, _ request: ListingRequest, _ head: RequestHead, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let listing = try await listing(directory, request, on: access)
        guard !listing.entries.isEmpty || directory.segments.isEmpty || request.page.after != nil else {
            throw .unknown(.path, "there is no directory at \(directory.displayPath)")
        }
        var headers: HTTPFields = [.cacheControl: "no-cache", .vary: "Accept"]
        headers[named: "X-Content-Type-Options"] = "nosniff"
        guard !request.isJSON else { return Reply(.ok, .json, text: encodeJSON(listing), headers) }
        headers[named: "Content-Security-Policy"] = Self.pagePolicy
        headers[named: "X-Robots-Tag"] = "noindex"
        return Reply(.ok, .html, text: encodeHTML(listing, request, repository: head.repository), headers)
    }

    private func listing(
        _ directory: Directory, _ request: ListingRequest, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Listing {
        let selection: Selection = request.isRecursive ? .tree(directory.text) : .directory(directory.text)
        do throws(Problem) {
            if case .listing(let listing) = try await access.index(selection, request.page) { return listing }
        } catch {
            // The root is there before anything is in it.
            guard case .unknown(.package, _) = error else { throw error }
        }
        return Listing(directory: directory, entries: [], next: nil)
    }

    /// The listing for programs.
    package func encodeJSON(_ listing: Listing) -> String {
        let children = listing.entries.map { entry in
            ListingDocument.Child(
                name: entry.path, folder: entry.file == nil, size: entry.file?.size,
                mediaType: entry.file?.mediaType.text,
                sha256: entry.file?.checksums.sha256.hex, modified: entry.file?.modified)
        }
        return jsonText(ListingDocument(path: listing.directory.displayPath, children: children, next: listing.next))
    }
}

private struct ListingDocument: Encodable {
    struct Child: Encodable {
        let name: String
        let folder: Bool
        let size: ByteCount?
        let mediaType: String?
        let sha256: String?
        let modified: Timestamp?
    }

    let path: String
    let children: [Child]
    let next: String?
}

extension Generic {
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

    /// The listing for people; `request` is what it was asked for, which the link to the next page repeats.
    package func encodeHTML(_ listing: Listing, _ request: ListingRequest, repository: String) -> String {
        let title = escapedHTML(repository + listing.directory.displayPath)
        var rows =
            listing.directory.segments.isEmpty ? "" : "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n"
        for entry in listing.entries { rows += row(of: entry) }
        let more = listing.next.map { next in
            let query = "limit=\(request.page.limit)&after=\(percentEncoded(next))"
            return "<p><a href=\"?\(escapedHTML((request.isRecursive ? "recursive=1&" : "") + query))\">More</a></p>\n"
        }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="robots" content="noindex">
            <meta name="viewport" content="width=device-width"><title>\(title)</title>
            <style>\(Self.style)</style></head><body><h1>\(title)</h1>
            <table><tr><th>Name</th><th>Modified</th><th>Size</th></tr>
            \(rows)</table>
            \(more ?? "")</body></html>

            """
    }

    private func row(of entry: Listing.Entry) -> String {
        let slash = entry.file == nil ? "/" : ""
        // Each name is encoded whole: one such as `javascript:x` is a path, and one with `;` has no parameters.
        let href = percentEncoded(entry.path, allowing: "/") + slash
        let modified = entry.file?.modified.description ?? ""
        let size = entry.file?.size.description ?? ""
        let name = "<bdi>\(escapedHTML(entry.path))</bdi>\(slash)"
        return "<tr><td><a href=\"\(href)\">\(name)</a></td><td>\(modified)</td><td>\(size)</td></tr>\n"
    }
}

/// `text` as the content of an element or of a quoted attribute.
private func escapedHTML(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": escaped += "&amp;"
        case "<": escaped += "&lt;"
        case ">": escaped += "&gt;"
        case "\"": escaped += "&quot;"
        case "'": escaped += "&#39;"
        default: escaped.unicodeScalars.append(scalar)
        }
    }
    return escaped
}
