package import GranaryModel

/// Who may do what. Pure: facts in, verdict out; listing, preview and explanation call the same function.
package enum Authorization {
    /// What is asked: rights on a package, or, with no package, on at least one package of the repository.
    package struct Question: Sendable {
        package let rights: Rights
        package let repository: RepositoryName
        package let anonymousRead: Bool
        package let package: PackageName?

        package init(rights: Rights, repository: RepositoryName, anonymousRead: Bool, package: PackageName?) {
            self.rights = rights
            self.repository = repository
            self.anonymousRead = anonymousRead
            self.package = package
        }
    }

    /// The answer.
    package enum Verdict: Sendable, Equatable {
        case allowed
        /// Nobody has shown who they are; somebody might be allowed.
        case unauthenticated
        /// The identity is allowed, the token it came with does not reach this far.
        case insufficientScope
        /// To the one who asks the package does not exist.
        case hidden
        /// The identity may know of the package and lacks these rights.
        case denied(missing: Rights)
    }

    /// Answers whether `principal` may, given the grants of its user and of everybody.
    package static func decide(_ principal: Principal, _ question: Question, grants: [Grant]) -> Verdict {
        let held = rights(of: principal, on: question, grants: grants)
        guard held.isSuperset(of: question.rights) else {
            return refusal(principal, question, held: held)
        }
        guard reaches(principal, question) else {
            return principal.user == nil ? .unauthenticated : .insufficientScope
        }
        return .allowed
    }

    /// Whether `principal` has the rights on every package of the repository, those to come among them, whatever package the
    /// question names. False, too, where only several patterns together may come to that.
    package static func coversEverything(_ principal: Principal, _ question: Question, grants: [Grant]) -> Bool {
        let isOpen = question.rights == .read && question.anonymousRead
        // What a token is limited to is single packages.
        guard isOpen || principal.scopes == nil else { return false }
        return rights(of: principal, on: question, grants: grants.filter { $0.package == .everything })
            .isSuperset(of: question.rights)
    }

    /// The rights of an identity, whatever credential it came with.
    package static func rights(of principal: Principal, on question: Question, grants: [Grant]) -> Rights {
        if principal.isAdministrator { return .all }
        var held: Rights = question.anonymousRead ? .read : []
        guard let user = principal.user else { return held }
        for grant in grants where grant.user == nil || grant.user == user {
            guard grant.repository.matches(question.repository.text) else { continue }
            guard question.package.map({ grant.package.matches($0.text) }) ?? true else { continue }
            held.formUnion(grant.rights)
        }
        return held
    }

    private static func reaches(_ principal: Principal, _ question: Question) -> Bool {
        guard let scopes = principal.scopes else { return true }
        if question.rights == .read, question.anonymousRead { return true }
        let matching = scopes.filter { scope in
            scope.repository == question.repository && (question.package == nil || scope.package == question.package)
        }
        return matching.reduce(into: Rights()) { $0.formUnion($1.rights) }.isSuperset(of: question.rights)
    }

    private static func refusal(_ principal: Principal, _ question: Question, held: Rights) -> Verdict {
        if principal.user == nil { return .unauthenticated }
        // A read of what one may not read looks like a read of what is not there; a write is refused alike for both.
        if question.rights.contains(.read), !held.contains(.read) { return .hidden }
        return .denied(missing: question.rights.subtracting(held))
    }
}
