import Crypto
import FoundationEssentials

/// A small wheel (PyPA binary distribution format): one module, and metadata that fit its name.
struct Wheel: Sendable {
    /// As it is normalized, with hyphens.
    let project: String
    let version: String
    /// Tells the files of one version apart; nil where there is one only.
    let build: Int?
    let content: [UInt8]

    /// The name of the file.
    var name: String {
        let build = build.map { "-\($0)" } ?? ""
        return "\(Self.escaped(project))-\(version)\(build)-py3-none-any.whl"
    }

    /// `mark` makes the bytes unique.
    init(_ project: String, _ version: String, build: Int? = nil, mark: String) {
        (self.project, self.version, self.build) = (project, version, build)
        let module = Self.escaped(project)
        let folder = "\(module)-\(version).dist-info"
        let metadata = """
            Metadata-Version: 2.1
            Name: \(project)
            Version: \(version)
            Summary: A wheel of a benchmark
            License: Apache-2.0
            Requires-Python: >=3.8
            Requires-Dist: packaging (>=20)

            """
        let tags = "Wheel-Version: 1.0\nGenerator: granary-bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        let files = [
            ("\(module).py", "mark = \"\(mark)\"\n" + Self.padding), ("\(folder)/METADATA", metadata),
            ("\(folder)/WHEEL", tags)
        ].map { ($0.0, Array($0.1.utf8)) }
        let lines = files.map { "\($0.0),sha256=\(Self.recordDigest($0.1)),\($0.1.count)\n" }
        var zip = ZipWriter()
        for (name, bytes) in files { zip.add(name, bytes) }
        zip.add("\(folder)/RECORD", Array((lines.joined() + "\(folder)/RECORD,,\n").utf8))
        content = zip.archive
    }

    /// A module of some 2 KiB.
    private static let padding = String(repeating: "# What a module says, line by line.\n", count: 56)

    private static func escaped(_ project: String) -> String { String(project.map { $0 == "-" ? "_" : $0 }) }

    /// As a wheel's RECORD has digests: base64 for addresses, without padding.
    private static func recordDigest(_ bytes: [UInt8]) -> String {
        let text = Data(SHA256.hash(data: bytes)).base64EncodedString()
        return String(text.filter { $0 != "=" }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
    }

    /// The form that twine posts, its fields in twine's order; the boundary must not be in the wheel.
    func form(boundary: String) -> Payload {
        let digest = Payload.text(of: SHA256.hash(data: content)).dropFirst("sha256:".count)
        let fields = [
            ("name", project), ("version", version), ("filetype", "bdist_wheel"), ("pyversion", "py3"),
            ("metadata_version", "2.1"), ("summary", "A wheel of a benchmark"), ("license", "Apache-2.0"),
            ("requires_python", ">=3.8"), ("requires_dist", "packaging (>=20)"), ("sha256_digest", String(digest)),
            (":action", "file_upload"), ("protocol_version", "1")
        ]
        let text = fields.map { name, value in
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
        }.joined()
        let file = """
            --\(boundary)\r\nContent-Disposition: form-data; name="content"; filename="\(name)"\r
            Content-Type: application/octet-stream\r\n\r\n
            """
        return Payload(Array((text + file).utf8) + content + Array("\r\n--\(boundary)--\r\n".utf8))
    }
}
