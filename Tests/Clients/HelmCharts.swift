import Foundation
import GranaryTestKit

/// A repository of charts on a server, as Helm sees it.
struct HelmRepository: Sendable {
    /// Helm's own library in an environment of Python, below `.build/clients`.
    static let python = "helm/bin/python"

    let server: Server
    let name: String

    /// As `helm repo add` takes it.
    var url: String { "\(server.url)/helm/\(name)" }
    /// For curl's `-u`.
    var credentials: String { server.credentials }
}

/// Runs `body` with a server that has a repository of charts, and with a sandbox whose Helm knows of nothing else.
func withHelmRepository(
    anonymousRead: Bool = false, _ body: (HelmRepository, Sandbox) async throws -> Void
) async throws {
    try await withServer { server, sandbox in
        var sandbox = sandbox
        let home = sandbox.folder.appending(path: "home").path
        sandbox.environment.merge([
            "HELM_CACHE_HOME": "\(home)/helm/cache", "HELM_CONFIG_HOME": "\(home)/helm/config",
            "HELM_DATA_HOME": "\(home)/helm/data"
        ]) { _, new in new }
        let repository = HelmRepository(server: server, name: "charts")
        let settings =
            #"{"name":"charts","format":"helm","kind":"local","settings":{"anonymousRead":\#(anonymousRead)}}"#
        let made = try await sandbox.curl(
            "-u", server.credentials, "-H", "Content-Type: application/json", "-d", settings,
            "\(server.url)/api/v1/repositories")
        guard made.status == 201 else { throw ServerFailure(description: "no repository was made: \(made)") }
        try await body(repository, sandbox)
    }
}

extension Sandbox {
    /// Runs one verb of Helm, by the script that gives its library a command line, whatever comes of it.
    func attemptHelm(_ arguments: String...) async throws -> Program.Output {
        try await attempt(HelmRepository.python, [Self.fixture("helm-sdk.py")] + arguments)
    }

    /// The same, which must succeed; answers the last line, which is what the verb came to.
    @discardableResult
    func helm(_ arguments: String...) async throws -> String {
        let ran = try await run(HelmRepository.python, [Self.fixture("helm-sdk.py")] + arguments)
        return ran.lines.last ?? ""
    }

    /// Has Helm pack a chart with one template, and answers where the archive is.
    func packChart(_ name: String, _ version: String, more: String = "", into folder: String = "out") async throws
        -> String
    {
        try write(
            """
            apiVersion: v2
            name: \(name)
            version: \(version)
            appVersion: "5.0"
            description: What tests install
            \(more)
            """, to: "\(name)/Chart.yaml")
        try write("greeting: hello\n", to: "\(name)/values.yaml")
        try write(
            """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: {{ .Release.Name }}}
            data: {greeting: {{ .Values.greeting | quote }}}
            """, to: "\(name)/templates/map.yaml")
        try FileManager.default.createDirectory(atPath: path(folder), withIntermediateDirectories: true)
        return try await helm("package", path(name), path(folder))
    }

    /// Uploads an archive as the interface of ChartMuseum takes it.
    func uploadChart(_ archive: String, to repository: HelmRepository) async throws -> CurlAnswer {
        try await curl("-u", repository.credentials, "--data-binary", "@\(archive)", "\(repository.url)/api/charts")
    }

    /// Packs a chart and uploads it.
    @discardableResult
    func publishChart(
        _ repository: HelmRepository, _ name: String, _ version: String, more: String = ""
    ) async throws -> String {
        let archive = try await packChart(name, version, more: more)
        let answer = try await uploadChart(archive, to: repository)
        guard answer.status == 201 else { throw ServerFailure(description: "\(name) was refused: \(answer.text)") }
        return archive
    }
}
