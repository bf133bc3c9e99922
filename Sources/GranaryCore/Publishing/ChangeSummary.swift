import GranaryModel

/// What a change touched, as the history keeps it: names and what they stood for, on one side of the change.
struct ChangeSummary: Codable {
    /// Versions by tag; null where a tag was not there.
    var tags: [String: String?]?
    /// SHA-256 by path; null where a file was not there.
    var files: [String: String?]?
    var properties: [String: [String]]?

    mutating func note(tag: TagName, _ version: VersionName?) {
        tags = tags ?? [:]
        tags?[tag.text] = .some(version?.text)
    }

    mutating func note(file: FilePath, _ blob: BlobDigest?) {
        files = files ?? [:]
        files?[file.text] = .some(blob?.description)
    }

    mutating func note(_ list: [Property]) {
        properties = Dictionary(grouping: list, by: \.key).mapValues { $0.map(\.value).sorted() }
    }

    /// Nil when there is nothing to tell.
    var json: String? {
        tags != nil || files != nil || properties != nil ? jsonText(self) : nil
    }
}
