package import GranaryFormat
package import GranaryModel
import HTTPTypes

/// A group and an artifact in it, which together are a package.
package struct Coordinates: Sendable, Hashable {
    package let group: String
    package let artifact: String
    /// `group:artifact`
    package let package: PackageName

    /// Answers nil unless the group is segments joined by dots and the artifact has the characters of one.
    package init?(group: some StringProtocol, artifact: some StringProtocol) {
        let segments = group.split(separator: ".", omittingEmptySubsequences: false)
        guard segments.allSatisfy(isGroupSegment), isArtifactName(artifact),
            let package = PackageName("\(group):\(artifact)")
        else { return nil }
        self.group = String(group)
        self.artifact = String(artifact)
        self.package = package
    }

    /// Of a package that this format has named.
    init?(_ package: PackageName) {
        let halves = package.text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        self.init(group: halves[0], artifact: halves[1])
    }

    /// Of the directory of an artifact; nil where the path cannot be one.
    init?(directory: some Collection<String>) {
        let segments = Array(directory)
        // A dot in a directory would make a second way to the same group.
        guard segments.count >= 2, segments.dropLast().allSatisfy(isGroupSegment) else { return nil }
        self.init(group: segments.dropLast().joined(separator: "."), artifact: segments[segments.count - 1])
    }

    /// The segments below which its versions stand.
    var directory: [String] { group.split(separator: ".").map(String.init) + [artifact] }
}

/// When a snapshot was deployed, and the how many-eth it was.
package struct SnapshotStamp: Sendable, Hashable, Comparable {
    /// `yyyyMMdd.HHmmss`, in UTC.
    package let timestamp: String
    package let buildNumber: Int

    /// `timestamp-buildNumber`
    var text: String { "\(timestamp)-\(buildNumber)" }
    /// `yyyyMMddHHmmss`
    var updated: String { timestamp.filter { $0 != "." } }

    package static func < (left: Self, right: Self) -> Bool {
        (left.timestamp, left.buildNumber) < (right.timestamp, right.buildNumber)
    }
}

/// A file of a version, as its name says: `lib-1.0-sources.jar`.
package struct ArtifactFile: Sendable, Hashable {
    package let coordinates: Coordinates
    /// The directory's: of a snapshot, the base version.
    package let version: VersionName
    /// Nil of releases, and of snapshots that replace each other under one name.
    package let stamp: SnapshotStamp?
    /// Empty for the main artifact.
    package let classifier: String
    /// Without the first dot: `jar`, `tar.gz`, `pom.asc`.
    package let fileExtension: String
    /// Within the package: `1.0/lib-1.0.jar`.
    package let path: FilePath

    /// Answers nil where the segments name no file of an artifact, and where a file would stand in the directory of another
    /// version.
    package init?(_ segments: [String]) {
        guard segments.count >= 4, let coordinates = Coordinates(directory: segments.dropLast(2)),
            let version = VersionName(segments[segments.count - 2]), isVersion(version.text),
            let path = FilePath(segments.suffix(2).joined(separator: "/")),
            var rest = segments[segments.count - 1].utf8[...].dropping("\(coordinates.artifact)-")
        else { return nil }
        var stamp: SnapshotStamp?
        if MavenVersion.isSnapshot(version.text) {
            guard let afterBase = rest.dropping(String(version.text.dropLast("SNAPSHOT".count))) else { return nil }
            rest = afterBase
            if let after = rest.dropping("SNAPSHOT") {
                rest = after
            } else {
                stamp = rest.takeStamp()
                guard stamp != nil else { return nil }
            }
        } else {
            guard let after = rest.dropping(version.text) else { return nil }
            rest = after
        }
        guard let (classifier, fileExtension) = splitTail(String(Substring(rest))) else { return nil }
        self.coordinates = coordinates
        self.version = version
        self.stamp = stamp
        self.classifier = classifier
        self.fileExtension = fileExtension
        self.path = path
    }

    /// Whether its bytes may change under its name.
    var isSnapshot: Bool { MavenVersion.isSnapshot(version.text) }

    /// What follows the artifact in the name: `1.0`, `1.1-20260101.120000-1`.
    var fileVersion: String {
        stamp.map { version.text.dropLast("SNAPSHOT".count) + $0.text } ?? version.text
    }

    /// The main artifact of another extension, beside it.
    func sibling(_ fileExtension: String) -> FilePath? {
        FilePath("\(version)/\(coordinates.artifact)-\(fileVersion).\(fileExtension)")
    }

    var isPOM: Bool { fileExtension == "pom" && classifier.isEmpty }
    var isSignature: Bool { fileExtension.hasSuffix(".asc") }
}

/// A `maven-metadata.xml`.
package enum MetadataAddress: Sendable, Hashable {
    /// Of a version that is a snapshot.
    case snapshot(Coordinates, VersionName)
    /// Of a directory, by its segments: of an artifact, of a group, or of both at once.
    case directory([String])

    static let fileName = "maven-metadata.xml"

    /// Answers nil where no metadata can stand.
    init?(directory: [String]) {
        guard let last = directory.last else { return nil }
        if MavenVersion.isSnapshot(last), let coordinates = Coordinates(directory: directory.dropLast()),
            let version = VersionName(last)
        {
            self = .snapshot(coordinates, version)
        } else if directory.dropLast().allSatisfy(isGroupSegment), isArtifactName(last) {
            self = .directory(directory)
        } else {
            return nil
        }
    }
}

/// What a path below a repository stands for.
package enum MavenPath: Sendable, Hashable {
    case file(ArtifactFile, HashName?)
    case metadata(MetadataAddress, HashName?)
    /// A directory, or nothing.
    case other([String])

    package init(_ segments: [String]) {
        let (plain, hash) = withoutChecksum(segments)
        // There are no checksums of checksums.
        let isPlain = hash == nil || withoutChecksum(plain).hash == nil
        if plain.last == MetadataAddress.fileName, let address = MetadataAddress(directory: Array(plain.dropLast())) {
            self = .metadata(address, hash)
        } else if isPlain, let file = ArtifactFile(plain) {
            self = .file(file, hash)
        } else {
            self = .other(segments)
        }
    }
}

/// The file whose checksum is at an address, and which; the address itself where it is of no checksum.
private func withoutChecksum(_ segments: [String]) -> (file: [String], hash: HashName?) {
    guard let name = segments.last, let hash = HashName.allCases.first(where: { name.hasSuffix(".\($0.rawValue)") })
    else { return (segments, nil) }
    return (Array(segments.dropLast()) + [String(name.dropLast(hash.rawValue.utf8.count + 1))], hash)
}

// MARK: - Requests

extension Maven {
    package func parse(_ head: RequestHead) throws(Problem) -> Operation<Call> {
        let path = try RequestPath(head.path)
        switch head.method {
        case .get, .head: return parseRead(path)
        case .put: return try parseWrite(path, head)
        case .delete: return try parseDelete(path)
        default: throw .unsupported("\(head.method.rawValue) is not offered here")
        }
    }

    private func parseRead(_ path: RequestPath) -> Operation<Call> {
        // Which packages may be listed is for the index to decide.
        guard !path.isDirectory else { return Operation("directory.list", .rights(.read, nil), .list(path.segments)) }
        switch MavenPath(path.segments) {
        case .file(let file, let hash):
            return Operation("file.get", .rights(.read, file.coordinates.package), .read(file, hash))
        case .metadata(let address, let hash):
            return Operation("metadata.get", .rights(.read, address.package), .readMetadata(address, hash))
        case .other(let segments):
            let (plain, hash) = withoutChecksum(segments)
            if let file = StrayFile(plain) {
                return Operation("file.get", .rights(.read, file.coordinates.package), .readStray(file, hash))
            }
            return Operation("directory.find", .rights(.read, nil), .find(segments))
        }
    }

    private func parseWrite(_ path: RequestPath, _ head: RequestHead) throws(Problem) -> Operation<Call> {
        guard head.headers[.contentRange] == nil else {
            throw .invalid(.content, "Content-Range is not taken: a piece cannot stand for the whole file")
        }
        guard ["", "identity"].contains((head.headers[.contentEncoding] ?? "").lowercased()) else {
            throw .invalid(.content, "files are stored as they are sent: Content-Encoding must be identity")
        }
        switch path.isDirectory ? .other(path.segments) : MavenPath(path.segments) {
        case .file(let file, nil):
            return Operation("file.put", .rights(.write, file.coordinates.package), .write(file))
        case .file(let file, let hash?):
            return Operation("checksum.put", .rights(.write, file.coordinates.package), .compare(file, hash))
        case .metadata(let address, let hash):
            // Whoever deploys a plugin writes the metadata of its group, too.
            return Operation("metadata.put", .rights(.write, address.package), .ignoreMetadata(address, hash))
        case .other:
            throw .invalid(
                .path, "a file is deployed to group/artifact/version/artifact-version[-classifier].extension")
        }
    }

    private func parseDelete(_ path: RequestPath) throws(Problem) -> Operation<Call> {
        let target = path.isDirectory ? .other(path.segments) : MavenPath(path.segments)
        if case .file(let file, nil) = target {
            return Operation(
                "file.delete", .rights(.delete, file.coordinates.package),
                .delete(.file(file.coordinates.package, file.path)))
        }
        guard case .other(let segments) = target, let last = segments.last, isVersion(last),
            let version = VersionName(last), let coordinates = Coordinates(directory: segments.dropLast())
        else { throw .invalid(.path, "what is deleted is a file, or a version: group/artifact/version") }
        return Operation(
            "version.delete", .rights(.delete, coordinates.package), .delete(.version(coordinates.package, version)))
    }
}

extension MetadataAddress {
    /// The package it is of; nil where it may be of many.
    var package: PackageName? {
        guard case .snapshot(let coordinates, _) = self else { return nil }
        return coordinates.package
    }
}

// MARK: - Names

private func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
    default: false
    }
}

/// A directory of a group's path.
func isGroupSegment(_ text: some StringProtocol) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isWordByte) }

func isArtifactName(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text != "." && text != ".." && text.utf8.allSatisfy { isWordByte($0) || $0 == UInt8(ascii: ".") }
}

/// A version that may be a directory: a deployed snapshot is a file below its base version.
func isVersion(_ text: String) -> Bool {
    guard !text.isEmpty, text != ".", text != "..",
        !text.unicodeScalars.contains(where: { $0.isControl || #"\/:"<>|?*"#.unicodeScalars.contains($0) })
    else { return false }
    let bytes = text.utf8
    for index in bytes.indices where bytes[index] == UInt8(ascii: "-") {
        var rest = bytes[bytes.index(after: index)...]
        if rest.takeStamp() != nil, rest.isEmpty { return false }
    }
    return true
}

/// What may follow a version in the name of a file: `.jar`, `-sources.jar`, `-src.tar.gz`, `.jar.asc`.
private func splitTail(_ tail: String) -> (classifier: String, fileExtension: String)? {
    let rest = tail.dropFirst()
    if tail.first == "." {
        let parts = rest.split(separator: ".", omittingEmptySubsequences: false)
        // `.1.jar` would go on with the version: the file belongs into another directory.
        let goesOn = parts.count > 1 && parts[0].first?.isNumber == true
        return parts.contains("") || goesOn ? nil : ("", String(rest))
    }
    guard tail.first == "-" else { return nil }
    var parts = rest.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count > 1, !parts.contains("") else { return nil }
    var ending = [parts.removeLast()]
    while parts.count > 1, belongsToExtension(parts[parts.count - 1], before: ending[0]) {
        ending.insert(parts.removeLast(), at: 0)
    }
    return (parts.joined(separator: "."), ending.joined(separator: "."))
}

/// Whether the last part but one is of the extension, too: `tar.gz`, `jar.asc`.
private func belongsToExtension(_ part: Substring, before last: Substring) -> Bool {
    switch last {
    case "gz", "bz2", "xz", "zst", "lzma", "Z": ["tar", "cpio", "json", "xml"].contains(part)
    case "asc", "sigstore": true
    case "json": ["sigstore", "spdx", "cyclonedx"].contains(part)
    case "tar", "cpio": false
    default: part == "sigstore"
    }
}

extension Substring.UTF8View {
    /// What follows `prefix`; nil where it is not there. Text is compared by bytes, as addresses are.
    func dropping(_ prefix: String) -> Self? {
        starts(with: prefix.utf8) ? dropFirst(prefix.utf8.count) : nil
    }

    /// Takes `yyyyMMdd.HHmmss-buildNumber`, with a number of at most nine digits; leaves all where that is not there.
    mutating func takeStamp() -> SnapshotStamp? {
        let date = prefix(while: isDigit)
        var rest = dropFirst(date.count)
        guard date.count == 8, rest.popFirst() == UInt8(ascii: ".") else { return nil }
        let time = rest.prefix(while: isDigit)
        rest = rest.dropFirst(time.count)
        guard time.count == 6, rest.popFirst() == UInt8(ascii: "-") else { return nil }
        let build = rest.prefix(while: isDigit)
        guard (1...9).contains(build.count), let number = Int(String(Substring(build))) else { return nil }
        // One with zeros before it would be another name for the same build.
        guard String(number).utf8.count == build.count else { return nil }
        self = rest.dropFirst(build.count)
        return SnapshotStamp(timestamp: "\(Substring(date)).\(Substring(time))", buildNumber: number)
    }
}

private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
