/// An image as it is pushed: bodies, and a manifest that lists them.
struct Image: Sendable {
    static let manifestType = "application/vnd.oci.image.manifest.v1+json"

    let layers: [Payload]
    let config: Payload
    let manifest: Payload

    /// Everything but the manifest, in the order in which clients push.
    var blobs: [Payload] { layers + [config] }

    var size: Int { blobs.reduce(manifest.size) { $0 + $1.size } }

    init(layers: [Payload], config: Payload) {
        self.layers = layers
        self.config = config
        let listed = layers.map { Self.descriptor("application/vnd.oci.image.layer.v1.tar+gzip", $0) }
        let text = """
            {"schemaVersion":2,"mediaType":"\(Self.manifestType)",\
            "config":\(Self.descriptor("application/vnd.oci.image.config.v1+json", config)),\
            "layers":[\(listed.joined(separator: ","))]}
            """
        manifest = Payload(Array(text.utf8))
    }

    /// An image of new layers of the given sizes, and a new configuration of at least `configSize` bytes.
    static func unique(layerSizes: [Int], configSize: Int = 0, from maker: PayloadMaker) throws -> Image {
        let config = """
            {"architecture":"amd64","os":"linux","config":{"Labels":{"build":"\(maker.uniqueName())"}},\
            "rootfs":{"type":"layers","diff_ids":[]}}
            """
        let padding = Array(repeating: UInt8(ascii: " "), count: max(0, configSize - config.utf8.count))
        return Image(layers: try layerSizes.map(maker.payload), config: Payload(Array(config.utf8) + padding))
    }

    private static func descriptor(_ type: String, _ payload: Payload) -> String {
        #"{"mediaType":"\#(type)","digest":"\#(payload.digest)","size":\#(payload.size)}"#
    }
}
