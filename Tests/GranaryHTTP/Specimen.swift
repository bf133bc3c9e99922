import FormatGeneric
import FormatHelm
import FormatMaven
import FormatNPM
import FormatOCI
import FormatPyPI
import GranaryCore
import GranaryFormat
import GranaryModel
import GranaryTestKit

/// One package of a format, and where it is found: what every kind of repository of every format must do is tried with it.
struct Specimen: Sendable, CustomStringConvertible {
    let format: any PackageFormat
    /// Where an upstream has the repository `home`, after its origin.
    let upstream: String
    /// What stands before the package's addresses in a repository whose upstream is that one.
    var prefix = ""
    /// A list that has `needle` in it.
    let index: String
    let needle: String
    /// A file that never changes, and what it is.
    let file: String
    let bytes: [UInt8]
    /// Something that is there since a moment.
    let dated: String
    /// What nobody has, of the same package.
    let missing: String
    /// Publishes it to a repository, with what stands before its addresses; answers the status of what was refused, or of the end.
    let publish: @Sendable (_ server: TestServer, _ repository: String, _ prefix: String) async throws -> Int

    var description: String { format.name.text }

    static let all: [Specimen] = [generic, npm, maven, pypi, helm, oci]

    private static let generic = Specimen(
        format: Generic(), upstream: "generic/home/", index: "lib/a.txt", needle: "a file", file: "lib/a.txt",
        bytes: Array("a file".utf8), dated: "lib/a.txt", missing: "lib/none"
    ) { server, repository, _ in
        try await server.send("PUT", "/generic/\(repository)/lib/a.txt", body: Array("a file".utf8)).status
    }

    private static let npm = Specimen(
        format: NPM(), upstream: "npm/home/", index: "left", needle: "1.0.0", file: "left/-/left-1.0.0.tgz",
        bytes: HandmadeTar.package("left", "1.0.0"), dated: "left/-/left-1.0.0.tgz", missing: "left/-/left-9.0.0.tgz"
    ) { server, repository, _ in try await server.publish("left", "1.0.0", to: repository).status }

    private static let maven = Specimen(
        format: Maven(), upstream: "maven/home/", index: "com/acme/tool/maven-metadata.xml",
        needle: "<version>1.0</version>", file: "com/acme/tool/1.0/tool-1.0.pom", bytes: Array(pom("tool", "1.0").utf8),
        dated: "com/acme/tool/1.0/tool-1.0.pom", missing: "com/acme/tool/9.0/tool-9.0.pom"
    ) { server, repository, _ in
        let path = "/maven/\(repository)/com/acme/tool/1.0/tool-1.0.pom"
        return try await server.send("PUT", path, body: Array(pom("tool", "1.0").utf8)).status
    }

    private static let pypi = Specimen(
        format: PyPI(), upstream: "pypi/home/simple/", index: "simple/my-pkg/", needle: "my_pkg-1.0",
        file: TestDistribution().url, bytes: TestDistribution().bytes, dated: TestDistribution().url,
        missing: "packages/my-pkg/9.0/my_pkg-9.0-py3-none-any.whl"
    ) { server, repository, _ in try await server.upload(TestDistribution(), to: "\(repository)/").status }

    private static let helm = Specimen(
        format: Helm(), upstream: "helm/home/", index: "index.yaml", needle: "my-chart",
        file: "charts/my-chart-1.0.0.tgz", bytes: TestChart().bytes, dated: "charts/my-chart-1.0.0.tgz",
        missing: "charts/my-chart-9.0.0.tgz"
    ) { server, repository, _ in
        try await server.send("POST", "/helm/\(repository)/api/charts", body: TestChart().bytes).status
    }

    private static let config = Array(#"{"seed":"contract"}"#.utf8)

    /// Of a registry, a repository is the beginning of a name.
    private static let oci = Specimen(
        format: OCI(), upstream: "", prefix: "home/", index: "app/tags/list", needle: "v1",
        file: "app/blobs/\(sha256(config))", bytes: config, dated: "app/manifests/v1", missing: "app/manifests/none"
    ) { server, repository, prefix in
        let image = server.image("\(repository)/\(prefix)app")
        let layer = OCIDescriptor(Array("layer".utf8), mediaType: OCIDescriptor.layer)
        for (bytes, digest) in [(config, sha256(config)), (Array("layer".utf8), layer.digest)] {
            let answer = try await image.send("POST", "blobs/uploads/?digest=\(digest)", body: bytes)
            guard answer.status == 201 else { return answer.status }
        }
        let manifest = OCIDocument.image(
            config: OCIDescriptor(config, mediaType: OCIDescriptor.config), layers: [layer])
        return try await image.put(manifest, at: "v1").status
    }
}
