/// Manifests that need no blobs.
enum Manifests {
    static let indexType = "application/vnd.oci.image.index.v1+json"

    /// An index of nothing, made unique by an annotation.
    static func emptyIndex(_ mark: String) -> Payload {
        let text = """
            {"schemaVersion":2,"mediaType":"\(indexType)","manifests":[],"annotations":{"build":"\(mark)"}}
            """
        return Payload(Array(text.utf8))
    }
}
