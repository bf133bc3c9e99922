package import GranaryFormat
import GranaryModel

/// What a distribution says of itself: a METADATA or PKG-INFO file (specification "Core metadata").
package struct CoreMetadata: Sendable {
    package static let maximumBytes = 5 << 20
    package static let maximumFields = 10_000

    /// In their order, names in lower case.
    package let fields: [(name: String, value: String)]
    /// What follows the fields; else the field of that name.
    package let description: String?

    /// Throws `.invalid(.content, …)` for text that is not UTF-8, for control characters in fields, for what is no field, for a
    /// major version that is not known, and where a field that may come once comes twice.
    package init(_ bytes: some Collection<UInt8>) throws(Problem) {
        guard bytes.count <= Self.maximumBytes else {
            throw Self.malformed("it has more than \(Self.maximumBytes) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Self.malformed("it is no UTF-8") }
        guard !text.utf8.contains(0) else { throw Self.malformed("it has a NUL byte") }
        var fields: [(name: String, value: String)] = []
        var rest = text.utf8[...]
        while !rest.isEmpty {
            var line = rest.prefix { $0 != 0x0A }
            rest = rest[line.endIndex...].dropFirst()
            if line.last == 0x0D { line.removeLast() }
            if line.isEmpty { break }
            if line.first == 0x20 || line.first == 0x09 {
                guard !fields.isEmpty else { throw Self.malformed("it begins with a continuation line") }
                fields[fields.count - 1].value += "\n" + Self.unfolded(line)
            } else {
                fields.append(try Self.field(line))
            }
            guard fields.count <= Self.maximumFields else {
                throw Self.malformed("it has more than \(Self.maximumFields) fields")
            }
        }
        self.fields = fields
        let body = String(Substring(rest))
        description = body.isEmpty ? fields.first { $0.name == "description" }?.value : body
        try check()
    }

    /// The first value of a field; its name in lower case.
    package subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    /// All values of a field, in order; its name in lower case.
    package func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    /// Whether an installer may rely on it for a source distribution: what is built from that needs the same
    /// (PEP 643).
    package var isReliableForSources: Bool {
        guard let version = self["metadata-version"], version != "2.0", version != "2.1", version.hasPrefix("2.") else {
            return false
        }
        let dynamic = Set(all("dynamic").map { $0.lowercased() })
        return dynamic.isDisjoint(with: ["requires-dist", "requires-python", "provides-extra"])
    }

    private static func malformed(_ text: String) -> Problem { .invalid(.content, "Invalid metadata: \(text).") }

    private static func field(_ line: Substring.UTF8View) throws(Problem) -> (name: String, value: String) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
            line[..<colon].allSatisfy({ $0.isAlphanumeric || $0 == UInt8(ascii: "-") })
        else { throw malformed("'\(String(Substring(line.prefix(60))))' is no field") }
        let value = Substring(line[line.index(after: colon)...])
        guard value.unicodeScalars.allSatisfy({ $0 == "\t" || !($0.value < 0x20 || $0.value == 0x7F) }) else {
            throw malformed("a field has control characters")
        }
        return (Substring(line[..<colon]).lowercased(), String(value.trimmingSpaces()))
    }

    /// A continuation line without the indentation that old tools give to descriptions.
    private static func unfolded(_ line: Substring.UTF8View) -> String {
        let indented = line.prefix(8).prefix { $0 == 0x20 || $0 == 0x09 }
        let rest = line[indented.endIndex...]
        return String(Substring(rest.first == UInt8(ascii: "|") ? rest.dropFirst() : rest))
    }

    private func check() throws(Problem) {
        for name in ["metadata-version", "name", "version"] {
            guard let value = self[name], !value.isEmpty else { throw Self.malformed("it has no \(name)") }
        }
        for name in ["metadata-version", "name", "version", "requires-python", "summary"] where all(name).count > 1 {
            throw Self.malformed("it has more than one \(name)")
        }
        let major = self["metadata-version"]?.split(separator: ".", omittingEmptySubsequences: false).first
        guard major == "1" || major == "2" else {
            throw Self.malformed(
                "its Metadata-Version '\(self["metadata-version"]?.prefix(20) ?? "")' is not known here")
        }
    }
}

extension CoreMetadata {
    private static let single = [
        "summary", "description_content_type", "author", "author_email", "maintainer", "maintainer_email", "license",
        "license_expression", "keywords", "home_page", "download_url", "requires_python"
    ]
    private static let multiple = [
        ("classifiers", "classifier"), ("requires_dist", "requires-dist"), ("provides_extra", "provides-extra"),
        ("license_files", "license-file"), ("dynamic", "dynamic"), ("platform", "platform")
    ]

    /// What the JSON interface tells of a release, but for the description, which may be long.
    func info(_ project: ProjectName, _ version: PythonVersion) -> RawJSON {
        var members: [(name: String, value: RawJSON)] = [
            ("name", RawJSON(project.display)), ("version", RawJSON(version.text))
        ]
        for name in Self.single {
            let value = self[name.replacing("_", with: "-")]
            members.append((name, value.map { RawJSON($0) } ?? .null))
        }
        for (name, field) in Self.multiple {
            let values = all(field)
            members.append((name, values.isEmpty ? .null : RawJSON(array: values.map { RawJSON($0) })))
        }
        members.append(("project_urls", projectURLs))
        return RawJSON(object: members)
    }

    /// By label. Only addresses of the web: others could do something where they are clicked.
    private var projectURLs: RawJSON {
        var urls: [(name: String, value: RawJSON)] = []
        var labels: Set<String> = []
        for entry in all("project-url") {
            let halves = entry.split(separator: ",", maxSplits: 1).map { String($0.trimmingSpaces()) }
            guard halves.count == 2, halves[1].hasPrefix("https://") || halves[1].hasPrefix("http://"),
                labels.insert(halves[0]).inserted
            else { continue }
            urls.append((halves[0], RawJSON(halves[1])))
        }
        return urls.isEmpty ? .null : RawJSON(object: urls)
    }
}
