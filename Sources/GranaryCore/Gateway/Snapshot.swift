package import GranaryModel
package import GranaryPolicy
package import GranaryPorts
import GranaryStore
import Synchronization

/// What every request needs to know of the configuration, in memory: repositories, users and grants at one moment.
package struct Snapshot: Sendable {
    package let repositories: [RepositoryName: Repository]
    package let users: [UserName: User]
    package let grants: [Grant]
    /// The position of the history it was read at.
    fileprivate let position: SequenceNumber
    private let defaults: [FormatName: Repository]

    package init(repositories: [Repository], users: [User], grants: [Grant], position: SequenceNumber = .start) {
        self.position = position
        self.repositories = Dictionary(uniqueKeysWithValues: repositories.map { ($0.name, $0) })
        self.users = Dictionary(uniqueKeysWithValues: users.map { ($0.name, $0) })
        self.grants = grants
        defaults = Dictionary(
            repositories.filter(\.settings.isDefault).map { ($0.format, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The repository that takes the names no other repository of the format has.
    package func defaultRepository(of format: FormatName) -> Repository? { defaults[format] }

    /// The repositories of a format, by name.
    package func repositories(of format: FormatName) -> [Repository] {
        repositories.values.filter { $0.format == format }.sorted { $0.name < $1.name }
    }

    /// The members of a virtual repository, in order; those that are none any more are left out.
    package func members(of settings: MemberSettings) -> [Repository] {
        settings.order.compactMap { name in
            RepositoryName(name).flatMap { repositories[$0] }.flatMap { $0.kind == .virtual ? nil : $0 }
        }
    }

    /// The repository that rights are needed on: of a virtual one, the member that takes what is published.
    func target(of rights: Rights, _ repository: Repository) -> Repository {
        guard repository.kind == .virtual, !rights.isSubset(of: .read),
            let name = repository.settings.members?.deployment.flatMap({ RepositoryName($0) })
        else { return repository }
        return repositories[name] ?? repository
    }

    /// The repository of a row's number.
    package func repository(_ id: RepositoryID) -> Repository? {
        repositories.values.first { $0.id == id }
    }

    /// Whether somebody unknown may read all there is of a format.
    package func isPublic(_ format: FormatName) -> Bool {
        repositories.values.allSatisfy { $0.format != format || $0.settings.anonymousRead }
    }

    /// What somebody may do to at least some package of a repository.
    package func rights(of principal: Principal, on repository: Repository) -> Rights {
        let question = Authorization.Question(
            rights: [], repository: repository.name, anonymousRead: repository.settings.anonymousRead, package: nil)
        return Authorization.rights(of: principal, on: question, grants: grants)
    }

    /// Whether a caller has rights on a package, or, with none, on at least one package of the repository.
    package func verdict(
        _ principal: Principal, _ rights: Rights, on repository: Repository, _ package: PackageName?
    ) -> Authorization.Verdict {
        Authorization.decide(
            principal,
            Authorization.Question(
                rights: rights, repository: repository.name, anonymousRead: repository.settings.anonymousRead,
                package: package),
            grants: grants)
    }
}

extension Snapshot {
    /// Whether a caller may read every package of a repository, those to come among them.
    func mayReadEverything(_ principal: Principal, of repository: Repository) -> Bool {
        let question = Authorization.Question(
            rights: .read, repository: repository.name, anonymousRead: repository.settings.anonymousRead, package: nil)
        return Authorization.coversEverything(principal, question, grants: grants)
    }
}

/// The newest snapshot. Reading it takes a lock for as long as a copy of a reference takes.
package final class CurrentSnapshot: Sendable {
    private let driver: any SQLDriver
    private let snapshot = Mutex(Snapshot(repositories: [], users: [], grants: []))

    package init(driver: any SQLDriver) { self.driver = driver }

    package var value: Snapshot { snapshot.withLock { $0 } }

    /// Reads everything again; whoever changed a repository, a user or a grant calls it before answering.
    package func refresh() async throws {
        let fresh = try await driver.read { connection in
            let accounts = AccountRows(connection)
            return Snapshot(
                repositories: try RepositoryRows(connection).all(), users: try accounts.users(),
                grants: try accounts.grants(), position: try EventRows(connection).newest())
        }
        // Of two that refresh at once, the one that read later may come first.
        snapshot.withLock { held in
            if held.position <= fresh.position { held = fresh }
        }
    }
}
