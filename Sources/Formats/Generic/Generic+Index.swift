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
        case .version, .tags, .referrers, .packages, .package, .everything:
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
        guard !request.isJSON else {
            var headers: HTTPFields = [.cacheControl: "no-cache", .vary: "Accept"]
            headers[named: "X-Content-Type-Options"] = "nosniff"
            return Reply(.ok, .json, text: encodeJSON(listing), headers)
        }
        var headers = DirectoryPage.headers
        headers[.vary] = "Accept"
        return Reply(.ok, .html, text: encodeHTML(listing, request, repository: head.repository), headers)
    }

    private func listing(
        _ directory: Directory, _ request: ListingRequest, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Listing {
        let selection: Selection = request.isRecursive ? .tree(directory.text) : .directory(directory.text)
        do throws(Problem) {
            if case .listing(let listing) = try await access.index(selection, request.page) {
                return listing.cut(to: request.page.limit, selection)
            }
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
    /// The listing for people; `request` is what it was asked for, which the link to the next page repeats.
    package func encodeHTML(_ listing: Listing, _ request: ListingRequest, repository: String) -> String {
        var page = DirectoryPage(
            title: repository + listing.directory.displayPath, isRoot: listing.directory.segments.isEmpty)
        for entry in listing.entries { page.add(entry.path, entry.file) }
        page.next = listing.next.map { next in
            (request.isRecursive ? "recursive=1&" : "") + "limit=\(request.page.limit)&after=\(percentEncoded(next))"
        }
        return page.text
    }
}
