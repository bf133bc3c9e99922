import FormatGeneric
import GranaryCore
import GranaryFormat
import GranaryModel
import GranaryTestKit

/// Serves a remote repository `far` of generic files whose upstream is `upstream`, and what else is given.
func withRemote<Value: Sendable>(
    of upstream: FakeUpstream, format: any PackageFormat = Generic(), path: String = "",
    _ change: (inout UpstreamSettings) -> Void = { _ in }, others: [NewRepository] = [], clock: ManualClock? = nil,
    log: CapturedLog? = nil,
    _ body: @escaping @Sendable (TestServer) async throws -> Value
) async throws -> Value {
    let folder = try TemporaryDirectory()
    defer { folder.remove() }
    var settings = UpstreamSettings(url: upstream.url + path)
    settings.allowsPrivateAddresses = true
    change(&settings)
    let far = NewRepository(
        name: try "far".parsed(), format: format.name, kind: .remote,
        settings: RepositorySettings(upstream: settings))
    return try await TestServer.run(
        formats: [format], repositories: others + [far], in: folder, clock: clock, log: log?.handler, body)
}

extension NewRepository {
    /// A local repository.
    static func local(_ name: String, _ format: any PackageFormat) throws -> NewRepository {
        NewRepository(name: try name.parsed(), format: format.name, kind: .local, settings: RepositorySettings())
    }
}

extension TestServer {
    /// Makes a virtual repository `all` as the administrator.
    func makeVirtual(
        of members: [String], format: String = "generic", deployment: String? = nil, reserved: [String] = []
    ) async throws {
        let admin = Principal(user: UserName("admin"), isAdministrator: true, scopes: nil)
        _ = try await management.create(
            NewRepository(
                name: try "all".parsed(), format: try format.parsed(), kind: .virtual,
                settings: RepositorySettings(
                    members: MemberSettings(order: members, deployment: deployment, reserved: reserved))),
            by: admin)
    }
}
