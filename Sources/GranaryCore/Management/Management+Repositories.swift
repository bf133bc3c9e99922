package import GranaryFormat
package import GranaryModel
import GranaryStore

/// What a repository is made from.
package struct NewRepository: Sendable {
    package let name: RepositoryName
    package let format: FormatName
    package let kind: RepositoryKind
    package let settings: RepositorySettings

    package init(name: RepositoryName, format: FormatName, kind: RepositoryKind, settings: RepositorySettings) {
        self.name = name
        self.format = format
        self.kind = kind
        self.settings = settings
    }
}

extension Management {
    /// The kinds of repositories that are served.
    package static let kinds: [RepositoryKind] = [.local]

    /// The repositories in which the caller may do anything, by name.
    package func repositories(for caller: Principal) -> [Repository] {
        let snapshot = services.snapshot.value
        return snapshot.repositories.values.filter { snapshot.rights(of: caller, on: $0) != [] }
            .sorted { $0.name < $1.name }
    }

    /// Throws `.unknown` for what the caller may not see, too.
    package func repository(_ name: String, for caller: Principal) throws(Problem) -> Repository {
        let snapshot = services.snapshot.value
        guard let key = RepositoryName(name), let repository = snapshot.repositories[key],
            snapshot.rights(of: caller, on: repository) != []
        else {
            if caller.user == nil { throw .unauthenticated("a credential is needed") }
            throw .unknown(.repository, "there is no repository '\(name)'")
        }
        return repository
    }

    /// For administrators.
    package func create(_ new: NewRepository, by caller: Principal) async throws(Problem) -> Repository {
        try requireAdministrator(caller)
        guard formats.contains(new.format) else {
            let known = formats.map(\.text).joined(separator: ", ")
            throw .invalid(.repository, "the format is one of: \(known)")
        }
        guard Self.kinds.contains(new.kind) else {
            throw .invalid(.repository, "the kind '\(new.kind.rawValue)' is not served for \(new.format); use 'local'")
        }
        try new.settings.checkDescription()
        try await change(by: caller) { connection, moment in
            let rows = RepositoryRows(connection)
            try rows.checkDefault(new.settings, of: new.format, except: nil)
            try rows.insert(
                new.name, format: new.format, kind: new.kind, settings: new.settings, at: moment.time,
                from: moment.sequence)
            return Entry(
                verb: .repositoryCreated, repository: new.name, target: new.name.text, after: new.settings.json)
        }
        return try repository(new.name.text, for: caller)
    }

    /// For administrators and those with `admin` on the repository. `update` makes the new settings from those there are
    /// when they are written, so that two changes at once are both made.
    package func update(
        _ name: String, by caller: Principal, _ update: @escaping @Sendable (RepositorySettings) -> RepositorySettings
    ) async throws(Problem) -> Repository {
        let known = try repository(name, for: caller)
        try requireAdmin(of: known, caller)
        try await change(by: caller) { connection, _ in
            let rows = RepositoryRows(connection)
            guard let old = try rows.find(known.id) else {
                throw Problem.unknown(.repository, "there is no repository '\(name)'")
            }
            let settings = update(old.settings)
            try settings.checkDescription()
            try rows.checkDefault(settings, of: old.format, except: old.id)
            try rows.update(old.id, settings: settings)
            return Entry(
                verb: .repositoryChanged, repository: old.name, target: old.name.text,
                before: old.settings.json, after: settings.json)
        }
        return try repository(name, for: caller)
    }

    /// For administrators. Throws `.conflict` while it holds files.
    package func deleteRepository(_ name: String, by caller: Principal) async throws(Problem) {
        try requireAdministrator(caller)
        let old = try repository(name, for: caller)
        try await change(by: caller) { connection, moment in
            try RepositoryRows(connection).end(old.id, at: moment.sequence)
            return Entry(
                verb: .repositoryDeleted, repository: old.name, target: old.name.text, before: old.settings.json)
        }
    }

    private func requireAdmin(of repository: Repository, _ caller: Principal) throws(Problem) {
        let verdict = services.snapshot.value.verdict(caller, .admin, on: repository, nil)
        if let problem = verdict.problem(on: repository, nil) { throw problem }
    }
}

extension RepositorySettings {
    fileprivate func checkDescription() throws(Problem) {
        let limit = Self.maximumDescriptionBytes
        guard description.isEmpty || description.isShowable(limit: limit) else {
            throw .invalid(.repository, "a description has at most \(limit) bytes and no control characters")
        }
    }
}

extension RepositoryRows {
    /// A format has one default repository at most. Throws `.conflict` when another is it already.
    fileprivate func checkDefault(
        _ settings: RepositorySettings, of format: FormatName, except id: RepositoryID?
    ) throws {
        guard settings.isDefault,
            let current = try all().first(where: { $0.format == format && $0.settings.isDefault && $0.id != id })
        else { return }
        throw Problem.conflict("'\(current.name)' is the default repository of \(format) already")
    }
}
