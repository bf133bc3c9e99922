import FormatMaven
import GranaryCore
import GranaryModel
import GranaryTestKit
import Testing

/// Serves one Maven repository called `libs`.
func withLibs<Value: Sendable>(
    _ settings: RepositorySettings = RepositorySettings(), format: Maven = Maven(),
    _ body: @escaping @Sendable (TestServer) async throws -> Value
) async throws -> Value {
    let folder = try TemporaryDirectory()
    defer { folder.remove() }
    let new = NewRepository(name: try "libs".parsed(), format: format.name, kind: .local, settings: settings)
    return try await TestServer.run(formats: [format], repositories: [new], in: folder, body)
}

/// The least a POM says.
func pom(_ artifact: String, _ version: String, group: String = "com.acme", _ more: String = "") -> String {
    """
    <?xml version="1.0" encoding="UTF-8"?>
    <project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
    <groupId>\(group)</groupId><artifactId>\(artifact)</artifactId><version>\(version)</version>\(more)</project>
    """
}

extension TestServer {
    /// Deploys text to a path of `libs` as the administrator, and answers the status.
    func deploy(_ path: String, _ text: String = "content", _ headers: [String: String] = [:]) async throws -> Int {
        try await send("PUT", "/maven/libs/\(path)", headers, body: text.bytes).status
    }

    /// What `libs` has at a path for the administrator.
    func fetch(_ path: String, _ headers: [String: String] = [:]) async throws -> TestAnswer {
        try await send("GET", "/maven/libs/\(path)", headers)
    }
}
