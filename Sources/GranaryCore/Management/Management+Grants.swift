package import GranaryFormat
package import GranaryModel
import GranaryPorts
import GranaryStore

extension Management {
    /// For administrators.
    package func grants(for caller: Principal) throws(Problem) -> [Grant] {
        try requireAdministrator(caller)
        return services.snapshot.value.grants
    }

    /// For administrators. Without a user it grants to everybody who has logged in.
    package func createGrant(
        to user: UserName?, repository: Pattern, package: Pattern, rights: Rights, by caller: Principal
    ) async throws(Problem) -> Grant {
        try requireAdministrator(caller)
        guard !rights.isEmpty else { throw .invalid(.grant, "a grant gives at least one right") }
        var account: Int64?
        if let user { account = try self.user(user.text, for: caller).id }
        let id = try await changing(by: caller) { [account] connection, moment in
            let id = try AccountRows(connection).insertGrant(
                to: account, repository: repository, package: package, rights: rights, from: moment.sequence)
            let grant = Grant(id: id, user: user, repository: repository, package: package, rights: rights)
            return (Entry(verb: .grantCreated, target: String(id), after: grant.summary), id)
        }
        return Grant(id: id, user: user, repository: repository, package: package, rights: rights)
    }

    /// For administrators.
    package func deleteGrant(_ id: Int64, by caller: Principal) async throws(Problem) {
        try requireAdministrator(caller)
        guard let grant = services.snapshot.value.grants.first(where: { $0.id == id }) else {
            throw .unknown(.grant, "there is no grant \(id)")
        }
        try await change(by: caller) { connection, moment in
            _ = try AccountRows(connection).endGrant(id, at: moment.sequence)
            return Entry(verb: .grantDeleted, target: String(id), before: grant.summary)
        }
    }
}

extension Grant {
    private struct Summary: Encodable {
        let user: String?
        let repository: String
        let package: String
        let rights: [String]
    }

    /// As the history keeps it.
    fileprivate var summary: String {
        jsonText(
            Summary(user: user?.text, repository: repository.text, package: package.text, rights: rights.names))
    }
}
