import GranaryFormat
package import GranaryModel

/// A chart's name and version, which make the name of its file.
package struct ChartID: Sendable, Hashable, CustomStringConvertible {
    static let maximumNameBytes = 128
    /// So that a version fits the tag of an image.
    static let maximumVersionBytes = 128
    static let suffix = ".tgz"
    static let provenanceSuffix = ".tgz.prov"

    package let package: PackageName
    /// By Semantic Versioning, as it was written.
    package let version: VersionName
    package let number: SemanticVersion
    /// Where its archive and the provenance of that stand.
    package let archive: FilePath
    package let provenance: FilePath

    /// Throws `.invalid` for a name or a version that no chart may have, and for the two together where the name of the file could
    /// be read as that of another chart.
    init(name: String, version: String) throws(Problem) {
        guard Self.isName(name), let package = PackageName(name) else {
            throw .invalid(
                .name,
                "the name of a chart is 1 to \(Self.maximumNameBytes) ASCII letters, digits, '-', '_' and '.', and begins with "
                    + "a letter or digit, unlike '\(name.prefix(100))'")
        }
        guard version.utf8.count <= Self.maximumVersionBytes, let number = SemanticVersion(version),
            let versionName = VersionName(version), let archive = FilePath("\(name)-\(version)\(Self.suffix)"),
            let provenance = FilePath("\(name)-\(version)\(Self.provenanceSuffix)")
        else {
            throw .invalid(
                .version,
                "the version of a chart is by SemVer 2 (1.2.3, 1.2.3-rc.1, 1.2.3+build) and has at most "
                    + "\(Self.maximumVersionBytes) bytes, unlike '\(version.prefix(100))'")
        }
        guard Self.nameEnd(in: "\(name)-\(version)") == name.utf8.count else {
            throw .invalid(.name, "the name '\(name)' has a version in it, so that its file could be another chart's")
        }
        self.package = package
        self.version = versionName
        self.number = number
        self.archive = archive
        self.provenance = provenance
    }

    /// A chart of somebody else's repository, of whose versions Helm reads more than are taken here: `v1.2.3`, `1.2`. Nil for what
    /// no chart may have at all.
    init?(listed name: String, _ version: String) {
        guard Self.isName(name), let package = PackageName(name), version.utf8.count <= Self.maximumVersionBytes,
            let number = Self.number(version), let versionName = VersionName(version),
            let archive = FilePath("\(name)-\(version)\(Self.suffix)"),
            let provenance = FilePath("\(name)-\(version)\(Self.provenanceSuffix)")
        else { return nil }
        self.package = package
        self.version = versionName
        self.number = number
        self.archive = archive
        self.provenance = provenance
    }

    /// What a version counts as: without the `v` before it, and with zeros for what it leaves out.
    private static func number(_ version: String) -> SemanticVersion? {
        if let number = SemanticVersion(version) { return number }
        let text = version.hasPrefix("v") ? version.dropFirst() : version[...]
        let core = text.prefix { $0 != "-" && $0 != "+" }
        let missing = 3 - core.split(separator: ".", omittingEmptySubsequences: false).count
        guard (0...2).contains(missing) else { return nil }
        return SemanticVersion(core + String(repeating: ".0", count: missing) + text.dropFirst(core.count))
    }

    /// Whether name and version can be told from the name of the file alone.
    private var isPlain: Bool { ChartID(stem: String(archive.text.dropLast(Self.suffix.count))) == self }

    /// Where the archive stands in a repository. One whose name does not tell what it is of stands in a folder that does.
    var address: String { isPlain ? "charts/\(archive)" : "charts/\(package)/\(archive)" }

    /// From the name of a file without its extension: the name of the chart ends before the first hyphen that a version follows.
    /// Answers nil where there is none.
    init?(stem: String) {
        guard let count = Self.nameEnd(in: stem) else { return nil }
        let name = String(decoding: stem.utf8.prefix(count), as: UTF8.self)
        let version = String(decoding: stem.utf8.dropFirst(count + 1), as: UTF8.self)
        guard let chart = try? ChartID(name: name, version: version) else { return nil }
        self = chart
    }

    package var description: String { "\(package) \(version)" }

    private static func nameEnd(in stem: String) -> Int? {
        guard stem.utf8.count <= maximumNameBytes + 1 + maximumVersionBytes else { return nil }
        var count = 0
        for byte in stem.utf8 {
            // Versions begin with a digit, which spares most hyphens a closer look.
            let rest = stem.utf8.dropFirst(count + 1)
            if byte == UInt8(ascii: "-"), count > 0, rest.first.map({ (0x30...0x39).contains($0) }) == true,
                SemanticVersion(String(decoding: rest, as: UTF8.self)) != nil
            {
                return count
            }
            count += 1
        }
        return nil
    }

    private static func isName(_ text: String) -> Bool {
        guard (1...maximumNameBytes).contains(text.utf8.count), text.utf8.first?.isAlphanumeric == true else {
            return false
        }
        return text.utf8.allSatisfy { $0.isAlphanumeric || "-_.".utf8.contains($0) }
    }
}

extension UInt8 {
    /// Of ASCII.
    var isAlphanumeric: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}

/// What `Chart.yaml` says of a chart.
struct ChartMetadata: Sendable {
    let chart: ChartID
    /// An object with what an index may carry, of the types its readers want: one member that is unknown or of another type makes
    /// a whole index unreadable to them.
    let json: RawJSON

    /// The shape of a member.
    private enum Shape { case text, texts, flag, texted, people, dependencies }

    private static let shapes: [(name: String, shape: Shape)] = [
        ("name", .text), ("version", .text), ("appVersion", .text), ("description", .text), ("type", .text),
        ("kubeVersion", .text), ("home", .text), ("icon", .text), ("sources", .texts), ("keywords", .texts),
        ("maintainers", .people), ("dependencies", .dependencies), ("condition", .text), ("tags", .text),
        ("deprecated", .flag), ("annotations", .texted)
    ]
    private static let person: [(name: String, shape: Shape)] = [("name", .text), ("email", .text), ("url", .text)]
    private static let dependency: [(name: String, shape: Shape)] = [
        ("name", .text), ("version", .text), ("repository", .text), ("condition", .text), ("tags", .texts),
        ("enabled", .flag), ("alias", .text)
    ]

    /// Throws `.invalid` for what `YAMLValue` refuses, for a name or version that no chart may have, and for members that readers
    /// of an index could not make sense of. Members that no reader knows are dropped.
    init(_ bytes: some Collection<UInt8>) throws(Problem) {
        let value = try YAMLValue(bytes, "Chart.yaml")
        guard let members = value.members else { throw Self.refusal("is no map") }
        try Self.checkSpelling(members)
        guard let name = value["name"], name.isText, let version = value["version"], version.isText else {
            throw Self.refusal(
                "has no 'name' or no 'version' that is a text; one that looks like a number needs quotes")
        }
        chart = try ChartID(name: name.text ?? "", version: version.text ?? "")
        let api = value["apiVersion"]?.text ?? ""
        // What has none is of the time before there were two.
        guard ["", "v1", "v2", "v3"].contains(api) else {
            throw Self.refusal("has the 'apiVersion' '\(api.prefix(40))', which nobody knows")
        }
        guard ["", "application", "library"].contains(value["type"]?.text ?? "") else {
            throw Self.refusal("has a 'type' that is neither 'application' nor 'library'")
        }
        let rest = try Self.object(value, Self.shapes, "")
        json = RawJSON(object: [("apiVersion", RawJSON(api.isEmpty ? "v1" : api))] + rest)
    }

    /// What somebody else's index has of a chart. Nil for what is of no chart that Helm would show; other members that readers could
    /// not make sense of are dropped.
    init?(listed entry: YAMLValue, as name: String) {
        let api = entry["apiVersion"]?.text ?? ""
        guard let listed = entry["name"], listed.isText, listed.text == name, let version = entry["version"],
            version.isText, let chart = ChartID(listed: name, version.text ?? ""),
            ["", "v1", "v2", "v3"].contains(api),
            ["", "application", "library"].contains(entry["type"]?.text ?? "")
        else { return nil }
        self.chart = chart
        var members: [(name: String, value: RawJSON)] = [("apiVersion", RawJSON(api.isEmpty ? "v1" : api))]
        for (name, shape) in Self.shapes {
            guard let member = entry[name], !member.isNull, let value = try? Self.json(of: member, shape, name) else {
                continue
            }
            members.append((name, value))
        }
        json = RawJSON(object: members)
    }

    private static func refusal(_ text: String) -> Problem { .invalid(.content, "Chart.yaml \(text)") }

    /// Readers take `Version`, too, and of both they take either.
    private static func checkSpelling(_ members: [YAMLValue.Member]) throws(Problem) {
        let names = ["apiVersion"] + shapes.map(\.name)
        let known = Dictionary(uniqueKeysWithValues: names.map { ($0.lowercased(), $0) })
        for key in members.map(\.key) {
            if let name = known[key.uppercased().lowercased()], name != key {
                throw refusal("has the key '\(key)', which is spelled '\(name)'")
            }
        }
    }

    private static func object(
        _ value: YAMLValue, _ shapes: [(name: String, shape: Shape)], _ path: String
    ) throws(Problem) -> [(name: String, value: RawJSON)] {
        var members: [(name: String, value: RawJSON)] = []
        for (name, shape) in shapes {
            guard let member = value[name], !member.isNull else { continue }
            members.append((name, try json(of: member, shape, path + name)))
        }
        return members
    }

    private static func json(of value: YAMLValue, _ shape: Shape, _ path: String) throws(Problem) -> RawJSON {
        switch shape {
        case .text:
            guard let text = value.text else { throw refusal("has no text at '\(path)'") }
            return RawJSON(text.cleaned)
        case .flag:
            guard let flag = value.boolean else { throw refusal("has neither true nor false at '\(path)'") }
            return RawJSON(flag)
        case .texts:
            var texts: [RawJSON] = []
            for element in try elements(value, path) where !element.isNull {
                texts.append(try json(of: element, .text, path))
            }
            return RawJSON(array: texts)
        case .texted:
            guard let members = value.members else { throw refusal("has no map at '\(path)'") }
            var texts: [(name: String, value: RawJSON)] = []
            for member in members where !member.value.isNull {
                texts.append((member.key, try json(of: member.value, .text, path)))
            }
            return RawJSON(object: texts)
        case .people:
            var people: [RawJSON] = []
            for element in try elements(value, path) {
                guard element.members != nil else { throw refusal("has something else than maps at '\(path)'") }
                people.append(RawJSON(object: try object(element, person, "\(path).")))
            }
            return RawJSON(array: people)
        case .dependencies:
            return try dependencies(value, path)
        }
    }

    private static func dependencies(_ value: YAMLValue, _ path: String) throws(Problem) -> RawJSON {
        var names: Set<String> = []
        var list: [RawJSON] = []
        for element in try elements(value, path) {
            guard element.members != nil else { throw refusal("has something else than maps at '\(path)'") }
            var members = try object(element, dependency, "\(path).")
            let name = members.first { $0.name == "alias" }?.value ?? members.first { $0.name == "name" }?.value
            guard let name = name?.string, names.insert(name).inserted else {
                throw refusal("has a dependency without a name, or two of the same name and alias")
            }
            if let values = element["import-values"], !values.isNull {
                members.append(("import-values", RawJSON(values)))
            }
            list.append(RawJSON(object: members))
        }
        return RawJSON(array: list)
    }

    private static func elements(_ value: YAMLValue, _ path: String) throws(Problem) -> [YAMLValue] {
        guard let elements = value.elements else { throw refusal("has no list at '\(path)'") }
        return elements
    }
}

extension String {
    /// Without what no YAML document may have in it as it is: readers take a JSON index for one.
    fileprivate var cleaned: String {
        guard unicodeScalars.contains(where: \.isForbiddenInYAML) else { return self }
        var kept = String.UnicodeScalarView()
        kept.append(contentsOf: unicodeScalars.filter { !$0.isForbiddenInYAML })
        return String(kept)
    }
}

extension RawJSON {
    /// What a chart says about values to import, for which nobody has a schema.
    fileprivate init(_ value: YAMLValue) {
        switch value {
        case .scalar(let text, _):
            self = value.isNull ? .null : value.boolean.map { RawJSON($0) } ?? RawJSON(text.cleaned)
        case .list(let elements): self.init(array: elements.map { RawJSON($0) })
        case .map(let members): self.init(object: members.map { ($0.key, RawJSON($0.value)) })
        }
    }
}
