import GranaryModel
import GranaryPolicy
import Testing

@Suite("Authorization")
struct AuthorizationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var user: String?
        var administrator = false
        var scopes: [(String, String, Rights)]?
        var anonymousRead = false
        var grants: [(user: String?, repository: String, package: String, rights: Rights)] = []
        var rights: Rights = .read
        var package: String? = "team/api"
        let verdict: Authorization.Verdict
    }

    static let cases: [Case] = [
        Case(testDescription: "nobody, nothing public", verdict: .unauthenticated),
        Case(testDescription: "nobody reads what is public", anonymousRead: true, verdict: .allowed),
        Case(
            testDescription: "nobody writes what is public", anonymousRead: true, rights: .write,
            verdict: .unauthenticated),
        Case(testDescription: "an administrator", user: "ann", administrator: true, rights: .all, verdict: .allowed),
        Case(testDescription: "a user without grants", user: "ann", verdict: .hidden),
        Case(
            testDescription: "a write by a user without grants", user: "ann", rights: .write,
            verdict: .denied(missing: .write)),
        Case(
            testDescription: "a grant that fits", user: "ann",
            grants: [("ann", "dock*", "team/*", .read)], verdict: .allowed),
        Case(
            testDescription: "somebody else's grant", user: "ann", grants: [("bob", "**", "**", .all)],
            verdict: .hidden),
        Case(
            testDescription: "everybody's grant", user: "ann", grants: [(nil, "**", "**", .read)], verdict: .allowed),
        Case(
            testDescription: "a grant on other packages", user: "ann", grants: [("ann", "docker", "other/**", .all)],
            verdict: .hidden),
        Case(
            testDescription: "read but not write", user: "ann", grants: [("ann", "docker", "**", .read)],
            rights: [.read, .write], verdict: .denied(missing: .write)),
        Case(
            testDescription: "rights from two grants add up", user: "ann",
            grants: [("ann", "docker", "**", .read), ("ann", "docker", "team/**", .write)],
            rights: [.read, .write], verdict: .allowed),
        Case(
            testDescription: "a token that reaches", user: "ann", scopes: [("docker", "team/api", .read)],
            grants: [("ann", "**", "**", .all)], verdict: .allowed),
        Case(
            testDescription: "a token for another package", user: "ann", scopes: [("docker", "team/web", .read)],
            grants: [("ann", "**", "**", .all)], verdict: .insufficientScope),
        Case(
            testDescription: "a token never gives what its user lost", user: "ann",
            scopes: [("docker", "team/api", .all)], verdict: .hidden),
        Case(
            testDescription: "an administrator's token is as narrow as any", user: "ann", administrator: true,
            scopes: [("docker", "team/api", .read)], rights: .write, verdict: .insufficientScope),
        Case(
            testDescription: "some package of the repository", user: "ann",
            grants: [("ann", "docker", "team/**", .write)], rights: .write, package: nil, verdict: .allowed)
    ]

    @Test("It answers as the grants say", arguments: cases)
    func decide(_ item: Case) throws {
        let (principal, question, grants) = try Self.facts(item)
        #expect(Authorization.decide(principal, question, grants: grants) == item.verdict)
    }

    static let covering: [Case] = [
        Case(testDescription: "nobody, nothing public", verdict: .unauthenticated),
        Case(testDescription: "nobody reads what is public", anonymousRead: true, verdict: .allowed),
        Case(testDescription: "an administrator", user: "ann", administrator: true, rights: .all, verdict: .allowed),
        Case(
            testDescription: "a grant on all packages", user: "ann", grants: [("ann", "dock*", "**", .read)],
            verdict: .allowed),
        Case(
            testDescription: "everybody's grant on all packages", user: "ann", grants: [(nil, "**", "**", .read)],
            verdict: .allowed),
        Case(
            testDescription: "a grant on another repository", user: "ann", grants: [("ann", "files", "**", .read)],
            verdict: .hidden),
        Case(
            testDescription: "a grant on some packages", user: "ann", grants: [("ann", "docker", "team/**", .read)],
            verdict: .hidden),
        Case(
            testDescription: "other rights on all packages", user: "ann", grants: [("ann", "docker", "**", .write)],
            verdict: .hidden),
        Case(
            testDescription: "a token for one package", user: "ann", scopes: [("docker", "team/api", .read)],
            grants: [("ann", "**", "**", .all)], verdict: .insufficientScope),
        Case(
            testDescription: "an administrator's token for one package", user: "ann", administrator: true,
            scopes: [("docker", "team/api", .read)], verdict: .insufficientScope),
        Case(
            testDescription: "a token for another package where all is public", user: "ann",
            scopes: [("docker", "team/web", .read)], anonymousRead: true, verdict: .allowed)
    ]

    @Test("Everything is covered by what holds of every name", arguments: covering)
    func coversEverything(_ item: Case) throws {
        let (principal, question, grants) = try Self.facts(item)
        #expect(Authorization.coversEverything(principal, question, grants: grants) == (item.verdict == .allowed))
        // Whoever is covered may read any package.
        if item.verdict == .allowed { #expect(Authorization.decide(principal, question, grants: grants) == .allowed) }
    }

    private static func facts(_ item: Case) throws -> (Principal, Authorization.Question, [Grant]) {
        let repository = try #require(RepositoryName("docker"))
        let principal = Principal(
            user: item.user.flatMap(UserName.init), isAdministrator: item.administrator,
            scopes: try item.scopes?.map { scope in
                Scope(
                    repository: try #require(RepositoryName(scope.0)), package: try #require(PackageName(scope.1)),
                    rights: scope.2)
            })
        let grants = try item.grants.enumerated().map { index, grant in
            Grant(
                id: Int64(index), user: grant.user.flatMap(UserName.init),
                repository: try #require(Pattern(grant.repository)), package: try #require(Pattern(grant.package)),
                rights: grant.rights)
        }
        let question = Authorization.Question(
            rights: item.rights, repository: repository, anonymousRead: item.anonymousRead,
            package: item.package.flatMap(PackageName.init))
        return (principal, question, grants)
    }
}

@Suite("Overwriting")
struct OverwriteTests {
    struct Case: Sendable {
        let policy: RepositorySettings.WritePolicy
        let existing: String?
        let expected: Overwrite.Verdict?
    }

    @Test(
        "The write policy decides, and the same content is never refused",
        arguments: [
            Case(policy: .allow, existing: nil, expected: .create),
            Case(policy: .allow, existing: "old", expected: .replace),
            Case(policy: .allow, existing: "new", expected: .unchanged),
            Case(policy: .once, existing: nil, expected: .create),
            Case(policy: .once, existing: "old", expected: nil),
            Case(policy: .once, existing: "new", expected: .unchanged),
            Case(policy: .deny, existing: nil, expected: nil),
            Case(policy: .deny, existing: "new", expected: .unchanged)
        ])
    func decide(_ item: Case) {
        let verdict = Overwrite.decide("a file", existing: item.existing, incoming: "new", policy: item.policy)
        if let expected = item.expected {
            #expect(verdict == expected)
        } else if case .refused(let reason) = verdict {
            #expect(reason.contains("'\(item.policy.rawValue)'"))
        } else {
            Issue.record("not refused: \(verdict)")
        }
    }
}
