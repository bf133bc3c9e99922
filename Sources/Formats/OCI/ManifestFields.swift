import GranaryFormat

/// The fields that the specification has for an object of a manifest. Some readers find them whatever the case of their
/// letters, and would take `Layers` for the layers.
struct ManifestFields {
    private let namesByFolded: [String: String]
    /// Of those that are objects themselves, or arrays of them.
    private let inner: [String: ManifestFields]

    private init(_ names: [String], objects inner: [String: ManifestFields] = [:]) {
        namesByFolded = Dictionary(
            (names + inner.keys).map { (folded($0), $0) }, uniquingKeysWith: { first, _ in first })
        self.inner = inner
    }

    static let image = ManifestFields(
        ["schemaVersion", "mediaType", "artifactType", "annotations"],
        objects: [
            "config": descriptor, "layers": descriptor, "blobs": descriptor, "manifests": descriptor,
            "subject": descriptor
        ])
    /// Of a manifest that nothing is known of.
    static let other = ManifestFields(["mediaType"])
    private static let descriptor = ManifestFields(
        ["mediaType", "digest", "size", "urls", "annotations", "data", "artifactType"], objects: ["platform": platform])
    private static let platform = ManifestFields(
        ["architecture", "os", "os.version", "os.features", "variant", "features"])

    /// Throws `.invalid(.content, …)` for a field that is spelled in other letters. Values that are no objects pass.
    func check(_ object: RawJSON) throws(Problem) {
        for (name, value) in object.members ?? [] {
            guard let field = namesByFolded[folded(name)] else { continue }
            guard field == name else { throw Manifest.invalid("spells the field '\(field)' in these letters only") }
            guard let fields = inner[field] else { continue }
            for element in value.elements ?? [value] { try fields.check(element) }
        }
    }
}

/// Some letters have another one in upper case only (`ſ`), some in lower case only (the sign of Kelvin).
private func folded(_ name: String) -> String { name.lowercased().uppercased() }
