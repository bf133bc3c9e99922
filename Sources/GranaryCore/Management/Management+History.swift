import GranaryPolicy
package import GranaryFormat
package import GranaryModel
import GranaryPorts
import GranaryStore

extension Management {
    /// Events after a position, oldest first. An administrator sees all; everybody else those of the packages they may
    /// read, and `next` may then be further on than the last event shown.
    package func events(
        since: SequenceNumber, repository: RepositoryName?, limit: Int, for caller: Principal
    ) async throws(Problem) -> (events: [Event], next: SequenceNumber) {
        _ = try requireUser(caller)
        let page = try await services.performing {
            try await services.driver.read {
                try EventRows($0).page(since: since, repository: repository, limit: limit)
            }
        }
        let snapshot = services.snapshot.value
        let visible = caller.isAdministrator ? page : page.filter { isVisible($0, to: caller, snapshot) }
        return (visible, page.last?.sequence ?? since)
    }

    private func isVisible(_ event: Event, to caller: Principal, _ snapshot: Snapshot) -> Bool {
        guard let name = event.repository, let package = event.package, let repository = snapshot.repositories[name]
        else { return false }
        // A name may have been another repository's before.
        return event.time >= repository.createdAt
            && snapshot.verdict(caller, .read, on: repository, package) == .allowed
    }

    /// What a tag pointed to, since when, and who moved it; what began after a position, oldest first. For users who may
    /// read the package: it tells their names.
    package func history(
        of tag: TagName, in package: PackageName, _ name: String, since: SequenceNumber, limit: Int,
        for caller: Principal
    ) async throws(Problem) -> [TagChange] {
        _ = try requireUser(caller)
        let repository = try repository(name, for: caller)
        let verdict = services.snapshot.value.verdict(caller, .read, on: repository, package)
        if let problem = verdict.problem(on: repository, package) { throw problem }
        let changes = try await services.performing {
            try await services.driver.read { connection in
                let content = ContentRows(connection)
                return try content.package(package, in: repository.id).map {
                    try content.history(of: tag, in: $0, since: since, limit: limit)
                } ?? []
            }
        }
        guard !changes.isEmpty || since > .start else {
            throw .unknown(.tag, "no tag '\(tag)' was ever set in \(package)")
        }
        return changes
    }
}
