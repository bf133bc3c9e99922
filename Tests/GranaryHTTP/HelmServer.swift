import Crypto
import FormatHelm
import GranaryCore
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

/// Serves chart repositories, by name, from a fresh folder.
func withCharts(
    _ repositories: [String: RepositorySettings] = ["charts": RepositorySettings()], format: Helm = Helm(),
    _ body: @escaping @Sendable (TestServer) async throws -> Void
) async throws {
    let folder = try TemporaryDirectory()
    defer { folder.remove() }
    let new = try repositories.map { name, settings in
        NewRepository(name: try name.parsed(), format: format.name, kind: .local, settings: settings)
    }
    try await TestServer.run(formats: [format], repositories: new, in: folder, body)
}

/// A chart that is as small as can be, and what is sent to publish it.
struct TestChart: Sendable {
    var name = "my-chart"
    var version = "1.0.0"
    /// More lines of Chart.yaml.
    var more = "description: one\n"
    /// What else is in it, so that two can differ.
    var values = "x: 1\n"

    var stem: String { "\(name)-\(version)" }
    var yaml: String { "apiVersion: v2\nname: \(name)\nversion: \(version)\n\(more)" }
    var url: String { "/helm/charts/charts/\(stem).tgz" }

    var bytes: [UInt8] {
        Archives.gzip(Archives.tar([.init("\(name)/Chart.yaml", yaml), .init("\(name)/values.yaml", values)]))
    }

    /// A message of the right form, with a signature that is none.
    var provenance: [UInt8] {
        Array(
            """
            -----BEGIN PGP SIGNED MESSAGE-----
            Hash: SHA512

            \(yaml)
            ...
            files:
              \(stem).tgz: sha256:\(hexadecimal(SHA256.hash(data: bytes)))
            -----BEGIN PGP SIGNATURE-----

            wsBcBAEBCgAQBQJ
            -----END PGP SIGNATURE-----

            """.utf8)
    }

    static let contentType = ["Content-Type": "multipart/form-data; boundary=frontier"]

    /// A form of fields that are files.
    static func form(_ fields: [(name: String, content: [UInt8])]) -> [UInt8] {
        fields.flatMap { name, content in
            Array(
                "--frontier\r\nContent-Disposition: form-data; name=\"\(name)\"; filename=\"/home/al/x.tgz\"\r\n\r\n"
                    .utf8)
                + content + Array("\r\n".utf8)
        } + Array("--frontier--\r\n".utf8)
    }
}

extension TestServer {
    /// Sends a chart as the administrator, as curl's `--data-binary` does.
    func upload(
        _ chart: TestChart, authorization: String? = basic(administrator.user, administrator.password)
    ) async throws -> TestAnswer {
        try await send(
            "POST", "/helm/charts/api/charts", ["Content-Type": "application/x-www-form-urlencoded"], body: chart.bytes,
            authorization: authorization)
    }

    /// Publishes what a test needs to be there.
    func publish(_ charts: TestChart...) async throws {
        for chart in charts {
            let answer = try await upload(chart)
            try #require(answer.status == 201, "\(answer.text)")
        }
    }

    /// The versions of each chart in the index, as one who asks sees them.
    func chartIndex(
        authorization: String? = basic(administrator.user, administrator.password)
    ) async throws -> [String: [String]] {
        let answer = try await send("GET", "/helm/charts/index.yaml", authorization: authorization)
        try #require(answer.status == 200, "\(answer.text)")
        let entries = try RawJSON(answer.body)["entries"]?.members ?? []
        return Dictionary(
            uniqueKeysWithValues: entries.map { name, versions in
                (name, versions.elements?.compactMap { $0["version"]?.string } ?? [])
            })
    }
}
