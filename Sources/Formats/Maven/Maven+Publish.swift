import GranaryFormat
import GranaryModel
import HTTPTypes
import NIOCore

extension Maven {
    static let maximumModuleBytes = 16 << 20
    static let maximumSignatureBytes = 64 << 10
    /// Of a checksum that a client sends: the digits, and perhaps the name of the file.
    static let maximumChecksumBytes = 1 << 10

    func write(
        _ file: ArtifactFile, _ request: FormatRequest, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let limit = limit(of: file)
        if let length = request.head.contentLength, length > limit { throw .tooLarge(limit) }
        let terms = StagingTerms(
            limit: limit, hashes: Set(ExtraHash.allCases), expected: try announcedChecksums(request.head.headers))
        let blob = try await access.stage(request.body, terms)
        let note = try await inspect(blob, file, on: access)
        var draft = Draft(package: file.coordinates.package)
        draft.version = Draft.Version(name: file.version, mediaType: .octetStream)
        draft.files = [
            Draft.File(
                path: file.path, blob: blob, mediaType: mediaType(of: file), metadata: note.map(jsonText) ?? "")
        ]
        draft.isImmutable = !file.isSnapshot
        let receipt = try await access.publish(draft)
        var headers: HTTPFields = [.eTag: "\"\(blob.checksums.sha256.hex)\""]
        headers.setChecksums(blob.checksums)
        return Reply(receipt.change == .unchanged ? .ok : .created, headers)
    }

    private func limit(of file: ArtifactFile) -> ByteCount {
        if file.isPOM { return min(maximumFile, ByteCount(POM.maximumBytes)) }
        if file.isSignature { return min(maximumFile, ByteCount(Self.maximumSignatureBytes)) }
        if file.fileExtension == "module" { return min(maximumFile, ByteCount(Self.maximumModuleBytes)) }
        return maximumFile
    }

    func mediaType(of file: ArtifactFile) -> MediaType {
        let last = file.fileExtension.split(separator: ".").last.map(String.init) ?? ""
        return Self.typesByExtension[last].map(MediaType.init(checked:)) ?? .octetStream
    }

    private static let typesByExtension: [String: String] = [
        "pom": "application/xml", "xml": "application/xml", "jar": "application/java-archive",
        "war": "application/java-archive", "ear": "application/java-archive", "aar": "application/java-archive",
        "module": "application/vnd.org.gradle.module+json", "json": "application/json",
        "asc": "application/pgp-signature", "zip": "application/zip", "gz": "application/gzip",
        "bz2": "application/x-bzip2", "xz": "application/x-xz", "tar": "application/x-tar"
    ]

    // MARK: Content

    /// Refuses content that is not what its address says, and answers what is to be kept of it beside its bytes.
    private func inspect(
        _ blob: StagedBlob, _ file: ArtifactFile, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> FileNote? {
        if file.isPOM { return try await inspectPOM(blob, file, on: access) }
        if file.isSignature {
            let start = Array("-----BEGIN PGP SIGNATURE-----".utf8)
            let isArmoured = try await access.inspect(blob) { try $0.all().starts(with: start) }
            guard isArmoured else { throw .invalid(.content, "a signature is armoured by OpenPGP") }
        } else if file.fileExtension == "module" {
            _ = try await access.inspect(blob) { try RawJSON(try $0.all()) }
        } else if file.fileExtension == "jar", file.classifier.isEmpty, let path = file.sibling("pom"),
            let pom = try await access.fileIfPresent(.path(path), in: file.coordinates.package),
            FileNote(pom.metadata) != nil
        {
            let descriptor = try await access.inspect(blob) { PluginDescriptor(in: $0) }
            return FileNote(name: descriptor?.name, goalPrefix: descriptor?.goalPrefix)
        }
        return nil
    }

    /// Of a plugin it keeps what its JAR says, where that came first.
    private func inspectPOM(
        _ blob: StagedBlob, _ file: ArtifactFile, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> FileNote? {
        let pom = try await access.inspect(blob) { try POM(try $0.all()) }
        try pom.check(at: file)
        guard pom.isPlugin else { return nil }
        var descriptor: PluginDescriptor?
        if let path = file.sibling("jar"),
            let jar = try await access.fileIfPresent(.path(path), in: file.coordinates.package),
            let bytes = try await access.stage(existing: jar.checksums.sha256.digest, from: nil)
        {
            descriptor = try await access.inspect(bytes) { PluginDescriptor(in: $0) }
        }
        return FileNote(name: descriptor?.name ?? pom.name, goalPrefix: descriptor?.goalPrefix)
    }

    // MARK: Checksums and metadata

    /// Compares what a client has computed of the file it has sent with what was stored.
    func compare(
        _ file: ArtifactFile, _ hash: HashName, _ body: RequestBody, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let sent = try await body.collect(upTo: ByteCount(Self.maximumChecksumBytes))
        let expected = try checksum(hash, in: sent.readableBytesView)
        let held = try await access.fileIfPresent(.path(file.path), in: file.coordinates.package)
        guard let held, let actual = held.checksums[hash] else {
            throw .conflict("there is no \(file.path) to compare a checksum with: the file goes first")
        }
        guard expected == actual else { throw .mismatch(expected: expected, actual: actual) }
        return Reply(.created)
    }

    /// The first run of as many hexadecimal digits as the hash has: clients write file names behind it, or before.
    func checksum(_ hash: HashName, in text: some Sequence<UInt8>) throws(Problem) -> String {
        let runs = String(decoding: Array(text), as: UTF8.self).lowercased().utf8.split { !$0.isLowerHexadecimal }
        guard let digits = runs.first(where: { $0.count == hash.hexLength }) else {
            throw .invalid(
                .digest, "a checksum file has the \(hash.hexLength) hexadecimal digits of a \(hash.rawValue)")
        }
        return String(Substring(digits))
    }

    /// Metadata is made of what is deployed, because clients that write it at the same time lose each other's versions. Theirs is
    /// looked at, so that one who deploys to the wrong place is told, and not kept; nor are its checksums, of other bytes.
    func ignoreMetadata(
        _ address: MetadataAddress, _ hash: HashName?, _ body: RequestBody
    ) async throws(Problem) -> Reply {
        if let hash {
            let sent = try await body.collect(upTo: ByteCount(Self.maximumChecksumBytes))
            _ = try checksum(hash, in: sent.readableBytesView)
        } else {
            let sent = try await body.collect(upTo: ByteCount(Metadata.maximumBytes))
            try Metadata(Array(sent.readableBytesView)).check(at: address)
        }
        return Reply(.created)
    }

    /// The hashes a request says its content has. Throws `.invalid(.digest, …)` for a malformed one.
    private func announcedChecksums(_ headers: HTTPFields) throws(Problem) -> [String: String] {
        var announced: [String: String] = [:]
        for hash in HashName.allCases {
            guard let text = headers[named: hash.field]?.lowercased() else { continue }
            guard text.utf8.count == hash.hexLength, text.utf8.allSatisfy(\.isLowerHexadecimal) else {
                throw .invalid(.digest, "\(hash.field) has \(hash.hexLength) hexadecimal digits")
            }
            announced[hash.rawValue] = text
        }
        return announced
    }
}

extension StoredBytes {
    /// All of it, which the limit of what was staged keeps short.
    fileprivate func all() throws -> [UInt8] {
        size.bytes == 0 ? [] : Array(try read(0..<size.bytes).readableBytesView)
    }
}
