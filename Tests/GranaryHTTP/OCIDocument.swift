import FoundationEssentials

/// A reference to content.
struct OCIDescriptor: Codable, Sendable, Hashable {
    static let layer = "application/vnd.oci.image.layer.v1.tar+gzip"
    static let config = "application/vnd.oci.image.config.v1+json"

    var mediaType: String
    var digest: String
    var size: Int
    var artifactType: String?
    var annotations: [String: String]?
    var urls: [String]?

    init(_ bytes: [UInt8], mediaType: String) {
        self.mediaType = mediaType
        digest = sha256(bytes)
        size = bytes.count
    }
}

/// A manifest or an index, with its bytes fixed when it is made.
struct OCIDocument: Sendable, Hashable {
    static let manifest = "application/vnd.oci.image.manifest.v1+json"
    static let index = "application/vnd.oci.image.index.v1+json"

    let contentType: String
    let text: String

    var bytes: [UInt8] { Array(text.utf8) }
    var digest: String { sha256(bytes) }
    var descriptor: OCIDescriptor { OCIDescriptor(bytes, mediaType: contentType) }

    init(_ text: String, _ contentType: String) {
        self.text = text
        self.contentType = contentType
    }

    private init(_ fields: Fields) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys, .prettyPrinted]
        text = (try? encoder.encode(fields)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        contentType = fields.mediaType
    }

    private struct Fields: Encodable {
        var schemaVersion = 2
        var mediaType = OCIDocument.manifest
        var artifactType: String?
        var config: OCIDescriptor?
        var layers: [OCIDescriptor]?
        var manifests: [OCIDescriptor]?
        var subject: OCIDescriptor?
        var annotations: [String: String]?
    }

    static func image(
        config: OCIDescriptor, layers: [OCIDescriptor], artifactType: String? = nil, subject: OCIDescriptor? = nil,
        annotations: [String: String]? = nil, mediaType: String = manifest
    ) -> OCIDocument {
        OCIDocument(
            Fields(
                mediaType: mediaType, artifactType: artifactType, config: config, layers: layers, subject: subject,
                annotations: annotations))
    }

    static func index(
        _ manifests: [OCIDescriptor], artifactType: String? = nil, subject: OCIDescriptor? = nil,
        mediaType: String = index
    ) -> OCIDocument {
        OCIDocument(
            Fields(mediaType: mediaType, artifactType: artifactType, manifests: manifests, subject: subject))
    }
}
