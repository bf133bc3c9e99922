import FoundationEssentials
package import GranaryFormat
package import GranaryModel
import HTTPTypes

/// What a request to resumable uploads asks for (tus 1.0.0, with creation, creation-with-upload, expiration and
/// termination; no checksum of single parts, because a part is kept as it comes in and could not be taken back).
package enum UploadCall: Sendable, Hashable {
    case create(FileAddress, UploadNote, length: ByteCount, hasContent: Bool)
    case status(UploadID)
    case append(UploadID, offset: Int64)
    case cancel(UploadID)
}

/// What a session remembers of the file it is for, from its creation to its end.
package struct UploadNote: Sendable, Hashable, Codable {
    /// What the core keeps of a session.
    package static let maximumBytes = 8 << 10

    /// The segments of the file's path.
    package var path: [String]
    /// The media type that was declared.
    package var type: String?
    /// Of the whole, in lower-case hexadecimal.
    package var sha256: String?
    /// Keys and values; nil leaves those of an existing file.
    package var properties: [[String]]?
    /// The conditions, as they were sent.
    package var ifMatch: String?
    package var ifNoneMatch: String?
    /// `Upload-Metadata` as it was sent.
    package var metadata: String?
}

extension Generic {
    var tusVersion: String { "1.0.0" }

    var tusDiscovery: HTTPFields {
        var headers = HTTPFields()
        headers[named: "Tus-Resumable"] = tusVersion
        headers[named: "Tus-Version"] = tusVersion
        headers[named: "Tus-Extension"] = "creation,creation-with-upload,expiration,termination"
        headers[named: "Tus-Max-Size"] = String(maximumFile.bytes)
        return headers
    }

    func isSession(_ head: RequestHead) -> Bool { head.path.hasPrefix(Self.uploadsSegment + "/") }

    /// Whether the client speaks tus, or should.
    func isResumable(_ head: RequestHead) -> Bool {
        isSession(head)
            || ["Tus-Resumable", "Upload-Length", "Upload-Metadata"].contains { head.headers[named: $0] != nil }
    }

    func parseCreation(_ path: ParameterizedPath, _ head: RequestHead) throws(Problem) -> Operation<Call> {
        guard isResumable(head) else { throw .unsupported("POST only starts resumable uploads (tus); PUT takes files") }
        try requireVersion(head)
        guard let text = head.headers[named: "Upload-Length"], let length = Int64(text), length >= 0 else {
            throw .invalid(.size, "Upload-Length is the number of bytes to come, and is said at the start")
        }
        guard length <= maximumFile.bytes else { throw .tooLarge(maximumFile) }
        let metadata = try UploadMetadata(head.headers[named: "Upload-Metadata"] ?? "")
        let address = try target(of: path, metadata)
        let note = try note(for: address, metadata, path.parameters, head)
        let hasContent = head.headers[.contentType].map { MediaType(checked: $0).essence } == Self.partType
        let call = UploadCall.create(address, note, length: ByteCount(length), hasContent: hasContent)
        return Operation("upload.create", .rights(.write, address.package), .upload(call))
    }

    func parseSession(_ path: ParameterizedPath, _ head: RequestHead) throws(Problem) -> Operation<Call> {
        guard head.method != .put else { throw .invalid(.path, "'\(Self.uploadsSegment)/' is reserved") }
        let method = head.method == .post ? head.headers[named: "X-HTTP-Method-Override"] : head.method.rawValue
        guard let method, ["HEAD", "PATCH", "DELETE"].contains(method) else {
            throw .unsupported("upload sessions take HEAD, PATCH and DELETE")
        }
        guard path.segments.count == 2, !path.isDirectory, let id = UploadID(path.segments[1]) else {
            throw .unknown(.upload, "there is no such upload")
        }
        try requireVersion(head)
        let requirement = Requirement.rights(.write, nil)
        switch method {
        case "HEAD": return Operation("upload.status", requirement, .upload(.status(id)))
        case "DELETE": return Operation("upload.cancel", requirement, .upload(.cancel(id)))
        default: break
        }
        guard head.headers[.contentType].map({ MediaType(checked: $0).essence }) == Self.partType else {
            return Operation("upload.append", requirement, .refuseMedia("a part of an upload is \(Self.partType)"))
        }
        guard head.headers[named: "Upload-Checksum"] == nil else {
            throw .invalid(.digest, "parts have no checksums; say sha256 in Upload-Metadata for the whole")
        }
        guard let text = head.headers[named: "Upload-Offset"], let offset = Int64(text), offset >= 0 else {
            throw .invalid(.range, "Upload-Offset is the number of bytes sent before")
        }
        return Operation("upload.append", requirement, .upload(.append(id, offset: offset)))
    }

    private static var partType: String { "application/offset+octet-stream" }

    private func requireVersion(_ head: RequestHead) throws(Problem) {
        guard head.headers[named: "Tus-Resumable"] == tusVersion else {
            throw .preconditionFailed("Tus-Resumable is \(tusVersion)")
        }
    }

    /// The address itself, or below a directory what the metadata says.
    private func target(of path: ParameterizedPath, _ metadata: UploadMetadata) throws(Problem) -> FileAddress {
        guard path.isDirectory else { return try FileAddress(path.segments) }
        let names = (try metadata.text("path"), try metadata.text("filename"))
        guard let below = names.0 ?? names.1 else {
            throw .invalid(.path, "an upload to a directory names its file: 'path' or 'filename' in Upload-Metadata")
        }
        let relative = try RequestPath(percentEncoded(below, allowing: "/"))
        guard !relative.isDirectory else { throw .invalid(.path, "the path of a file does not end with a slash") }
        return try FileAddress(path.segments + relative.segments)
    }

    private func note(
        for address: FileAddress, _ metadata: UploadMetadata, _ parameters: [PropertyParameter], _ head: RequestHead
    ) throws(Problem) -> UploadNote {
        var note = UploadNote(path: address.segments)
        if let type = try metadata.text("filetype"), !type.isEmpty {
            note.type = try declaredMediaType([.contentType: type])?.text
        }
        if let sha256 = try metadata.text("sha256") {
            var headers = HTTPFields()
            headers[named: HashName.sha256.field] = sha256
            note.sha256 = try checksumsAnnounced(in: headers)[.sha256]
        }
        note.properties = try assignedProperties(parameters, head.headers)?.map { [$0.key, $0.value] }
        note.ifMatch = head.headers[.ifMatch]
        note.ifNoneMatch = head.headers[.ifNoneMatch]
        note.metadata = head.headers[named: "Upload-Metadata"]
        _ = try note.conditions
        guard jsonText(note).utf8.count <= UploadNote.maximumBytes else {
            throw .invalid(
                .content, "metadata and properties of an upload take at most \(UploadNote.maximumBytes) bytes")
        }
        return note
    }
}

extension UploadNote {
    var conditions: WriteRequest.Conditions {
        get throws(Problem) {
            var conditions = WriteRequest.Conditions()
            try conditions.setTags(ifMatch: ifMatch, ifNoneMatch: ifNoneMatch)
            return conditions
        }
    }
}

/// `Upload-Metadata`: comma-separated keys, each with a blank and its value in base64.
package struct UploadMetadata: Sendable, Hashable {
    package static let maximumBytes = 4 << 10
    /// Decoded from base64, by key.
    package let values: [String: [UInt8]]

    /// Throws `.invalid(.content, …)` for anything malformed and for a key that comes twice.
    package init(_ text: String) throws(Problem) {
        var values: [String: [UInt8]] = [:]
        guard text.utf8.count <= Self.maximumBytes else { throw Self.malformed }
        for pair in text.split(separator: ",").map(trimmed) {
            let halves = pair.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = halves.first, !key.isEmpty, values[String(key)] == nil,
                let value = Data(base64Encoded: halves.count > 1 ? String(halves[1]) : "")
            else { throw Self.malformed }
            values[String(key)] = Array(value)
        }
        self.values = values
    }

    /// The value of `key` as UTF-8.
    package func text(_ key: String) throws(Problem) -> String? {
        guard let bytes = values[key] else { return nil }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Self.malformed }
        return text
    }

    private static let malformed = Problem.invalid(
        .content, "Upload-Metadata is 'key base64,key base64' of UTF-8, at most \(maximumBytes) bytes, no key twice")
}

extension Generic {
    func perform(
        _ call: UploadCall, _ request: FormatRequest, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        switch call {
        case .create(let address, let note, let length, let hasContent):
            return try await create(address, note, length, hasContent ? request.body : nil, request.head, on: access)
        case .status(let id):
            let status = try await access.upload(id)
            var headers = sessionHeaders(status)
            headers[named: "Upload-Length"] = status.length.map { String($0.bytes) }
            headers[named: "Upload-Metadata"] = (try? UploadNote(status))?.metadata
            return Reply(.ok, headers)
        case .append(let id, let offset):
            let before = try await access.upload(id)
            guard before.offset == offset else { throw .outOfOrder(before) }
            if let length = before.length, let part = request.head.contentLength, part.bytes > length.bytes - offset {
                throw .tooLarge(length)
            }
            let after = try await access.append(request.body, to: id, at: offset)
            return Reply(.noContent, try await finishIfWhole(after, request.head, on: access))
        case .cancel(let id):
            try await access.cancelUpload(id)
            return Reply(.noContent, resumableHeaders)
        }
    }

    private func create(
        _ address: FileAddress, _ note: UploadNote, _ length: ByteCount, _ content: RequestBody?, _ head: RequestHead,
        on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        _ = try await admit(address, try note.conditions, on: access)
        let opening = UploadOpening(
            hashes: Set(ExtraHash.allCases), limit: length, length: length, note: jsonText(note))
        var status = try await access.openUpload(for: address.package, opening)
        var headers: HTTPFields
        do throws(Problem) {
            if let content { status = try await access.append(content, to: status.id, at: 0) }
            headers = try await finishIfWhole(status, head, on: access)
        } catch {
            // The client never learns the session's address, so it would only lie there.
            try? await access.cancelUpload(status.id)
            throw error
        }
        headers[.location] = head.prefix + Self.uploadsSegment + "/" + status.id.text
        return Reply(.created, headers)
    }

    /// Publishes the file once all of it is there. What speaks against that is found, as far as it can be, while the
    /// session still stands, so that the client may try again.
    private func finishIfWhole(
        _ status: UploadStatus, _ head: RequestHead, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> HTTPFields {
        var headers = sessionHeaders(status)
        guard status.length?.bytes == status.offset else { return headers }
        let note = try UploadNote(status)
        let address = try FileAddress(note.path)
        let conditions = try note.conditions
        _ = try await admit(address, conditions, on: access)
        let expected = note.sha256.map { [HashName.sha256: $0] } ?? [:]
        let blob = try await access.finishUpload(status.id, stagingTerms(expected, size: status.length))
        let type = mediaType(of: address.name, declared: note.type.flatMap { MediaType($0) })
        let properties = note.properties?.compactMap { $0.count == 2 ? Property($0[0], $0[1]) : nil }
        var draft = draft(of: blob, at: address, type, properties)
        draft.condition = conditions.tags
        _ = try await access.publish(draft)
        headers[named: "Upload-Expires"] = nil
        headers[.contentLocation] = head.prefix + address.encodedPath
        headers[.eTag] = "\"\(blob.checksums.sha256.hex)\""
        headers.setChecksums(blob.checksums)
        return headers
    }

    private var resumableHeaders: HTTPFields {
        var headers: HTTPFields = [.cacheControl: "no-store"]
        headers[named: "Tus-Resumable"] = tusVersion
        return headers
    }

    private func sessionHeaders(_ status: UploadStatus) -> HTTPFields {
        var headers = resumableHeaders
        headers[named: "Upload-Offset"] = String(status.offset)
        headers[named: "Upload-Expires"] = status.expiresAt.httpDate
        return headers
    }
}

extension UploadNote {
    /// Throws `.unknown(.upload, …)` for a session that no upload to a file has opened.
    fileprivate init(_ status: UploadStatus) throws(Problem) {
        guard let note = try? JSONDecoder().decode(UploadNote.self, from: Data(status.note.utf8)) else {
            throw .unknown(.upload, "there is no such upload")
        }
        self = note
    }
}
