import FoundationEssentials
package import GranaryFormat
package import GranaryModel
package import HTTPTypes

/// What the head of a PUT says of the file to come.
package struct WriteRequest: Sendable, Hashable {
    /// What must hold of the file that stands at the address (RFC 9110, section 13.1).
    package struct Conditions: Sendable, Hashable {
        /// `If-Match` or `If-None-Match`.
        package var tags = WriteCondition.none
        /// `If-Unmodified-Since`, where no entity tag is asked for.
        package var unmodifiedSince: Timestamp?
    }

    /// Nil leaves the properties of a file that exists as they are.
    package let properties: [Property]?
    /// By hash name, in lower-case hexadecimal.
    package let checksums: [HashName: String]
    package let conditions: Conditions
    /// What the client calls it; the name's extension goes before.
    package let declared: MediaType?
    /// Whether the bytes are to be taken from what is stored already.
    package let isByChecksum: Bool

    /// Throws `.invalid` for whatever of it is malformed.
    package init(_ head: RequestHead, _ parameters: [PropertyParameter]) throws(Problem) {
        properties = try assignedProperties(parameters, head.headers)
        checksums = try checksumsAnnounced(in: head.headers)
        conditions = try Conditions(head.headers)
        declared = try declaredMediaType(head.headers)
        switch head.headers[named: "X-Checksum-Deploy"]?.lowercased() {
        case nil, "false": isByChecksum = false
        case "true": isByChecksum = true
        default: throw .invalid(.content, "X-Checksum-Deploy is true or false")
        }
    }
}

extension Generic {
    func write(
        _ address: FileAddress, _ write: WriteRequest, _ request: FormatRequest,
        on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        if let length = request.head.contentLength, length > maximumFile { throw .tooLarge(maximumFile) }
        // Once before the body, so that a hopeless one is not sent, and once after, because it may have taken hours.
        _ = try await admit(address, write.conditions, on: access)
        let blob = try await blob(for: write, request.body, on: access)
        let standing = try await admit(address, write.conditions, on: access)
        let type = mediaType(of: address.name, declared: write.declared)
        var draft = draft(of: blob, at: address, type, write.properties)
        draft.condition = write.conditions.condition(over: standing)
        let receipt = try await access.publish(draft)
        let status = receipt.change == .unchanged ? HTTPResponse.Status.ok : .created
        return writeReply(status, blob, type, at: address, announced: write.checksums, request.head)
    }

    /// The file at `address` where the caller can see one. Throws when the conditions fail of it, or when it is new and
    /// a file stands in place of one of its directories, or a directory in its own place. What the caller may not see is
    /// for the transaction to find.
    func admit(
        _ address: FileAddress, _ conditions: WriteRequest.Conditions, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> StoredFile? {
        if let file = try? await access.file(.path(address.path), in: address.package) {
            guard !conditions.refuse(file) else {
                throw .preconditionFailed("\(address.text) is not as the request wants it")
            }
            return file
        }
        for ancestor in address.ancestors {
            guard (try? await access.file(.path(ancestor.path), in: ancestor.package)) == nil else {
                throw .conflict("\(ancestor.text) is a file and cannot be a directory too")
            }
        }
        guard !(await access.hasEntries(try Directory(address.segments))) else {
            throw .conflict("\(address.text) is a directory and cannot be a file too")
        }
        return nil
    }

    func draft(
        of blob: StagedBlob, at address: FileAddress, _ type: MediaType, _ properties: [Property]?
    ) -> Draft {
        var draft = Draft(package: address.package)
        draft.version = Draft.Version(name: address.version, mediaType: type)
        draft.files = [Draft.File(path: address.path, blob: blob, mediaType: type)]
        draft.properties = properties
        draft.obstacles = address.ancestors.map { .file($0.package, $0.path) } + [.tree(address.treePath)]
        return draft
    }

    func stagingTerms(_ expected: [HashName: String], size: ByteCount? = nil) -> StagingTerms {
        StagingTerms(
            limit: maximumFile, hashes: Set(ExtraHash.allCases), expected: named(expected), expectedSize: size)
    }

    private func blob(
        for write: WriteRequest, _ body: RequestBody, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> StagedBlob {
        guard write.isByChecksum else { return try await access.stage(body, stagingTerms(write.checksums)) }
        // Weaker hashes can be made to collide: they would let a caller swap one file for another.
        guard let digest = write.checksums[.sha256].flatMap({ Digest(.sha256, hex: $0) }),
            let blob = try await access.stage(existing: digest, from: nil)
        else { throw .unknown(.digest, "no content with that SHA-256 is here; send it") }
        for (hash, expected) in write.checksums {
            guard let actual = blob.checksums[hash], actual != expected else { continue }
            throw .mismatch(expected: expected, actual: actual)
        }
        return blob
    }

    private func writeReply(
        _ status: HTTPResponse.Status, _ blob: StagedBlob, _ type: MediaType, at address: FileAddress,
        announced: [HashName: String], _ head: RequestHead
    ) -> Reply {
        let location = head.origin + head.prefix + address.encodedPath
        let item = ItemDocument(
            repo: head.repository, path: address.text, uri: location, downloadUri: location,
            size: String(blob.size.bytes), mimeType: type.text, checksums: named(blob.checksums.all),
            originalChecksums: named(announced))
        var headers: HTTPFields = [.location: location, .eTag: "\"\(blob.checksums.sha256.hex)\""]
        headers.setChecksums(blob.checksums)
        return Reply(status, .createdItem, text: jsonText(item), headers)
    }

    private func named(_ checksums: [HashName: String]) -> [String: String] {
        Dictionary(uniqueKeysWithValues: checksums.map { ($0.key.rawValue, $0.value) })
    }

    func delete(
        _ address: FileAddress, _ conditions: WriteRequest.Conditions, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        var condition = conditions.tags
        if conditions.unmodifiedSince != nil {
            let file = try await access.file(.path(address.path), in: address.package)
            guard !conditions.refuse(file) else { throw .preconditionFailed("\(address.text) was changed since") }
            condition = conditions.condition(over: file)
        }
        let receipt = try await access.retract(.file(address.package, address.path), if: condition)
        guard receipt.change != .unchanged else { throw .unknown(.file, "there is no file at \(address.text)") }
        return Reply(.noContent)
    }

    func deleteTree(_ directory: Directory, on access: some RepositoryAccess<Index>) async throws(Problem) -> Reply {
        let receipt = try await access.retract(.tree(directory.text), if: .none)
        guard receipt.change != .unchanged else {
            throw .unknown(.path, "there is no directory at \(directory.displayPath)")
        }
        return Reply(.noContent)
    }
}

/// The shape in which Artifactory describes a new item, for clients that read checksums from it.
private struct ItemDocument: Encodable {
    let repo: String
    let path: String
    let uri: String
    let downloadUri: String
    /// A decimal number, as text.
    let size: String
    let mimeType: String
    let checksums: [String: String]
    let originalChecksums: [String: String]
}

extension HashName {
    /// From the name a digest field gives it (RFC 3230, section 4.1.1; RFC 9530, section 7.2).
    fileprivate init?(digestAlgorithm name: String) {
        switch name.lowercased() {
        case "sha-256": self = .sha256
        case "sha-512": self = .sha512
        case "sha": self = .sha1
        case "md5": self = .md5
        default: return nil
        }
    }
}

extension Checksums {
    /// Those that are known, by name.
    var all: [HashName: String] {
        var all: [HashName: String] = [:]
        for hash in HashName.allCases { all[hash] = self[hash] }
        return all
    }
}

/// The hashes a request says its content has, in lower-case hexadecimal.
///
/// Throws `.invalid(.digest, …)` for a malformed one and for two that differ; unknown algorithms of digest fields are
/// passed over, as their specifications want.
package func checksumsAnnounced(in headers: HTTPFields) throws(Problem) -> [HashName: String] {
    var announced = AnnouncedChecksums()
    for hash in HashName.allCases {
        if let hex = headers[named: hash.field] { try announced.add(hash, hex, hash.field) }
    }
    if let hex = headers[named: "X-Checksum"] {
        guard let hash = HashName.allCases.first(where: { $0.hexLength == hex.utf8.count }) else {
            throw .invalid(.digest, "X-Checksum is an MD5, SHA-1, SHA-256 or SHA-512 in hexadecimal")
        }
        try announced.add(hash, hex, "X-Checksum")
    }
    if let text = headers[named: "Content-MD5"] { try announced.add(.md5, base64: text, "Content-MD5") }
    if let list = headers[named: "Digest"] { try announced.add(list: list, "Digest", delimiter: "") }
    for field in ["Content-Digest", "Repr-Digest"] {
        if let list = headers[named: field] { try announced.add(list: list, field, delimiter: ":") }
    }
    return announced.found
}

private struct AnnouncedChecksums {
    private(set) var found: [HashName: String] = [:]

    mutating func add(_ hash: HashName, _ text: String, _ field: String) throws(Problem) {
        let hex = text.lowercased()
        guard hex.utf8.count == hash.hexLength, hex.utf8.allSatisfy(\.isLowerHexadecimal) else {
            throw .invalid(.digest, "\(field): a \(hash.rawValue) has \(hash.hexLength) hexadecimal digits")
        }
        guard found[hash, default: hex] == hex else {
            throw .invalid(.digest, "\(field): the request gives two values of \(hash.rawValue)")
        }
        found[hash] = hex
    }

    mutating func add(_ hash: HashName, base64 text: String, _ field: String) throws(Problem) {
        guard let bytes = Data(base64Encoded: text) else { throw .invalid(.digest, "\(field) is not base64") }
        try add(hash, hexadecimal(bytes), field)
    }

    /// `name=value, name=value`, where each value stands between two `delimiter`s.
    mutating func add(list: String, _ field: String, delimiter: String) throws(Problem) {
        for member in list.split(separator: ",") {
            let halves = member.split(separator: "=", maxSplits: 1).map(trimmed)
            guard halves.count == 2 else { throw .invalid(.digest, "\(field) is a list of algorithm=value") }
            guard let hash = HashName(digestAlgorithm: halves[0]) else { continue }
            let value = halves[1]
            guard value.hasPrefix(delimiter), value.hasSuffix(delimiter), value.count >= 2 * delimiter.count else {
                throw .invalid(.digest, "\(field): a value stands between colons")
            }
            try add(hash, base64: String(value.dropFirst(delimiter.count).dropLast(delimiter.count)), field)
        }
    }
}
