package import GranaryFormat
package import GranaryModel
import HTTPTypes

extension OCI {
    /// What a request asks for.
    package enum Call: Sendable, Hashable {
        /// Whether the API is spoken here, and whether credentials are wanted.
        case ping
        /// The images the caller may read.
        case catalog(Listing)
        /// A bearer token.
        case token
        /// Something of one image.
        case image(PackageName, Action)
    }

    /// What a request asks of an image.
    package enum Action: Sendable, Hashable {
        /// Its bytes, or for HEAD what would be served.
        case getManifest(ManifestReference)
        /// By digest it may carry the tags to set along.
        case putManifest(ManifestReference, tags: [TagName])
        /// By tag removes the tag only, by digest the manifest and its tags.
        case deleteManifest(ManifestReference)
        /// Its bytes, or for HEAD what would be served.
        case getBlob(Digest)
        /// Takes the blob out of this image only.
        case deleteBlob(Digest)
        /// The algorithm is a hint of the digest to come.
        case openUpload(Digest.Algorithm?)
        /// Takes a blob over from another image, or opens an upload.
        case mount(Digest, from: String?)
        /// The whole blob in one request.
        case putBlob(Digest)
        /// A step of an upload session.
        case upload(UploadID, UploadStep)
        /// In bytewise order.
        case listTags(Listing)
        /// The manifests whose subject the digest is.
        case listReferrers(Digest, artifactType: String?, Listing)
    }

    /// What a request does with an upload session.
    package enum UploadStep: Sendable, Hashable {
        case status, cancel
        /// Adds the body at the session's end, which the range must agree with.
        case append(ContentRange?)
        /// Adds the body, if there is one, and ends the session.
        case finish(Digest, ContentRange?)
    }

    package func parseService(_ head: RequestHead) throws(Problem) -> Operation<Call>? {
        switch head.path {
        case "":
            try require(head, Self.reading)
            return Operation("ping", .identity, .ping)
        case "_catalog":
            try require(head, Self.reading)
            return Operation("catalog.list", .identity, .catalog(try Listing(head.query)))
        case "_token":
            try require(head, [.get, .post])
            return Operation("token.issue", .none, .token)
        default:
            return nil
        }
    }

    package func parse(_ head: RequestHead) throws(Problem) -> Operation<Call> {
        guard let route = Route(try RequestPath(head.path)) else {
            throw .unknown(.path, "there is nothing at this path of the distribution API")
        }
        let image = try imageName(route.image, head.prefix)
        try require(head, route.resource.methods)
        let (name, rights, action) = try action(on: route.resource, head)
        var operation = Operation(name, .rights(rights, image), Call.image(image, action))
        // Clients send the blobs of an image that they do not find, and then its manifest, which needs all of them.
        if head.method == .head, case .getBlob = action { operation.precedesPublishing = true }
        return operation
    }

    /// The methods a path answers to; empty for a path without meaning.
    func methods(at head: RequestHead) -> [HTTPRequest.Method] {
        switch head.path {
        case "" where head.prefix == ImageAddress.mount, "_catalog": Self.reading
        case "_token": [.get, .post]
        default: (try? RequestPath(head.path)).flatMap { Route($0) }?.resource.methods ?? []
        }
    }

    static let reading: [HTTPRequest.Method] = [.get, .head]

    private func require(_ head: RequestHead, _ methods: [HTTPRequest.Method]) throws(Problem) {
        guard methods.contains(head.method) else { throw .unsupported("\(head.method.rawValue) is not supported here") }
    }

    private func imageName(_ text: String, _ prefix: String) throws(Problem) -> PackageName {
        guard !text.isEmpty else {
            throw .invalid(.name, "an image name is needed after the repository: \(prefix)<image>/…")
        }
        guard isImageName(text), ImageAddress.name(prefix, text).utf8.count <= maximumNameBytes,
            let image = PackageName(text)
        else {
            throw .invalid(
                .name,
                "an image name is components of a–z, 0–9, '.', '_' and '-' joined by '/', \(maximumNameBytes) bytes in all"
            )
        }
        return image
    }

    private typealias Step = (name: String, rights: Rights, action: Action)

    private func action(on resource: Route.Resource, _ head: RequestHead) throws(Problem) -> Step {
        switch resource {
        case .manifest(let text): try manifestStep(text, head)
        case .blob(let text):
            head.method == .delete
                ? ("blob.delete", .delete, .deleteBlob(try digest(text)))
                : ("blob.get", .read, .getBlob(try digest(text)))
        case .uploads: try openingStep(head)
        case .upload(let text): try uploadStep(text, head)
        case .tags: ("tags.list", .read, .listTags(try Listing(head.query)))
        case .referrers(let text):
            (
                "referrers.list", .read,
                .listReferrers(try digest(text), artifactType: artifactType(head.query), try Listing(head.query))
            )
        }
    }

    /// A media type has no blanks: where one stands, a client sent its `+` as it is.
    private func artifactType(_ query: Query) -> String? {
        let text = (query["artifactType"] ?? "").split { $0 == " " }.joined(separator: "+")
        return text.isEmpty ? nil : text
    }

    private func manifestStep(_ text: String, _ head: RequestHead) throws(Problem) -> Step {
        let reference: ManifestReference
        if text.utf8.contains(UInt8(ascii: ":")) {
            reference = .digest(try digest(text))
        } else if let tag = tagName(text) {
            reference = .tag(tag)
        } else if head.method == .put {
            throw .invalid(.tag, "a tag is 1 to 128 letters, digits, '_', '.' and '-', not starting with '.' or '-'")
        } else {
            throw .unknown(.tag, "no tag can be called like this")
        }
        switch head.method {
        case .delete where reference.isTag: return ("tag.delete", .delete, .deleteManifest(reference))
        case .put: return ("manifest.put", .write, .putManifest(reference, tags: try tags(reference, head.query)))
        case .delete: return ("manifest.delete", .delete, .deleteManifest(reference))
        default: return ("manifest.get", .read, .getManifest(reference))
        }
    }

    /// The `tag` parameters exist for manifests put by digest; elsewhere they are no parameters at all.
    private func tags(_ reference: ManifestReference, _ query: Query) throws(Problem) -> [TagName] {
        guard case .digest = reference else { return [] }
        let texts = query.all("tag")
        guard texts.count <= Self.maximumTags else {
            throw .invalid(.query, "at most \(Self.maximumTags) tags can be set at once")
        }
        var tags: [TagName] = []
        for text in texts {
            guard let tag = tagName(text) else {
                throw .invalid(.tag, "the parameter 'tag' is 1 to 128 letters, digits, '_', '.' and '-'")
            }
            if !tags.contains(tag) { tags.append(tag) }
        }
        return tags
    }

    private func openingStep(_ head: RequestHead) throws(Problem) -> Step {
        if let mounted = head.query["mount"] {
            let source = head.query["from"]
            // A source that no image can have cannot hold the blob: the client is to upload it.
            guard source.map(isImageName) ?? true else { return ("upload.open", .write, .openUpload(nil)) }
            return ("blob.mount", .write, .mount(try digest(mounted), from: source))
        }
        if let whole = head.query["digest"] { return ("blob.put", .write, .putBlob(try digest(whole))) }
        guard let hint = head.query["digest-algorithm"] else { return ("upload.open", .write, .openUpload(nil)) }
        guard let algorithm = Digest.Algorithm(rawValue: hint) else {
            throw .invalid(.digest, "the digest algorithm is sha256 or sha512")
        }
        return ("upload.open", .write, .openUpload(algorithm))
    }

    private func uploadStep(_ text: String, _ head: RequestHead) throws(Problem) -> Step {
        guard let id = UploadID(text) else { throw .unknown(.upload, "there is no such upload") }
        switch head.method {
        case .patch: return ("upload.append", .write, .upload(id, .append(try contentRange(head))))
        case .put:
            guard let text = head.query["digest"] else {
                throw .invalid(.digest, "an upload is closed with the parameter 'digest'")
            }
            return ("upload.finish", .write, .upload(id, .finish(try digest(text), try contentRange(head))))
        case .delete: return ("upload.cancel", .write, .upload(id, .cancel))
        default: return ("upload.status", .write, .upload(id, .status))
        }
    }

    private func contentRange(_ head: RequestHead) throws(Problem) -> ContentRange? {
        guard let text = head.headers[.contentRange] else { return nil }
        guard let range = ContentRange(text) else {
            throw .invalid(.range, "Content-Range is first-last, both inclusive")
        }
        guard head.contentLength.map({ $0.bytes == range.length }) ?? true else {
            throw .invalid(.size, "Content-Range and Content-Length disagree")
        }
        return range
    }

    private func digest(_ text: String) throws(Problem) -> Digest {
        guard let digest = Digest(text) else {
            throw .invalid(.digest, "a digest is 'sha256:' or 'sha512:' and lower-case hexadecimal")
        }
        return digest
    }

    /// `PUT …?tag=…&tag=…` sets at most so many.
    static let maximumTags = 64
}

/// How a manifest is named by a request.
package enum ManifestReference: Sendable, Hashable {
    case tag(TagName)
    case digest(Digest)

    var isTag: Bool {
        if case .tag = self { true } else { false }
    }
}

/// Which part of a list is wanted (`n` and `last`).
package struct Listing: Sendable, Hashable {
    /// At most `Page.maximumLimit`; zero asks whether the image exists.
    let limit: Int
    let last: String?

    /// Cuts what is more than a page to a page; clients that ask for 10,000 follow links too.
    init(_ query: Query) throws(Problem) {
        last = query["last"].flatMap { $0.isEmpty ? nil : $0 }
        guard let text = query["n"] else {
            limit = Page.maximumLimit
            return
        }
        guard !text.isEmpty, text.utf8.allSatisfy(isDigit) else {
            throw .invalid(.query, "the parameter 'n' is a number, 0 or more")
        }
        limit = min(Int(text) ?? .max, Page.maximumLimit)
    }

    var page: Page { Page(after: last, limit: limit) }
}

/// A path of the API: an image and what is asked of it. Read from the right, since an image name may have any component.
struct Route: Hashable {
    enum Resource: Hashable {
        case manifest(String), blob(String), uploads, upload(String), tags, referrers(String)

        var methods: [HTTPRequest.Method] {
            switch self {
            case .manifest: [.get, .head, .put, .delete]
            case .blob: [.get, .head, .delete]
            case .uploads: [.post]
            case .upload: [.get, .head, .patch, .put, .delete]
            case .tags, .referrers: [.get, .head]
            }
        }
    }

    /// May be empty, and is not checked yet.
    let image: String
    let resource: Resource

    init?(_ path: RequestPath) {
        let segments = path.segments
        guard segments.count >= 2 else { return nil }
        let last = segments[segments.count - 1]
        let kind = segments[segments.count - 2]
        let isSession = !path.isDirectory && kind == "uploads" && segments.dropLast(2).last == "blobs"
        switch (kind, last) {
        case ("blobs", "uploads"): resource = .uploads
        case _ where isSession: resource = .upload(last)
        case _ where path.isDirectory: return nil
        case ("manifests", _): resource = .manifest(last)
        case ("blobs", _): resource = .blob(last)
        case ("tags", "list"): resource = .tags
        case ("referrers", _): resource = .referrers(last)
        default: return nil
        }
        image = segments.dropLast(isSession ? 3 : 2).joined(separator: "/")
    }
}

/// A repository and an image together, which clients take for one name.
let maximumNameBytes = 255

/// `component(/component)*` (distribution specification, "Pulling manifests").
func isImageName(_ text: String) -> Bool {
    var rest = text.utf8[...]
    guard rest.count <= maximumNameBytes else { return false }
    while let end = rest.firstIndex(of: UInt8(ascii: "/")) {
        guard isPathComponent(rest[..<end]) else { return false }
        rest = rest[rest.index(after: end)...]
    }
    return isPathComponent(rest)
}

/// `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`; nil for anything else.
func tagName(_ text: String) -> TagName? {
    func isWord(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            || byte == UInt8(ascii: "_")
    }
    guard (1...128).contains(text.utf8.count), let first = text.utf8.first, isWord(first),
        text.utf8.allSatisfy({ isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") })
    else { return nil }
    return TagName(text)
}

func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
