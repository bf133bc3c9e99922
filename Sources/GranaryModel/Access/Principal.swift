/// Who makes a request, and how far the credential they showed reaches.
package struct Principal: Sendable, Hashable {
    /// Nil is somebody unknown.
    package let user: UserName?
    package let isAdministrator: Bool
    /// What the credential is limited to; nil where it stands for all of its user's rights.
    package let scopes: [Scope]?
    /// Whether the credential may be used to list the names of packages.
    package let mayList: Bool

    package init(user: UserName?, isAdministrator: Bool, scopes: [Scope]?, mayList: Bool = true) {
        self.user = user
        self.isAdministrator = isAdministrator
        self.scopes = scopes
        self.mayList = mayList
    }

    /// The same identity as if it had come with its whole credential.
    package var unlimited: Principal { Principal(user: user, isAdministrator: isAdministrator, scopes: nil) }

    /// The same identity with a credential that reaches the members of a virtual repository as far as it reaches that: what
    /// somebody may do there is asked of each member besides.
    package func reaching(_ members: [RepositoryName], through virtual: RepositoryName) -> Principal {
        guard let scopes else { return self }
        let added = scopes.filter { $0.repository == virtual }.flatMap { scope in
            members.map { Scope(repository: $0, package: scope.package, rights: scope.rights) }
        }
        return Principal(
            user: user, isAdministrator: isAdministrator, scopes: scopes + added, mayList: mayList)
    }

    /// Somebody who showed no credential.
    package static let anonymous = Principal(user: nil, isAdministrator: false, scopes: nil)

    /// How the history calls them.
    package var actor: String { user?.text ?? "anonymous" }
}

/// Rights on one package of one repository, as a short-lived token carries them.
package struct Scope: Sendable, Hashable, Codable {
    package let repository: RepositoryName
    package let package: PackageName
    package let rights: Rights

    package init(repository: RepositoryName, package: PackageName, rights: Rights) {
        self.repository = repository
        self.package = package
        self.rights = rights
    }

    private enum CodingKeys: String, CodingKey { case repository = "r", package = "p", rights = "a" }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        repository = try container.decode(RepositoryName.self, forKey: .repository)
        package = try container.decode(PackageName.self, forKey: .package)
        rights = Rights(rawValue: try container.decode(Int.self, forKey: .rights))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(repository, forKey: .repository)
        try container.encode(package, forKey: .package)
        try container.encode(rights.rawValue, forKey: .rights)
    }
}
