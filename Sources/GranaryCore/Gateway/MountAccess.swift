import GranaryPorts
import GranaryFormat
import GranaryModel
import GranaryPolicy
import GranaryStore

/// What a format reaches when a request addresses no repository: the names the caller may see, and tokens.
struct MountAccess: ServiceAccess {
    let format: FormatName
    let principal: Principal
    /// The address of the client.
    let peer: String
    let services: Services
    let identity: Identity
    let caller: any CallerAccess

    func catalog(_ page: Page) async throws(Problem) -> (addresses: [String], hasMore: Bool) {
        guard principal.mayList else { throw .insufficientScope }
        var found: [String] = []
        for repository in services.snapshot.value.repositories(of: format) {
            found += try await addresses(in: repository, page)
        }
        found.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return (Array(found.prefix(page.limit)), found.count > page.limit)
    }

    /// One more than the page holds, so that the caller sees whether there are more.
    private func addresses(in repository: Repository, _ page: Page) async throws(Problem) -> [String] {
        let prefix = repository.settings.isDefault ? "" : "\(repository.name)/"
        guard let start = start(after: page.after ?? "", prefix: prefix) else { return [] }
        var cursor = start
        var found: [String] = []
        while found.count <= page.limit {
            let limit = max(page.limit, 100) + 1
            let after = cursor
            let names = try await services.performing {
                try await services.driver.read {
                    try ContentRows($0).packages(in: repository.id, after: after, limit: limit)
                }
            }
            found += names.filter { mayRead($0, in: repository) }.map { prefix + $0.text }
            guard names.count == limit, let last = names.last else { break }
            cursor = last.text
        }
        return Array(found.prefix(page.limit + 1))
    }

    /// Where a repository's names go on when addresses up to `after` are done; nil when all of them are.
    private func start(after: String, prefix: String) -> String? {
        if prefix.isEmpty || after.isEmpty { return after }
        if after.hasPrefix(prefix) { return String(after.dropFirst(prefix.count)) }
        return after.utf8.lexicographicallyPrecedes(prefix.utf8) ? "" : nil
    }

    private func mayRead(_ package: PackageName, in repository: Repository) -> Bool {
        services.snapshot.value.verdict(principal.unlimited, .read, on: repository, package) == .allowed
    }

    func issueToken(
        for requests: [ScopeRequest], listing: Bool, login: (user: String, secret: String)?
    ) async throws(Problem) -> IssuedToken {
        var caller = principal
        if let login {
            caller = try await identity.authenticator.authenticate(
                user: login.user, secret: login.secret, from: peer)
        }
        let snapshot = services.snapshot.value
        var scopes: [Scope] = []
        var granted: [ScopeRequest] = []
        for request in requests {
            let scope = snapshot.address(request.address, format: format).map { repository, package in
                Scope(
                    repository: repository.name, package: package,
                    rights: request.rights.intersection(held(by: caller, on: repository, package, snapshot)))
            }
            if let scope, !scope.rights.isEmpty { scopes.append(scope) }
            granted.append(ScopeRequest(address: request.address, rights: scope?.rights ?? []))
        }
        return try await identity.signer.issue(
            to: caller.user, scopes: scopes, mayList: listing && caller.scopes == nil, granted: granted)
    }

    private func held(
        by caller: Principal, on repository: Repository, _ package: PackageName, _ snapshot: Snapshot
    ) -> Rights {
        // A token that reaches only so far must not fetch one that reaches further.
        guard caller.scopes == nil else { return [] }
        func rights(on repository: Repository) -> Rights {
            let question = Authorization.Question(
                rights: [], repository: repository.name, anonymousRead: repository.settings.anonymousRead,
                package: package)
            return Authorization.rights(of: caller, on: question, grants: snapshot.grants)
        }
        let own = rights(on: repository)
        guard repository.kind == .virtual else { return own }
        // What is published there goes to a member.
        return own.intersection(.read).union(
            rights(on: snapshot.target(of: .write, repository)).subtracting(.read))
    }
}

extension Snapshot {
    /// The package that an address names: `repository/package`, or `package` in the default repository.
    func address(_ address: String, format: FormatName) -> (Repository, PackageName)? {
        let parts = address.split(separator: "/", maxSplits: 1)
        if parts.count == 2, let name = RepositoryName(String(parts[0])), let repository = repositories[name],
            repository.format == format, let package = PackageName(String(parts[1]))
        {
            return (repository, package)
        }
        guard let repository = defaultRepository(of: format), let package = PackageName(address) else { return nil }
        return (repository, package)
    }
}
