package import GranaryFormat
import GranaryModel

extension Generic {
    /// What the first member has of a name counts; a listing ends where the first member breaks off. Of a file, the first member
    /// that has it says which version it is.
    package func merge(_ selection: Selection, _ indexes: [Index]) -> Index {
        let listings = indexes.compactMap(\.listing)
        guard let first = listings.first else { return indexes.first { $0.version != nil } ?? .version(nil) }
        let cursors = listings.compactMap(\.next).map { Cursor($0, selection) }
        let end = cursors.min()
        var known: Set<String> = []
        let entries = listings.flatMap(\.entries).map { (cursor: $0.cursor(in: first.directory, selection), entry: $0) }
            .filter { place in end.map { place.cursor <= $0 } ?? true && known.insert(place.cursor.text).inserted }
            .sorted { $0.cursor < $1.cursor }
        return .listing(
            Listing(directory: first.directory, entries: entries.map(\.entry), next: end?.text))
    }
}

extension Generic.Index {
    fileprivate var listing: Listing? {
        if case .listing(let listing) = self { listing } else { nil }
    }

    fileprivate var version: IndexedVersion? {
        if case .version(let version) = self { version } else { nil }
    }
}

extension Listing {
    /// At most `limit` entries.
    func cut(to limit: Int, _ selection: Selection) -> Listing {
        guard entries.count > limit, let last = entries.prefix(limit).last else { return self }
        return Listing(
            directory: directory, entries: Array(entries.prefix(limit)),
            next: last.cursor(in: directory, selection).text)
    }
}

extension Listing.Entry {
    fileprivate func cursor(in directory: Directory, _ selection: Selection) -> Cursor {
        guard case .tree = selection else { return Cursor(file == nil ? path + "/" : path, selection) }
        return Cursor(directory.segments.isEmpty ? path : "\(directory.text)/\(path)", selection)
    }
}

/// What a page may come after, in the order of pages: of a directory by name, of a tree by directory and then by name.
private struct Cursor: Comparable {
    let text: String
    private let folder: String
    private let name: String

    init(_ text: String, _ selection: Selection) {
        self.text = text
        guard case .tree = selection else {
            (folder, name) = ("", text)
            return
        }
        // The root goes by the name `/`.
        let slash = text.utf8.lastIndex(of: UInt8(ascii: "/"))
        folder = (slash.map { String(text[..<$0]) } ?? "/") + "/"
        name = slash.map { String(text[text.utf8.index(after: $0)...]) } ?? text
    }

    static func < (left: Self, right: Self) -> Bool {
        left.folder.utf8.elementsEqual(right.folder.utf8)
            ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
            : left.folder.utf8.lexicographicallyPrecedes(right.folder.utf8)
    }

    static func == (left: Self, right: Self) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }
}
