package import GranaryFormat
package import GranaryModel
import HTTPTypes

/// Files of any kind at paths of the client's choosing, over plain HTTP.
///
/// A directory is a package, named by its path without slashes at the ends, `/` for the root; a file is a version of
/// it whose name, like the path of its only file, is the last segment. There are no empty directories.
package struct Generic: PackageFormat {
    /// What a request asks for.
    package enum Call: Sendable {
        /// What may be done here, and how to resume uploads.
        case options
        case read(FileAddress, matching: [PropertyParameter], asSum: Bool)
        case list(Directory, ListingRequest)
        case write(FileAddress, WriteRequest)
        case delete(FileAddress, WriteRequest.Conditions)
        case deleteTree(Directory)
        /// The properties with these keys; all of them where there are none.
        case readProperties(FileAddress, keys: Set<String>)
        case setProperties(FileAddress, [Property])
        case removeProperties(FileAddress, keys: Set<String>)
        case upload(UploadCall)
        /// A representation the operation does not take: 415, once the caller is known to be allowed.
        case refuseMedia(String)
    }

    /// The longest file taken unless the composition root says otherwise.
    package static let standardMaximumFile = ByteCount.gibibytes(100)

    package let name = FormatName(checked: "generic")
    package let mount = Mount("generic")
    /// The longest file taken, uploaded at once or in parts.
    package let maximumFile: ByteCount

    package init(maximumFile: ByteCount = Generic.standardMaximumFile) { self.maximumFile = maximumFile }

    package func perform(
        _ operation: Operation<Call>, _ request: FormatRequest, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let head = request.head
        switch operation.call {
        case .options:
            return optionsReply(to: head)
        case .read(let address, let parameters, let asSum):
            return try await read(address, matching: parameters, asSum: asSum, head, on: access)
        case .list(let directory, let listing):
            return try await list(directory, listing, head, on: access)
        case .write(let address, let write):
            return try await self.write(address, write, request, on: access)
        case .delete(let address, let conditions):
            return try await delete(address, conditions, on: access)
        case .deleteTree(let directory):
            return try await deleteTree(directory, on: access)
        case .readProperties(let address, let keys):
            return try await readProperties(of: address, keys: keys, on: access)
        case .setProperties(let address, let properties):
            let keys = Set(properties.map(\.key))
            return try await changeProperties(of: address, dropping: keys, adding: properties, on: access)
        case .removeProperties(let address, let keys):
            return try await changeProperties(of: address, dropping: keys, adding: [], on: access)
        case .upload(let call):
            return try await perform(call, request, on: access)
        case .refuseMedia(let detail):
            return problemReply(.unsupportedMediaType, detail, for: head)
        }
    }
}

extension Generic {
    package func file(of operation: Operation<Call>) -> (FileReference, PackageName)? {
        guard case .read(let address, matching: [], _) = operation.call else { return nil }
        return (.path(address.path), address.package)
    }

    package func answer(_ operation: Operation<Call>, with file: StoredFile, _ head: RequestHead) -> Reply {
        guard case .read(let address, _, _) = operation.call else { preconditionFailure("only reads ask for a file") }
        return answer(with: file, at: address)
    }

    private func answer(with file: StoredFile, at address: FileAddress) -> Reply {
        Reply(.ok, fileHeaders(file, name: address.name), .file(ServedFile(file)))
    }

    /// A file, else the checksum of the file beside it, else the way to a directory of that name.
    func read(
        _ address: FileAddress, matching parameters: [PropertyParameter], asSum: Bool, _ head: RequestHead,
        on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        if let file = try await access.fileIfPresent(address) {
            try await require(parameters, of: address, on: access)
            return answer(with: file, at: address)
        }
        if let (base, hash) = address.checksumOf, let file = try await access.fileIfPresent(base),
            let hex = file.checksums[hash]
        {
            try await require(parameters, of: base, on: access)
            return Reply(.ok, .plainText, text: asSum ? "\(hex)  \(base.name)\n" : hex, contentHeaders)
        }
        guard let directory = try? Directory(address.segments), await access.hasEntries(directory) else {
            throw .unknown(.file, "there is no file at \(address.text)")
        }
        let location = head.prefix + directory.encodedPath + encodedQuery(head.query)
        return Reply(.movedPermanently, [.location: location, .cacheControl: "no-cache"])
    }

    /// Keeps a browser from taking content for anything of ours.
    private var contentHeaders: HTTPFields {
        var headers: HTTPFields = [.cacheControl: "no-cache"]
        headers[named: "X-Content-Type-Options"] = "nosniff"
        headers[named: "Content-Security-Policy"] = "sandbox; default-src 'none'"
        return headers
    }

    private func fileHeaders(_ file: StoredFile, name: String) -> HTTPFields {
        var headers = contentHeaders
        headers.setChecksums(file.checksums)
        headers[.contentDisposition] = contentDisposition(of: name, file.mediaType)
        return headers
    }

    private func encodedQuery(_ query: Query) -> String {
        guard !query.items.isEmpty else { return "" }
        let pairs = query.items.map { item in
            item.value.isEmpty
                ? percentEncoded(item.name) : percentEncoded(item.name) + "=" + percentEncoded(item.value)
        }
        return "?" + pairs.joined(separator: "&")
    }
}

extension FileAddress {
    /// The file whose checksum a path such as `a.bin.sha256` asks for, unless a file of that name exists.
    var checksumOf: (FileAddress, HashName)? {
        for hash in HashName.allCases where name.hasSuffix(".\(hash.rawValue)") {
            var segments = segments
            segments[segments.count - 1].removeLast(hash.rawValue.utf8.count + 1)
            return (try? FileAddress(segments)).map { ($0, hash) }
        }
        return nil
    }
}

extension RepositoryAccess {
    /// The file, nil where there is none.
    func fileIfPresent(_ address: FileAddress) async throws(Problem) -> StoredFile? {
        try await fileIfPresent(.path(address.path), in: address.package)
    }
}

extension RepositoryAccess<Generic.Index> {
    /// Whether the caller can see anything below `directory`.
    func hasEntries(_ directory: Directory) async -> Bool {
        guard let index = try? await index(.directory(directory.text), Page(limit: 1)) else { return false }
        guard case .listing(let listing) = index else { return false }
        return !listing.entries.isEmpty
    }
}

extension ServedFile {
    fileprivate init(_ file: StoredFile) {
        self.init(
            blob: file.checksums.sha256, size: file.size, mediaType: file.mediaType,
            entityTag: file.checksums.sha256.hex, modified: file.modified)
    }
}
