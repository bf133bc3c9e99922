package import GranaryFormat
package import GranaryModel
import GranaryPolicy
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
    package static let kinds: [RepositoryKind] = [.local, .remote, .virtual]

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
        let settings = spelled(new.settings, in: new.format)
        try settings.check(new.kind, new.name, new.format, services.snapshot.value)
        try await change(by: caller) { connection, moment in
            let rows = RepositoryRows(connection)
            try rows.checkDefault(settings, of: new.format, except: nil)
            try rows.insert(
                new.name, format: new.format, kind: new.kind, settings: settings, at: moment.time,
                from: moment.sequence)
            return Entry(
                verb: .repositoryCreated, repository: new.name, target: new.name.text, after: settings.shown.json)
        }
        return try repository(new.name.text, for: caller)
    }

    /// For administrators and those with `admin` on the repository. `update` makes the new settings from those there are
    /// when they are written, so that two changes at once are both made.
    package func update(
        _ name: String, by caller: Principal,
        _ update: @escaping @Sendable (RepositorySettings) throws(Problem) -> RepositorySettings
    ) async throws(Problem) -> Repository {
        let known = try repository(name, for: caller)
        try requireAdmin(of: known, caller)
        let snapshot = services.snapshot.value
        try await change(by: caller) { connection, moment in
            let rows = RepositoryRows(connection)
            guard let old = try rows.find(known.id) else {
                throw Problem.unknown(.repository, "there is no repository '\(name)'")
            }
            let settings = spelled(try update(old.settings), in: old.format)
            try settings.check(old.kind, old.name, old.format, snapshot)
            try rows.checkDefault(settings, of: old.format, except: old.id)
            try rows.update(old.id, settings: settings)
            // A cache is of one upstream: what another one said is not what this one says.
            if old.settings.upstream?.url != settings.upstream?.url {
                try CacheRows(connection).retire(old.id, at: moment.time)
            }
            return Entry(
                verb: .repositoryChanged, repository: old.name, target: old.name.text,
                before: old.settings.shown.json, after: settings.shown.json)
        }
        // What another upstream, or another credential, did not have is no answer any more.
        services.upstreams.forgetItems()
        let changed = try repository(name, for: caller)
        if changed.settings.upstream?.url != known.settings.upstream?.url {
            services.upstreams.forgetUpstream(of: known.id)
        }
        return changed
    }

    /// For administrators. Throws `.conflict` while it holds files.
    package func deleteRepository(_ name: String, by caller: Principal) async throws(Problem) {
        try requireAdministrator(caller)
        let old = try repository(name, for: caller)
        let users = services.snapshot.value.repositories.values.filter {
            $0.settings.members?.order.contains(old.name.text) ?? false
        }
        if let user = users.first { throw .conflict("'\(old.name)' is a member of '\(user.name)'") }
        try await change(by: caller) { connection, moment in
            try CacheRows(connection).clear(old.id)
            try RepositoryRows(connection).end(old.id, at: moment.sequence)
            return Entry(
                verb: .repositoryDeleted, repository: old.name, target: old.name.text, before: old.settings.shown.json)
        }
    }

    /// With patterns over packages as the format spells names.
    private func spelled(_ settings: RepositorySettings, in format: FormatName) -> RepositorySettings {
        var settings = settings
        if var upstream = settings.upstream {
            upstream.include = upstream.include.map { spelled($0, in: format) }
            upstream.exclude = upstream.exclude.map { spelled($0, in: format) }
            settings.upstream = upstream
        }
        if var members = settings.members {
            members.reserved = members.reserved.map { spelled($0, in: format) }
            settings.members = members
        }
        return settings
    }

    /// As much of a repository as the caller may know: where its content comes from, and which names are the house's own, are for
    /// those who administer it.
    package func shown(_ repository: Repository, to caller: Principal) -> Repository {
        var settings = repository.settings.shown
        if services.snapshot.value.verdict(caller, .admin, on: repository, nil) != .allowed {
            (settings.upstream, settings.members) = (nil, nil)
        }
        return Repository(
            id: repository.id, name: repository.name, format: repository.format, kind: repository.kind,
            settings: settings, createdAt: repository.createdAt)
    }

    private func requireAdmin(of repository: Repository, _ caller: Principal) throws(Problem) {
        let verdict = services.snapshot.value.verdict(caller, .admin, on: repository, nil)
        if let problem = verdict.problem(on: repository, nil) { throw problem }
    }
}

extension Management {
    /// Encrypts what an upstream is to be shown.
    package func sealed(_ secret: String) throws(Problem) -> String {
        guard (1...UpstreamSettings.maximumSecretBytes).contains(secret.utf8.count), secret.isShowable(limit: .max),
            let sealed = try? services.secrets.seal(secret)
        else {
            throw .invalid(
                .repository,
                "a password is 1 to \(UpstreamSettings.maximumSecretBytes) bytes without control characters")
        }
        return sealed
    }
}

extension RepositorySettings {
    fileprivate func check(
        _ kind: RepositoryKind, _ name: RepositoryName, _ format: FormatName, _ snapshot: Snapshot
    ) throws(Problem) {
        let limit = Self.maximumDescriptionBytes
        guard description.isEmpty || description.isShowable(limit: limit) else {
            throw .invalid(.repository, "a description has at most \(limit) bytes and no control characters")
        }
        guard (upstream != nil) == (kind == .remote) else {
            throw .conflict("a remote repository has an upstream, and no other has one")
        }
        guard (members != nil) == (kind == .virtual) else {
            throw .conflict("a virtual repository has members, and no other has any")
        }
        try upstream?.check()
        try members?.check(of: name, format, snapshot)
    }
}

extension UpstreamSettings {
    fileprivate func check() throws(Problem) {
        let rest = url.hasPrefix("https://") ? url.dropFirst(8) : url.hasPrefix("http://") ? url.dropFirst(7) : ""
        guard url.utf8.count <= Self.maximumURLBytes, url.hasSuffix("/"), rest.first != "/", rest.count > 1,
            url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !rest.contains("@"), !rest.contains("?"),
            !rest.contains("#")
        else {
            throw .invalid(
                .repository, "the URL of an upstream is http://… or https://… without user, query and fragment")
        }
        guard user.map({ !$0.isEmpty && $0.isShowable(limit: 255) && !$0.contains(":") }) ?? true else {
            throw .invalid(.repository, "the user of an upstream has no colon and no control characters")
        }
        try checkPatterns(include + exclude, limit: Self.maximumPatterns)
        try checkNames()
        let times = 0...Self.maximumSeconds
        guard times.contains(freshSeconds ?? 0), times.contains(minimumAgeSeconds),
            (0...Self.maximumCacheBytes).contains(cacheBytes ?? 0)
        else {
            throw .invalid(
                .repository,
                "times are 0 to \(Self.maximumSeconds) seconds, and a cache has 0 to \(Self.maximumCacheBytes) bytes")
        }
    }
}

extension UpstreamSettings {
    private func checkNames() throws(Problem) {
        let isPlain = { (byte: UInt8) in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        if let namespace {
            let parts = namespace.split(separator: ":", omittingEmptySubsequences: false)
            guard namespace.utf8.count <= Self.maximumNameBytes, namespace.utf8.first.map(isPlain) == true,
                parts[0].utf8.allSatisfy({ isPlain($0) || ".-".utf8.contains($0) }),
                parts.count == 1 || parts.count == 2 && UInt16(parts[1]) != nil
            else { throw .invalid(.repository, "a namespace is host or host:port, in lower case") }
        }
        if let shortNamePrefix {
            let components = shortNamePrefix.split(separator: "/", omittingEmptySubsequences: false)
            guard shortNamePrefix.utf8.count <= Self.maximumNameBytes,
                components.allSatisfy({ component in
                    component.utf8.first.map(isPlain) == true
                        && component.utf8.allSatisfy { isPlain($0) || "._-".utf8.contains($0) }
                })
            else { throw .invalid(.repository, "a prefix of short names is components of a–z, 0–9, '.', '_' and '-'") }
        }
    }
}

extension MemberSettings {
    fileprivate func check(
        of name: RepositoryName, _ format: FormatName, _ snapshot: Snapshot
    ) throws(Problem) {
        guard order.count <= Self.maximumCount, Set(order).count == order.count else {
            throw .conflict("members are at most \(Self.maximumCount), each once")
        }
        for member in order {
            guard let known = RepositoryName(member).flatMap({ snapshot.repositories[$0] }) else {
                throw .conflict("there is no repository '\(member)'")
            }
            guard known.format == format, known.kind != .virtual else {
                throw .conflict("a member is a local or remote repository of the same format")
            }
        }
        if let deployment {
            let target = RepositoryName(deployment).flatMap { snapshot.repositories[$0] }
            guard order.contains(deployment), target?.kind == .local else {
                throw .conflict("what is published goes to a member that is local")
            }
        }
        try checkPatterns(reserved, limit: Self.maximumPatterns)
    }
}

private func checkPatterns(_ patterns: [String], limit: Int) throws(Problem) {
    guard patterns.count <= limit, patterns.allSatisfy({ Pattern($0) != nil }) else {
        throw .invalid(.repository, "at most \(limit) patterns, each \(Pattern.grammar)")
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
