package import GranaryFormat
import GranaryModel
import HTTPTypes
import NIOCore

/// The form of an upload, once all of it has come.
package struct UploadForm: Sendable {
    package static let maximumFieldBytes = 100 << 10
    package static let maximumDescriptionBytes = 6 << 20
    /// Of all fields together.
    package static let maximumBytes = 12 << 20
    /// Of signatures and attestations, which are read and not kept.
    static let maximumExtraBytes = 2 << 20

    /// By name, in order. Descriptions are not kept: what counts is in the file.
    package var fields: [String: [String]] = [:]
    package var filename = ""
    package var content: StagedBlob?

    package init() {}

    /// What a text field says, without blanks around it; nil where it is absent or empty. Throws where it comes twice.
    func single(_ name: String) throws(Problem) -> String? {
        guard let values = fields[name] else { return nil }
        guard values.count == 1 else { throw .invalid(.content, "The field '\(name)' comes more than once.") }
        let value = String(values[0].trimmingSpaces())
        return value.isEmpty ? nil : value
    }

    func required(_ name: String) throws(Problem) -> String {
        guard let value = try single(name) else { throw .invalid(.content, "The field '\(name)' is missing.") }
        return value
    }
}

/// An upload whose form and file agree with each other.
package struct Upload: Sendable {
    let project: Project
    let distribution: DistributionName
    let content: StagedBlob

    /// Throws `.invalid` for whatever is missing, malformed or contradicts something else.
    package init(_ form: UploadForm) throws(Problem) {
        guard try form.required(":action") == "file_upload" else {
            throw .invalid(.content, "The only ':action' taken is 'file_upload'.")
        }
        guard try form.single("protocol_version") ?? "1" == "1" else {
            throw .invalid(.content, "The only 'protocol_version' taken is '1'.")
        }
        project = try Project(try form.required("name"))
        let versionText = try form.required("version")
        guard let version = PythonVersion(versionText) else {
            throw .invalid(.version, "'\(versionText.prefix(100))' is no version by PEP 440.")
        }
        guard let content = form.content else { throw .invalid(.content, "The file 'content' is missing.") }
        self.content = content
        distribution = try DistributionName(form.filename, of: project.name)
        guard distribution.version == version else {
            throw .invalid(.version, "The version '\(version.text)' is not the one of '\(form.filename)'.")
        }
        let type = try form.required("filetype")
        guard type == distribution.kind.rawValue else {
            throw .invalid(
                .content,
                "The 'filetype' of '\(form.filename)' is '\(distribution.kind.rawValue)', not '\(type.prefix(40))'.")
        }
        try Self.verify(form, content.checksums)
    }

    /// BLAKE2 is checked for its form only: nothing here computes it.
    private static func verify(_ form: UploadForm, _ checksums: Checksums) throws(Problem) {
        let sha256 = try form.single("sha256_digest")
        let md5 = try form.single("md5_digest")
        if let blake2 = try form.single("blake2_256_digest") { _ = try hexadecimal(blake2, "blake2_256_digest", 32) }
        guard sha256 != nil || md5 != nil else {
            throw .invalid(.digest, "One of 'sha256_digest' and 'md5_digest' is needed.")
        }
        if let sha256 { try compare(try hexadecimal(sha256, "sha256_digest", 32), checksums.sha256.hex, "SHA-256") }
        if let md5 { try compare(try hexadecimal(md5, "md5_digest", 16), checksums.md5, "MD5") }
    }

    private static func compare(_ expected: String, _ actual: String?, _ name: String) throws(Problem) {
        guard let actual, actual != expected else { return }
        throw .invalid(.digest, "The \(name) digest of the file is \(actual), and the form says \(expected).")
    }

    /// Digests come in hexadecimal, MD5 also in base64 for addresses without padding.
    private static func hexadecimal(_ text: String, _ field: String, _ count: Int) throws(Problem) -> String {
        let lower = text.lowercased()
        if lower.utf8.count == 2 * count, lower.utf8.allSatisfy(\.isLowerHexadecimal) { return lower }
        guard count == 16, let bytes = base64(text), bytes.count == count else {
            throw .invalid(.digest, "The field '\(field)' is no digest of \(count) bytes in hexadecimal.")
        }
        return GranaryModel.hexadecimal(bytes)
    }

    private static func base64(_ text: String) -> [UInt8]? {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var bits = 0
        var count = 0
        var bytes: [UInt8] = []
        for byte in text.utf8 where byte != UInt8(ascii: "=") {
            guard let value = alphabet.firstIndex(of: byte) else { return nil }
            bits = (bits << 6 | value) & 0xFFFF
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        return bytes
    }
}

extension PyPI {
    func upload(
        boundary: String, _ request: FormatRequest, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let limit = ByteCount(maximumFile.bytes + Int64(UploadForm.maximumBytes))
        if let length = request.head.contentLength, length > limit { throw .tooLarge(limit) }
        let upload = try Upload(try await form(request.body, boundary: boundary, access))
        let distribution = upload.distribution
        let bytes = try await access.inspect(upload.content) { bytes in
            try DistributionArchive.metadata(of: distribution, in: bytes)
        }
        let metadata = try agreeing(try CoreMetadata(bytes), with: upload)
        let terms = StagingTerms(limit: ByteCount(CoreMetadata.maximumBytes))
        let metadataBlob = try await access.stage(RequestBody(bytes: ByteBuffer(bytes: bytes)), terms)
        var draft = try draft(of: upload, metadata, metadataBlob)
        if let known = await releaseName(equalTo: distribution.version, of: upload.project, access) {
            draft.version = draft.version.map {
                Draft.Version(name: known, mediaType: $0.mediaType, metadata: $0.metadata)
            }
        }
        do throws(Problem) {
            _ = try await access.publish(draft)
        } catch {
            throw await explained(error, upload, access)
        }
        return Reply(.ok, MediaType(checked: "text/plain; charset=utf-8"), text: "")
    }

    /// Reads all parts, wherever the file stands among them; that is stored as it comes.
    private func form(
        _ body: RequestBody, boundary: String, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> UploadForm {
        let stream = MultipartStream(body, boundary: boundary)
        var form = UploadForm()
        var held = 0
        while let event = try await stream.next() {
            guard case .part(let part) = event else { continue }
            switch part.name {
            case "content":
                guard form.content == nil else { throw .invalid(.content, "The field 'content' comes more than once.") }
                guard let filename = part.filename else { throw .invalid(.content, "The field 'content' is no file.") }
                form.filename = filename
                form.content = try await access.stage(stream.content, StagingTerms(limit: maximumFile, hashes: [.md5]))
            case "gpg_signature", "attestations":
                _ = try await stream.collect(part.name, upTo: UploadForm.maximumExtraBytes)
            case "description":
                _ = try await stream.collect(part.name, upTo: UploadForm.maximumDescriptionBytes)
            default:
                let bytes = try await stream.collect(part.name, upTo: UploadForm.maximumFieldBytes)
                held += bytes.readableBytes + part.name.utf8.count
                guard held <= UploadForm.maximumBytes else {
                    throw .invalid(.content, "The fields of the form have more than \(UploadForm.maximumBytes) bytes.")
                }
                guard let text = String(validating: bytes.readableBytesView, as: UTF8.self) else {
                    throw .invalid(.content, "The field '\(part.name.prefix(100))' is no UTF-8.")
                }
                form.fields[part.name, default: []].append(text)
            }
        }
        return form
    }

    /// The metadata, unless it is of another project or version than the file says it is.
    private func agreeing(_ metadata: CoreMetadata, with upload: Upload) throws(Problem) -> CoreMetadata {
        let name = metadata["name"] ?? ""
        let version = metadata["version"] ?? ""
        guard ProjectName(name)?.normalized == upload.project.name.normalized else {
            throw .invalid(.name, "The metadata in the file is of the project '\(name.prefix(100))'.")
        }
        guard PythonVersion(version) == upload.distribution.version else {
            throw .invalid(.version, "The metadata in the file is of the version '\(version.prefix(100))'.")
        }
        return metadata
    }

    /// What an upload comes to: a version with the file and its metadata.
    private func draft(
        of upload: Upload, _ metadata: CoreMetadata, _ metadataBlob: StagedBlob
    ) throws(Problem) -> Draft {
        let distribution = upload.distribution
        guard let version = VersionName(distribution.version.text), let path = FilePath(distribution.filename),
            let metadataPath = FilePath(distribution.filename + Self.metadataSuffix)
        else { throw .invalid(.name, "The name of the file is too long.") }
        var note = FileNote()
        note.packageType = distribution.kind.rawValue
        note.pythonTag = distribution.pythonTag
        note.requiresPython = metadata["requires-python"].flatMap { $0.isEmpty ? nil : $0 }
        if distribution.kind == .wheel || metadata.isReliableForSources {
            note.metadataDigest = metadataBlob.checksums.sha256.hex
        }
        var draft = Draft(package: upload.project.package)
        let info = metadata.info(upload.project.name, distribution.version).text
        guard info.utf8.count <= Draft.maximumMetadataBytes else {
            throw .invalid(.content, "The metadata in the file is too long.")
        }
        draft.version = Draft.Version(name: version, mediaType: .json, metadata: info)
        draft.files = [
            Draft.File(path: path, blob: upload.content, mediaType: .octetStream, metadata: note.json),
            Draft.File(
                path: metadataPath, blob: metadataBlob, mediaType: MediaType(checked: "text/plain; charset=utf-8"))
        ]
        draft.isImmutable = true
        return draft
    }

    /// How the release of this version is spelled already; nil where there is none that the caller may see.
    private func releaseName(
        equalTo version: PythonVersion, of project: Project, _ access: some RepositoryAccess<Index>
    ) async -> VersionName? {
        for spelling in version.spellings {
            guard let name = VersionName(spelling),
                case .release(let known) = try? await access.index(.version(project.package, name), Page(limit: 1))
            else { return nil }
            if let known { return known }
        }
        return nil
    }

    /// A refusal in the words by which clients know that a file is there already.
    private func explained(
        _ problem: Problem, _ upload: Upload, _ access: some RepositoryAccess<Index>
    ) async -> Problem {
        guard case .conflict = problem, let path = FilePath(upload.distribution.filename),
            let file = try? await access.file(.path(path), in: upload.project.package)
        else { return problem }
        return .conflict("File already exists ('\(path)', with sha256 hash '\(file.checksums.sha256.hex)').")
    }
}

// MARK: Withdrawing

extension PyPI {
    private static let maximumReasonBody = ByteCount.kibibytes(16)

    /// From a form, a JSON object or nothing.
    func yankReason(_ request: FormatRequest) async throws(Problem) -> String {
        let body = try await request.body.collect(upTo: Self.maximumReasonBody)
        let type = request.head.headers[.contentType].flatMap { FieldParameters($0) }?.value.lowercased()
        let reason: String
        if body.readableBytes == 0 {
            reason = ""
        } else if type == "application/json" {
            guard let value = try RawJSON(body.readableBytesView)["reason"]?.string else {
                throw .invalid(.content, #"The reason is sent as {"reason": "…"}."#)
            }
            reason = value
        } else {
            reason = Query(String(decoding: body.readableBytesView, as: UTF8.self))["reason"] ?? ""
        }
        return String(reason.trimmingSpaces())
    }

    /// Withdraws a release, or takes that back. What else the release has for properties stays.
    func mark(
        _ number: PythonVersion, of project: Project, as yank: Yank?, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let version = try await release(number, of: project, access).version
        var properties = version.properties.filter { $0.key != Self.yankedProperty }
        if let yank {
            guard let property = Property(Self.yankedProperty, yank.reason) else {
                throw .invalid(
                    .content, "A reason is at most \(Property.maximumValueBytes) bytes without control characters.")
            }
            properties.append(property)
        }
        guard properties.count <= Property.maximumCount else {
            throw .conflict("The release has \(Property.maximumCount) properties, and no place for another.")
        }
        var draft = Draft(package: project.package)
        draft.version = Draft.Version(name: version.name, mediaType: version.mediaType, metadata: version.metadata)
        draft.properties = properties
        draft.needs = [Draft.Need(anyOf: [version.name.text], isMember: false)]
        _ = try await access.publish(draft)
        return Reply(.noContent)
    }
}
