package import GranaryFormat
package import GranaryModel
import GranaryPolicy
import GranaryPorts
import GranaryStore

/// Where requests for a package are answered from, and why.
package struct Explanation: Sendable {
    /// What is done about a package in one repository.
    package struct Member: Sendable {
        package let repository: Repository
        /// Whether a request for the package gets as far as this.
        package let isAsked: Bool
        /// Whether it has something of the package, or has fetched something; nil where that is not the caller's to know.
        package let hasContent: Bool?
        package let reason: String
    }

    /// As its format spells it.
    package let package: PackageName
    /// Why no upstream is asked about it; nil where upstreams are.
    package let owner: String?
    /// In the order in which they count.
    package let members: [Member]
}

extension Management {
    /// Says of a package where it is looked for, for those who may read it in the repository.
    package func explain(
        _ package: String, in name: String, for caller: Principal
    ) async throws(Problem) -> Explanation {
        let repository = try repository(name, for: caller)
        guard let package = PackageName(spelled(package, in: repository.format)) else {
            throw .invalid(.package, PackageName.grammar)
        }
        let snapshot = services.snapshot.value
        if let problem = snapshot.verdict(caller, .read, on: repository, package).problem(on: repository, package) {
            throw problem
        }
        let members = repository.settings.members.map { snapshot.members(of: $0) } ?? [repository]
        let owner = try await owner(of: package, repository.settings.members, members, caller)
        var explained: [Explanation.Member] = []
        for member in members {
            let mayRead = snapshot.verdict(caller, .read, on: member, package) == .allowed
            // Which members there are is for those who administer the repository.
            guard mayRead || snapshot.verdict(caller, .admin, on: repository, nil) == .allowed else { continue }
            explained.append(try await self.member(member, package, owner, mayRead: mayRead))
        }
        return Explanation(package: package, owner: owner, members: explained)
    }

    private func owner(
        of package: PackageName, _ settings: MemberSettings?, _ members: [Repository], _ caller: Principal
    ) async throws(Problem) -> String? {
        guard let settings else { return nil }
        // Upstreams may know it by another name.
        let names = Set(members.compactMap { $0.settings.upstream?.fullName(package) }).union([package])
        for name in names.sorted() {
            if let pattern = settings.reserved.first(where: { Pattern($0)?.matches(name.text) ?? false }) {
                return "the name is reserved by '\(pattern)'"
            }
            for member in members where member.kind == .local {
                guard try await services.hasHeld(name, in: member.id) else { continue }
                let mayRead = services.snapshot.value.verdict(caller, .read, on: member, name) == .allowed
                return "the name belongs to \(mayRead ? "the local member '\(member.name)'" : "a local member")"
            }
        }
        return nil
    }

    private func member(
        _ member: Repository, _ package: PackageName, _ owner: String?, mayRead: Bool
    ) async throws(Problem) -> Explanation.Member {
        let entry = { (isAsked: Bool, hasContent: Bool?, reason: String) in
            Explanation.Member(repository: member, isAsked: isAsked, hasContent: hasContent, reason: reason)
        }
        guard mayRead else { return entry(false, nil, "you may not read it there") }
        guard let upstream = member.settings.upstream else {
            let isHeld = try await services.hasHeld(package, in: member.id)
            return entry(true, isHeld, isHeld ? "it has been published here" : "it has never been published here")
        }
        let name = upstream.fullName(package)
        let isCached = try await services.performing {
            try await services.driver.look { try CacheRows($0).holds(name.text, in: member.id) }
        }
        if let owner { return entry(false, isCached, "no upstream is asked: \(owner)") }
        guard upstream.covers(name.text) else { return entry(false, isCached, "its patterns leave the name out") }
        if upstream.isOffline { return entry(true, isCached, "it is offline: what is in its cache is all there is") }
        return entry(true, isCached, reason(upstream, name))
    }

    private func reason(_ upstream: UpstreamSettings, _ package: PackageName) -> String {
        let now = services.now()
        var parts = ["its upstream is asked for what is not in its cache"]
        if let seconds = services.upstreams.pause(of: UpstreamFetch.origin(of: upstream.url), now: now) {
            parts = ["its upstream failed and is asked again in \(seconds) seconds"]
        }
        if upstream.minimumAgeSeconds > 0 {
            parts.append("versions are held back until they have been out for \(upstream.minimumAgeSeconds) seconds")
            let waived = upstream.waived(package.text, at: now).map { "'\($0)'" }
            if !waived.isEmpty { parts.append("but for \(waived.joined(separator: ", ")), by a waiver") }
        }
        return parts.joined(separator: "; ")
    }
}
