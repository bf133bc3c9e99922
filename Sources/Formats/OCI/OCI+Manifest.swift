import FoundationEssentials
import GranaryFormat
import GranaryModel
import NIOCore

/// What Granary reads of a manifest. Its bytes are stored and served as they came; this is for the index only.
struct Manifest: Sendable, Equatable {
    /// The specification wants 4 MiB accepted ("Pushing manifests").
    static let maximumSize = ByteCount.mebibytes(4)
    static let maximumDepth = 32
    /// Objects, arrays and their entries.
    static let maximumValues = 200_000
    /// Entries of `layers`, `blobs` and `manifests`.
    static let maximumReferences = 8192

    /// How strictly the fields are read.
    enum Kind: Sendable { case image, index, artifact, other }

    let mediaType: MediaType
    let kind: Kind
    let artifactType: String
    let annotations: [String: String]
    /// Configuration and layers, each digest once.
    let content: [Descriptor]
    /// What an index lists, each digest once.
    let members: [Descriptor]
    let subject: Digest?

    /// Throws `.invalid(.content, …)` for what no registry should take, and for what two readers could take for two things.
    init(_ bytes: ByteBuffer, contentType: String?) throws(Problem) {
        let view = bytes.readableBytesView
        guard isModestObject(view, depth: Self.maximumDepth, values: Self.maximumValues) else {
            throw Self.invalid(
                "is a JSON object of at most \(Self.maximumDepth) levels and \(Self.maximumValues) values")
        }
        // Of two members with the same name, one reader takes the first and another one the last.
        let json = try RawJSON(view)
        let data = Data(view)
        guard let outline = try? JSONDecoder().decode(Outline.self, from: data) else {
            throw Self.invalid("is a JSON object with a mediaType that is text")
        }
        mediaType = try Self.mediaType(outline.mediaType, contentType)
        kind = try Self.kind(mediaType, outline)
        try (kind == .other ? ManifestFields.other : .image).check(json)
        let body = try Self.body(data, kind)
        let found = try Self.references(body, kind)
        content = found.content
        members = found.members
        subject = try body.subject.map(Self.digest)
        annotations = body.annotations ?? [:]
        artifactType = try Self.artifactType(body, kind)
    }

    static func invalid(_ wanted: String) -> Problem { .invalid(.content, "a manifest \(wanted)") }

    // MARK: Steps

    /// The type it is stored and served under, without the parameters a client may have added.
    private static func mediaType(_ inside: String?, _ contentType: String?) throws(Problem) -> MediaType {
        guard let text = contentType ?? inside, let outer = MediaType(text) else {
            throw invalid("has a media type, in Content-Type or in the field mediaType")
        }
        guard let inside else {
            guard let bare = MediaType(bareType(outer.text)) else { throw invalid("has a media type") }
            return bare
        }
        guard let inner = MediaType(inside), inner.essence == outer.essence else {
            throw invalid("has the same media type in Content-Type and in the field mediaType")
        }
        return inner
    }

    private static func bareType(_ text: String) -> String {
        String(text.prefix { $0 != ";" }.split(separator: " ").joined(separator: " "))
    }

    private static func kind(_ mediaType: MediaType, _ outline: Outline) throws(Problem) -> Kind {
        if refusedTypes.contains(mediaType.essence) || outline.schemaVersion == 1 {
            throw invalid("of schema version 1 is not supported; push the image with a current client")
        }
        guard !(outline.hasLayers && outline.hasManifests) else {
            throw invalid("has either layers or manifests, not both")
        }
        switch mediaType.essence {
        case MediaType.imageManifest.text, "application/vnd.docker.distribution.manifest.v2+json":
            guard !outline.hasManifests else { throw invalid("of an image lists no manifests") }
            return .image
        case MediaType.imageIndex.text, "application/vnd.docker.distribution.manifest.list.v2+json":
            guard !outline.hasLayers, !outline.hasConfig else { throw invalid("that is an index has no image content") }
            return .index
        case "application/vnd.oci.artifact.manifest.v1+json":
            return .artifact
        default:
            return .other
        }
    }

    private static let refusedTypes: Set<String> = [
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws"
    ]

    /// A manifest of a type unknown to Granary may have fields of the same names with another meaning.
    private static func body(_ data: Data, _ kind: Kind) throws(Problem) -> Body {
        guard let body = try? JSONDecoder().decode(Body.self, from: data),
            kind != .other || body.descriptors.allSatisfy({ Digest($0.digest) != nil })
        else {
            guard kind == .other else {
                throw invalid("of this media type has well-formed descriptors and annotations")
            }
            return Body()
        }
        if kind == .image, body.config == nil { throw invalid("of an image has a config") }
        return body
    }

    private static func references(
        _ body: Body, _ kind: Kind
    ) throws(Problem) -> (content: [Descriptor], members: [Descriptor]) {
        let content = [body.config].compactMap(\.self) + (body.layers ?? []) + (body.blobs ?? [])
        let members = body.manifests ?? []
        guard content.count + members.count <= maximumReferences else {
            throw invalid("refers to at most \(maximumReferences) things")
        }
        return (try distinct(content), try distinct(members))
    }

    private static func distinct(_ descriptors: [Descriptor]) throws(Problem) -> [Descriptor] {
        var seen: Set<String> = []
        for descriptor in descriptors {
            _ = try digest(descriptor)
            guard descriptor.size ?? 0 >= 0 else { throw invalid("has descriptors with a size of 0 or more") }
        }
        return descriptors.filter { seen.insert($0.digest).inserted }
    }

    private static func digest(_ descriptor: Descriptor) throws(Problem) -> Digest {
        guard let digest = Digest(descriptor.digest) else {
            throw invalid("has descriptors with sha256 or sha512 digests")
        }
        return digest
    }

    private static func artifactType(_ body: Body, _ kind: Kind) throws(Problem) -> String {
        let own = body.artifactType.flatMap { $0.isEmpty ? nil : $0 }
        let text = own ?? (kind == .image ? body.config?.mediaType : nil) ?? ""
        guard text.utf8.count <= MediaType.maximumBytes, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw invalid(
                "has an artifactType, or a config with a mediaType, of at most \(MediaType.maximumBytes) bytes")
        }
        return text
    }

    /// What decides how the rest is read. A field that is null counts as absent.
    private struct Outline: Decodable {
        let schemaVersion: Int?
        let mediaType: String?
        let hasConfig: Bool
        let hasLayers: Bool
        let hasManifests: Bool

        enum CodingKeys: String, CodingKey { case schemaVersion, mediaType, config, layers, manifests }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            func has(_ key: CodingKeys) throws -> Bool {
                guard fields.contains(key) else { return false }
                return try fields.decodeNil(forKey: key) == false
            }
            schemaVersion = try? fields.decodeIfPresent(Int.self, forKey: .schemaVersion)
            mediaType = try fields.decodeIfPresent(String.self, forKey: .mediaType).flatMap { $0.isEmpty ? nil : $0 }
            hasConfig = try has(.config)
            hasLayers = try has(.layers)
            hasManifests = try has(.manifests)
        }
    }

    private struct Body: Decodable {
        var artifactType: String?
        var config: Descriptor?
        var layers: [Descriptor]?
        var blobs: [Descriptor]?
        var manifests: [Descriptor]?
        var subject: Descriptor?
        var annotations: [String: String]?

        var descriptors: [Descriptor] {
            [config, subject].compactMap(\.self) + (layers ?? []) + (blobs ?? []) + (manifests ?? [])
        }
    }
}

/// A reference to content (image specification, "Descriptor"), as far as it is passed on.
struct Descriptor: Codable, Sendable, Hashable {
    var mediaType: String?
    var digest: String
    var size: Int64?
    var artifactType: String?
    var annotations: [String: String]?

    /// Layers whose bytes may be somewhere else by licence; the registry need not hold them.
    var isForeign: Bool {
        guard let type = mediaType?.lowercased() else { return false }
        return type.contains("nondistributable") || type.contains(".foreign.")
    }

    /// Whether an index means a manifest by it. BuildKit's cache indexes list layers.
    var isManifest: Bool {
        guard let type = mediaType?.lowercased() else { return false }
        return type.contains("manifest") || type == MediaType.imageIndex.text
    }
}

extension MediaType {
    static let imageManifest = MediaType(checked: "application/vnd.oci.image.manifest.v1+json")
    static let imageIndex = MediaType(checked: "application/vnd.oci.image.index.v1+json")
}

/// Whether `bytes` look like one JSON object within the limits. Cheap, so that a decoder never sees hostile nesting;
/// whether it is JSON at all is for the decoder to say.
func isModestObject(_ bytes: some Sequence<UInt8>, depth limit: Int, values maximum: Int) -> Bool {
    var depth = 0
    var values = 0
    var isText = false
    var isEscaped = false
    var hasBegun = false
    for byte in bytes {
        if isText {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isText = false
            }
            continue
        }
        switch byte {
        case UInt8(ascii: "\""): isText = true
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard hasBegun || byte == UInt8(ascii: "{") else { return false }
            hasBegun = true
            depth += 1
            values += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
        case UInt8(ascii: ","): values += 1
        case 0: return false
        default: break
        }
        guard (0...limit).contains(depth), values <= maximum else { return false }
    }
    return hasBegun && depth == 0
}
