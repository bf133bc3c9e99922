package import GranaryFormat
package import GranaryModel
package import HTTPTypes

/// A path of slash-separated segments below the repository under which files stand.
package struct Directory: Sendable, Hashable {
    package let segments: [String]
    /// The package that the directory is.
    package let package: PackageName

    /// Throws `.invalid(.path, …)` when the whole is over the limit of a path.
    package init(_ segments: [String]) throws(Problem) {
        guard let package = PackageName(segments.isEmpty ? "/" : segments.joined(separator: "/")) else {
            throw .invalid(.path, "a path is at most \(RequestPath.maximumBytes) bytes")
        }
        self.segments = segments
        self.package = package
    }

    /// As selections and packages call it: `/`, or the path without slashes at its ends.
    package var text: String { package.text }
    /// As it follows the repository's address, percent-encoded; empty, or with a slash at the end.
    package var encodedPath: String { segments.map { percentEncoded($0) + "/" }.joined() }
    /// As people read it: with a slash at both ends.
    package var displayPath: String { segments.isEmpty ? "/" : "/\(text)/" }
}

/// Where one file stands.
package struct FileAddress: Sendable, Hashable {
    package let directory: Directory
    /// Of the one file of the version, within the package.
    package let path: FilePath
    package let version: VersionName

    /// Throws `.invalid(.path, …)` for a reserved or missing name and for paths over the limit.
    package init(_ segments: [String]) throws(Problem) {
        let bytes = segments.reduce(segments.count - 1) { $0 + $1.utf8.count }
        guard let name = segments.last, bytes <= RequestPath.maximumBytes,
            let path = FilePath(name), let version = VersionName(name)
        else { throw .invalid(.path, "the path of a file is 1 to \(RequestPath.maximumBytes) bytes") }
        guard !Self.isReserved(segments[0]) else { throw .invalid(.path, "'\(segments[0])/' is reserved") }
        self.directory = try Directory(segments.dropLast())
        self.path = path
        self.version = version
    }

    /// The package of the directory.
    package var package: PackageName { directory.package }
    package var name: String { path.text }
    package var segments: [String] { directory.segments + [name] }
    /// As people read it: `/a/b.bin`.
    package var text: String { "/" + segments.joined(separator: "/") }
    /// As it follows the repository's address, percent-encoded.
    package var encodedPath: String { directory.encodedPath + percentEncoded(name) }

    /// Where files would stand in place of its directories, from the root down.
    package var ancestors: [FileAddress] {
        directory.segments.indices.compactMap { try? FileAddress(Array(directory.segments[...$0])) }
    }
    /// The directory that would stand in its own place, as selections call it.
    package var treePath: String { segments.joined(separator: "/") }

    private static func isReserved(_ segment: String) -> Bool {
        segment == Generic.uploadsSegment || segment == ".granary"
    }
}

/// What follows the repository's address: decoded segments, and the matrix parameters found along them.
package struct ParameterizedPath: Sendable, Hashable {
    package let segments: [String]
    /// Whether it ends with a slash, or is empty.
    package let isDirectory: Bool
    package let parameters: [PropertyParameter]

    /// Splits segments at raw semicolons before it decodes them, so that an encoded one is part of a name.
    ///
    /// A first segment of parameters only (`;a=1/x`) is no segment. Throws `.invalid(.path, …)` where `RequestPath`
    /// does, and `.invalid(.query, …)` for malformed parameters.
    package init(_ raw: String) throws(Problem) {
        var names: [String] = []
        var parameters: [PropertyParameter] = []
        for piece in raw.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            let parts = piece.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
            names.append(parts.first.map { String(Substring($0)) } ?? "")
            for part in parts.dropFirst() where !part.isEmpty {
                parameters.append(try PropertyParameter(encoded: part))
                guard parameters.count <= Property.maximumCount else { throw PropertyParameter.tooMany }
            }
        }
        if names.count > 1, names[0].isEmpty, raw.hasPrefix(";") { names.removeFirst() }
        let path = try RequestPath(names.joined(separator: "/"))
        self.segments = path.segments
        self.isDirectory = path.isDirectory
        self.parameters = parameters
    }
}

extension Generic {
    /// The first segment of the addresses of upload sessions; no file stands below it.
    package static let uploadsSegment = ".uploads"

    package func parse(_ head: RequestHead) throws(Problem) -> Operation<Call> {
        if head.method == .options { return Operation("options", .none, .options) }
        let path = try ParameterizedPath(head.path)
        if path.segments.first == Self.uploadsSegment { return try parseSession(path, head) }
        switch head.method {
        case .get, .head: return try parseRead(path, head)
        case .put: return try parseWrite(path, head)
        case .delete: return try parseDelete(path, head)
        case .post: return try parseCreation(path, head)
        default: throw .unsupported("\(head.method.rawValue) is not offered for files")
        }
    }

    private func parseRead(_ path: ParameterizedPath, _ head: RequestHead) throws(Problem) -> Operation<Call> {
        guard !path.isDirectory else {
            // Which packages may be listed is for `index` to decide: a directory can be all of folders the caller may
            // read although it may not read the files beside them.
            let directory = try Directory(path.segments)
            return Operation("directory.list", .rights(.read, nil), .list(directory, try ListingRequest(head)))
        }
        let address = try FileAddress(path.segments)
        let requirement = Requirement.rights(.read, address.package)
        if let keys = head.query["properties"] {
            return Operation("properties.get", requirement, .readProperties(address, keys: propertyKeys(keys)))
        }
        let asSum = head.query["format"] == "sum"
        return Operation("file.get", requirement, .read(address, matching: path.parameters, asSum: asSum))
    }

    private func parseWrite(_ path: ParameterizedPath, _ head: RequestHead) throws(Problem) -> Operation<Call> {
        guard !path.isDirectory else {
            throw .invalid(.path, "the path of a file does not end with a slash; directories come with their files")
        }
        let address = try FileAddress(path.segments)
        if let text = head.query["properties"] {
            let call = Call.setProperties(address, try parseProperties(text))
            return Operation("properties.put", .rights([.read, .write], address.package), call)
        }
        let requirement = Requirement.rights(.write, address.package)
        guard head.headers[.contentRange] == nil else {
            throw .invalid(.content, "Content-Range is not taken: a piece cannot stand for the whole file")
        }
        guard ["", "identity"].contains(head.headers[.contentEncoding, default: ""].lowercased()) else {
            let detail = "files are stored as they are sent: Content-Encoding must be identity"
            return Operation("file.put", requirement, .refuseMedia(detail))
        }
        return Operation("file.put", requirement, .write(address, try WriteRequest(head, path.parameters)))
    }

    private func parseDelete(_ path: ParameterizedPath, _ head: RequestHead) throws(Problem) -> Operation<Call> {
        // Read as a filter on GET and as an assignment on PUT, parameters would be a guess here.
        guard path.parameters.isEmpty else { throw .invalid(.path, "DELETE takes no matrix parameters") }
        let conditions = try WriteRequest.Conditions(head.headers)
        guard path.isDirectory else {
            let address = try FileAddress(path.segments)
            guard let text = head.query["properties"] else {
                return Operation("file.delete", .rights(.delete, address.package), .delete(address, conditions))
            }
            let keys = propertyKeys(text)
            guard !keys.isEmpty else { throw .invalid(.query, "?properties= names the keys to remove") }
            let requirement = Requirement.rights([.read, .write], address.package)
            return Operation("properties.delete", requirement, .removeProperties(address, keys: keys))
        }
        let directory = try Directory(path.segments)
        guard head.query.isSet("recursive") else {
            throw .invalid(.query, "deleting a directory takes ?recursive=true")
        }
        guard conditions == WriteRequest.Conditions() else {
            throw .preconditionFailed("a directory has no entity tag and no date")
        }
        return Operation("directory.delete", .rights(.delete, directory.package), .deleteTree(directory))
    }
}

extension Query {
    /// Whether a switch is on: `?name`, `?name=1` or `?name=true`.
    func isSet(_ name: String) -> Bool { self[name].map { ["", "1", "true"].contains($0.lowercased()) } ?? false }
}

extension HTTPFields {
    /// The value of `name`, or `fallback` where there is none.
    subscript(name: HTTPField.Name, default fallback: String) -> String { self[name] ?? fallback }
}

extension WriteRequest.Conditions {
    /// Throws `.invalid(.content, …)` for what a write cannot be conditional on.
    package init(_ headers: HTTPFields) throws(Problem) {
        try setTags(ifMatch: headers[.ifMatch], ifNoneMatch: headers[.ifNoneMatch])
        // A date that cannot be read is to be ignored (section 13.1.4), and so is any beside If-Match.
        if case .none = tags { unmodifiedSince = headers[.ifUnmodifiedSince].flatMap(Timestamp.init(httpDate:)) }
    }

    /// Weak tags and those that are no SHA-256 match nothing.
    mutating func setTags(ifMatch: String?, ifNoneMatch: String?) throws(Problem) {
        switch (ifMatch, ifNoneMatch) {
        case (nil, nil): return
        case (nil, "*"): tags = .absent
        case ("*", nil): tags = .present
        case (let list?, nil): tags = .matches(Set(try entityTags(list).compactMap { BlobDigest(hex: $0) }))
        case (nil, _): throw .invalid(.content, "If-None-Match on a write is *")
        default: throw .invalid(.content, "a write takes either If-Match or If-None-Match")
        }
    }

    /// Whether it certainly fails of `file`; the transaction has the last word.
    func refuse(_ file: StoredFile) -> Bool {
        if let unmodifiedSince, file.modified.seconds > unmodifiedSince.seconds { return true }
        switch tags {
        case .absent: return true
        case .matches(let digests): return !digests.contains(file.checksums.sha256)
        case .none, .present: return false
        }
    }

    /// What the transaction checks: a date holds as long as the file it was compared with.
    func condition(over file: StoredFile?) -> WriteCondition {
        guard unmodifiedSince != nil, let file else { return tags }
        return .matches([file.checksums.sha256])
    }
}

/// The entity tags of a list (RFC 9110, section 8.8.3), without quotes; weak ones are left out.
func entityTags(_ list: String) throws(Problem) -> [String] {
    var tags: [String] = []
    for member in list.split(separator: ",").map(trimmed) {
        let isWeak = member.hasPrefix("W/")
        let quoted = isWeak ? member.dropFirst(2) : member[...]
        guard quoted.count >= 2, quoted.hasPrefix("\""), quoted.hasSuffix("\"") else {
            throw .invalid(.content, "an entity tag stands in quotes")
        }
        if !isWeak { tags.append(String(quoted.dropFirst().dropLast())) }
    }
    return tags
}

func trimmed(_ text: some StringProtocol) -> String {
    let isBlank = { (character: Character) in character == " " || character == "\t" }
    return String(text.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
}

/// What a request says its content is; nil where it says nothing of use.
func declaredMediaType(_ headers: HTTPFields) throws(Problem) -> MediaType? {
    guard let text = headers[.contentType], !text.isEmpty else { return nil }
    guard let type = MediaType(text) else {
        throw .invalid(.content, "a Content-Type is type/subtype, at most \(MediaType.maximumBytes) ASCII characters")
    }
    // What clients say when they know nothing, curl's -d among them.
    let isGeneric = ["application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"]
    return isGeneric.contains(type.essence) || type.essence.hasPrefix("multipart/") ? nil : type
}

extension Timestamp {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]

    /// An IMF-fixdate (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
    var httpDate: String {
        let parts = description.split { "-T.Z".contains($0) }
        let weekday = Self.weekdays[Int((seconds / 86_400) % 7 + 7) % 7]
        guard parts.count > 3, let month = Int(parts[1]), Self.months.indices.contains(month - 1) else { return "" }
        return "\(weekday), \(parts[2]) \(Self.months[month - 1]) \(parts[0]) \(parts[3]) GMT"
    }

    /// Answers nil for anything but an IMF-fixdate.
    init?(httpDate: String) {
        let parts = httpDate.split(separator: " ")
        guard parts.count == 6, parts[4].utf8.count == 8, parts[5] == "GMT",
            let month = Self.months.firstIndex(of: String(parts[2]))
        else {
            return nil
        }
        self.init("\(parts[3])-\(month < 9 ? "0" : "")\(month + 1)-\(parts[1])T\(parts[4])Z")
    }
}
