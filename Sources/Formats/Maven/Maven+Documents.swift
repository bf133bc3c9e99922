import GranaryArchive
package import GranaryFormat
import GranaryModel

/// What a POM says of the artifact it describes ("POM Reference", section "Maven Coordinates").
package struct POM: Sendable, Equatable {
    package static let maximumBytes = 5 << 20

    /// Its own, else its parent's.
    package let groupID: String
    package let artifactID: String
    package let version: String
    package let packaging: String
    package let name: String?

    /// Throws `.invalid(.content, …)` for what is no POM.
    package init(_ bytes: [UInt8]) throws(Problem) {
        let project = try MavenElement(document: bytes)
        guard project.name == "project" else { throw .invalid(.content, "a POM is a <project>, not <\(project.name)>") }
        let parent = project["parent"]
        groupID = try Self.required("groupId", project.text("groupId") ?? parent?.text("groupId"))
        artifactID = try Self.required("artifactId", project.text("artifactId"))
        version = try Self.required("version", project.text("version") ?? parent?.text("version"))
        packaging = project.text("packaging") ?? "jar"
        name = project.text("name")
    }

    private static func required(_ element: String, _ text: String?) throws(Problem) -> String {
        guard let text else { throw .invalid(.content, "the POM has no <\(element)>, and no parent that has one") }
        return text
    }

    var isPlugin: Bool { packaging == "maven-plugin" }

    /// Throws `.invalid(.content, …)` where it describes something else than its address says. What has a property in it is
    /// taken: its value may come from where nobody here can see.
    package func check(at file: ArtifactFile) throws(Problem) {
        try check("groupId", groupID, [file.coordinates.group])
        try check("artifactId", artifactID, [file.coordinates.artifact])
        try check("version", version, [file.version.text, file.fileVersion])
    }

    private func check(_ element: String, _ text: String, _ expected: [String]) throws(Problem) {
        guard !expected.contains(text), !text.contains("${") else { return }
        throw .invalid(.content, "the POM's <\(element)> is '\(text)' where its address says '\(expected[0])'")
    }
}

/// What a plugin's JAR says of it.
package struct PluginDescriptor: Sendable, Equatable {
    static let maximumBytes = 4 << 20
    private static let entry = "META-INF/maven/plugin.xml"

    package let name: String?
    package let goalPrefix: String?

    /// Answers nil for what is no descriptor.
    package init?(_ bytes: [UInt8]) {
        guard let plugin = try? MavenElement(document: bytes), plugin.name == "plugin" else { return nil }
        name = plugin.text("name")
        goalPrefix = plugin.text("goalPrefix")
    }

    /// Of a JAR; nil where there is none in it, and where it cannot be read: that is no reason to refuse it.
    init?(in jar: StoredBytes) {
        var found: [UInt8]?
        let reader = ArchiveReader(.zip, size: jar.size.bytes, read: jar.read)
        try? reader.entries { entry in
            guard entry.path == Self.entry, entry.kind == .file else { return true }
            found = try entry.contents(upTo: Self.maximumBytes)
            return false
        }
        guard let found else { return nil }
        self.init(found)
    }

    /// The prefix of a plugin that has not said one, as Maven derives it.
    static func prefix(of artifact: String) -> String {
        guard artifact != "maven-plugin-plugin" else { return "plugin" }
        var words = artifact.split(separator: "-")
        words.removeAll { $0 == "maven" || $0 == "plugin" }
        return words.isEmpty ? artifact : words.joined(separator: "-")
    }
}

/// The value of a `maven-metadata.xml`: of an artifact, a snapshot, a group, or an artifact and a group at once ("Repository
/// Metadata").
package struct Metadata: Sendable, Equatable {
    package static let maximumBytes = 4 << 20
    /// Of the name of a version: as long as a directory's may be.
    package static let maximumVersionBytes = RequestPath.maximumSegmentBytes

    /// A plugin of a group.
    package struct Plugin: Sendable, Hashable {
        package let name: String?
        package let prefix: String
        package let artifactID: String
    }

    /// The newest file of its kind of a snapshot.
    package struct SnapshotVersion: Sendable, Hashable {
        package let classifier: String
        package let fileExtension: String
        package let value: String
        /// `yyyyMMddHHmmss`
        package let updated: String
    }

    package var groupID: String?
    package var artifactID: String?
    /// Of a snapshot.
    package var version: String?
    /// In Maven's order.
    package var versions: [String] = []
    package var snapshot: SnapshotStamp?
    package var snapshotVersions: [SnapshotVersion] = []
    /// `yyyyMMddHHmmss`
    package var lastUpdated: String?
    /// By artifact.
    package var plugins: [Plugin] = []

    package var latest: String? { versions.last }
    package var release: String? { versions.last { !MavenVersion.isSnapshot($0) } }

    package init() {}

    /// The versions once each and in Maven's order, the last the newest.
    static func ordered(_ versions: some Sequence<String>) -> [String] {
        Set(versions).map(MavenVersion.init).sorted { $0.isListed(before: $1) }.map(\.text)
    }

    /// What two documents of the same address say together.
    package func merged(with other: Metadata) -> Metadata {
        var merged = self
        merged.groupID = groupID ?? other.groupID
        merged.artifactID = artifactID ?? other.artifactID
        merged.version = version ?? other.version
        merged.versions = Self.ordered(versions + other.versions)
        merged.snapshot = [snapshot, other.snapshot].compactMap(\.self).max()
        merged.lastUpdated = [lastUpdated, other.lastUpdated].compactMap(\.self).max()
        merged.snapshotVersions = Self.newest(snapshotVersions + other.snapshotVersions)
        merged.plugins = Self.ordered(plugins + other.plugins)
        return merged
    }

    /// The newest of each kind, the main artifacts first.
    static func newest(_ versions: [SnapshotVersion]) -> [SnapshotVersion] {
        let kinds = Dictionary(grouping: versions) { [$0.classifier, $0.fileExtension] }
        let newest = kinds.values.compactMap { kind in
            kind.max { MavenVersion($0.value).isListed(before: MavenVersion($1.value)) }
        }
        return newest.sorted { ($0.classifier, $0.fileExtension) < ($1.classifier, $1.fileExtension) }
    }

    private static func ordered(_ plugins: [Plugin]) -> [Plugin] {
        var seen: Set<[String]> = []
        return plugins.filter { seen.insert([$0.artifactID, $0.prefix]).inserted }
            .sorted { ($0.artifactID, $0.prefix) < ($1.artifactID, $1.prefix) }
    }
}

extension Metadata {
    /// Decodes a document. Throws `.invalid(.content, …)` for what is no metadata.
    package init(_ bytes: [UInt8]) throws(Problem) {
        let root = try MavenElement(document: bytes)
        guard root.name == "metadata" else { throw .invalid(.content, "metadata is <metadata>, not <\(root.name)>") }
        groupID = root.text("groupId")
        artifactID = root.text("artifactId")
        version = root.text("version")
        let versioning = root["versioning"]
        lastUpdated = versioning?.text("lastUpdated")
        let names = (versioning?["versions"]?.all("version") ?? []).map(\.text).filter { !$0.isEmpty }
        try Self.checkVersions(names)
        versions = Self.ordered(names)
        if let snapshot = versioning?["snapshot"], let timestamp = snapshot.text("timestamp"),
            let number = snapshot.text("buildNumber").flatMap({ Int($0) })
        {
            self.snapshot = SnapshotStamp(timestamp: timestamp, buildNumber: number)
        }
        snapshotVersions = (versioning?["snapshotVersions"]?.all("snapshotVersion") ?? []).compactMap { element in
            guard let fileExtension = element.text("extension"), let value = element.text("value") else { return nil }
            return SnapshotVersion(
                classifier: element.text("classifier") ?? "", fileExtension: fileExtension, value: value,
                updated: element.text("updated") ?? "")
        }
        try Self.checkVersions(snapshotVersions.map(\.value))
        plugins = (root["plugins"]?.all("plugin") ?? []).compactMap { element in
            guard let prefix = element.text("prefix"), let artifact = element.text("artifactId") else { return nil }
            return Plugin(name: element.text("name"), prefix: prefix, artifactID: artifact)
        }
    }

    /// What is ordered is a tree as deep as a version has dashes, so it may not have any number of them.
    private static func checkVersions(_ texts: [String]) throws(Problem) {
        guard texts.allSatisfy({ $0.utf8.count <= maximumVersionBytes }) else {
            throw .invalid(.content, "a version is at most \(maximumVersionBytes) bytes")
        }
    }

    /// Throws `.invalid(.content, …)` where it is of something else than its address says.
    package func check(at address: MetadataAddress) throws(Problem) {
        let isRight: Bool
        switch address {
        case .snapshot(let coordinates, let expected):
            isRight =
                [nil, coordinates.group].contains(groupID) && [nil, coordinates.artifact].contains(artifactID)
                && [nil, expected.text].contains(version)
        case .directory(let segments):
            let coordinates = Coordinates(directory: segments)
            // Some clients name the group in its own metadata.
            let isGroup = artifactID == nil && [nil, segments.joined(separator: ".")].contains(groupID)
            isRight = isGroup || (groupID == coordinates?.group && artifactID == coordinates?.artifact)
        }
        guard isRight else { throw .invalid(.content, "the metadata is of something else than its address says") }
    }

    /// The document. The same value is always written in the same bytes.
    package var text: String {
        var writer = XMLWriter()
        writer.add("groupId", groupID)
        writer.add("artifactId", artifactID)
        writer.add("version", version)
        if lastUpdated != nil || !versions.isEmpty { writer.nest("versioning", writeVersioning) }
        writer.list("plugins", plugins) { writer, plugin in
            writer.nest("plugin") { writer in
                writer.add("name", plugin.name)
                writer.add("prefix", plugin.prefix)
                writer.add("artifactId", plugin.artifactID)
            }
        }
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <metadata modelVersion="1.1.0">
            \(writer.text)</metadata>

            """
    }

    private func writeVersioning(_ writer: inout XMLWriter) {
        writer.add("latest", latest)
        writer.add("release", release)
        if let snapshot {
            writer.nest("snapshot") { writer in
                writer.add("timestamp", snapshot.timestamp)
                writer.add("buildNumber", String(snapshot.buildNumber))
            }
        }
        writer.list("versions", versions) { writer, version in writer.add("version", version) }
        writer.add("lastUpdated", lastUpdated)
        writer.list("snapshotVersions", snapshotVersions) { writer, version in
            writer.nest("snapshotVersion") { writer in
                writer.add("classifier", version.classifier.isEmpty ? nil : version.classifier)
                writer.add("extension", version.fileExtension)
                writer.add("value", version.value)
                writer.add("updated", version.updated)
            }
        }
    }
}

/// Writes elements, each on its lines.
private struct XMLWriter {
    private(set) var text = ""
    private var depth = 1

    private var indentation: String { String(repeating: "  ", count: depth) }

    mutating func add(_ name: String, _ content: String?) {
        guard let content else { return }
        text += "\(indentation)<\(name)>\(escapedMarkup(content))</\(name)>\n"
    }

    mutating func nest(_ name: String, _ body: (inout XMLWriter) -> Void) {
        text += "\(indentation)<\(name)>\n"
        depth += 1
        body(&self)
        depth -= 1
        text += "\(indentation)</\(name)>\n"
    }

    /// Nothing, where there is nothing to list.
    mutating func list<Item>(_ name: String, _ items: [Item], _ body: (inout XMLWriter, Item) -> Void) {
        guard !items.isEmpty else { return }
        nest(name) { writer in
            for item in items { body(&writer, item) }
        }
    }
}
