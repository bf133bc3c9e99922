package import GranaryModel
package import GranaryFormat

/// What a waiver is made from.
package struct NewWaiver: Sendable {
    package let package: String
    package let versions: Pattern
    package let until: Timestamp
    package let reason: String

    package init(package: String, versions: Pattern, until: Timestamp, reason: String) {
        self.package = package
        self.versions = versions
        self.until = until
        self.reason = reason
    }
}

/// Exceptions to the release-age gate of a remote repository. They are settings of it, and the history tells of them as
/// of those.
extension Management {
    /// Those that are there, expired ones among them, for those who may do anything in the repository.
    package func waivers(of name: String, for caller: Principal) throws(Problem) -> [Waiver] {
        try upstream(of: repository(name, for: caller).settings, name).waivers
    }

    /// For those with `admin` on the repository. What has expired goes.
    package func waive(_ new: NewWaiver, of name: String, by caller: Principal) async throws(Problem) -> Waiver {
        let format = try repository(name, for: caller).format
        let now = services.now()
        guard let package = Pattern(spelled(new.package, in: format)) else {
            throw .invalid(.package, Pattern.grammar)
        }
        guard new.reason.isShowable(limit: Waiver.maximumReasonBytes) else {
            throw .invalid(.content, "a reason has 1 to \(Waiver.maximumReasonBytes) bytes and no control characters")
        }
        guard new.until > now else { throw .conflict("the waiver would have expired already") }
        let actor = caller.actor
        let changed = try await update(name, by: caller) { settings throws(Problem) in
            var settings = settings
            var upstream = try self.upstream(of: settings, name)
            let id = (upstream.waivers.map(\.id).max() ?? 0) + 1
            upstream.waivers.removeAll { $0.until <= now }
            guard upstream.waivers.count < Waiver.maximumCount else {
                throw .conflict("there are \(Waiver.maximumCount) waivers already; end some first")
            }
            upstream.waivers.append(
                Waiver(
                    id: id, package: package, versions: new.versions, until: new.until, reason: new.reason,
                    actor: actor, madeAt: now))
            settings.upstream = upstream
            return settings
        }
        guard let made = changed.settings.upstream?.waivers.last(where: { $0.madeAt == now && $0.package == package })
        else { throw .conflict("the waiver was ended by somebody else") }
        return made
    }

    /// For those with `admin` on the repository.
    package func endWaiver(_ id: Int64, of name: String, by caller: Principal) async throws(Problem) {
        _ = try await update(name, by: caller) { settings throws(Problem) in
            var settings = settings
            var upstream = try self.upstream(of: settings, name)
            guard upstream.waivers.contains(where: { $0.id == id }) else {
                throw .unknown(.name, "'\(name)' has no waiver \(id)")
            }
            upstream.waivers.removeAll { $0.id == id }
            settings.upstream = upstream
            return settings
        }
    }

    private func upstream(of settings: RepositorySettings, _ name: String) throws(Problem) -> UpstreamSettings {
        guard let upstream = settings.upstream else { throw .conflict("'\(name)' has no upstream to wait for") }
        return upstream
    }
}
