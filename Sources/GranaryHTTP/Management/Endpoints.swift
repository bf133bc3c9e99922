import HTTPTypes
import GranaryCore
import GranaryFormat
import GranaryModel

extension ManagementInterface {
    static func endpoints(version: String) -> [Endpoint] {
        [serverVersion(version), whoAmI] + repositories + upstreams + users + tokens + grants + history + upkeep
    }

    private static func serverVersion(_ version: String) -> Endpoint {
        Endpoint(
            method: .get, path: "/version", name: "getVersion", summary: "The server's version",
            answer: .named("Version"), isOpen: true
        ) { _ in JSONAnswer(Wire.Version(version: version)) }
    }

    private static let whoAmI = Endpoint(
        method: .get, path: "/whoami", name: "whoAmI", summary: "The user whose credential is shown",
        answer: .named("User")
    ) { call throws(Problem) in
        guard let name = call.caller.user?.text else { throw .unauthenticated("a credential is needed") }
        return JSONAnswer(Wire.User(try call.management.user(name, for: call.caller)))
    }

    private static let repositories: [Endpoint] = [
        Endpoint(
            method: .get, path: "/repositories", name: "listRepositories",
            summary: "The repositories the caller has any right on", answer: .array(.named("Repository")), isOpen: true
        ) { call throws(Problem) in
            JSONAnswer(call.management.repositories(for: call.caller).map { call.shown($0) })
        },
        Endpoint(
            method: .post, path: "/repositories", name: "createRepository", summary: "Makes a repository",
            body: "NewRepository", status: .created, answer: .named("Repository")
        ) { call throws(Problem) in
            let new = try await call.body(Wire.NewRepository.self)
            guard let kind = RepositoryKind(rawValue: new.kind) else {
                throw .invalid(.repository, "the kind is one of: local, remote, virtual")
            }
            let seal = { (secret: String) throws(Problem) in try call.management.sealed(secret) }
            let made = try await call.management.create(
                NewRepository(
                    name: try call.parse(RepositoryName.self, .repository, new.name),
                    format: try call.parse(FormatName.self, .repository, new.format), kind: kind,
                    settings: try new.settings?.applied(to: RepositorySettings(), seal) ?? RepositorySettings()),
                by: call.caller)
            return JSONAnswer(call.shown(made))
        },
        Endpoint(
            method: .get, path: "/repositories/{name}", name: "getRepository", summary: "One repository",
            answer: .named("Repository"), isOpen: true
        ) { call throws(Problem) in
            JSONAnswer(call.shown(try call.management.repository(call["name"], for: call.caller)))
        },
        Endpoint(
            method: .patch, path: "/repositories/{name}", name: "changeRepository",
            summary: "Changes settings of a repository", body: "SettingsChange", answer: .named("Repository")
        ) { call throws(Problem) in
            let change = try await call.body(Wire.SettingsChange.self)
            let management = call.management
            let changed = try await management.update(call["name"], by: call.caller) { settings throws(Problem) in
                try change.applied(to: settings) { secret throws(Problem) in try management.sealed(secret) }
            }
            return JSONAnswer(call.shown(changed))
        },
        Endpoint(
            method: .delete, path: "/repositories/{name}", name: "deleteRepository",
            summary: "Deletes a repository that holds no files", status: .noContent
        ) { call throws(Problem) in
            try await call.management.deleteRepository(call["name"], by: call.caller)
            return .none
        }
    ]

    private static let users: [Endpoint] = [
        Endpoint(
            method: .get, path: "/users", name: "listUsers", summary: "All users", answer: .array(.named("User"))
        ) { call throws(Problem) in
            JSONAnswer(try call.management.users(for: call.caller).map(Wire.User.init))
        },
        Endpoint(
            method: .post, path: "/users", name: "createUser", summary: "Makes a user", body: "NewUser",
            status: .created, answer: .named("User")
        ) { call throws(Problem) in
            let new = try await call.body(Wire.NewUser.self)
            let made = try await call.management.createUser(
                try call.parse(UserName.self, .user, new.name), password: new.password,
                isAdministrator: new.administrator ?? false, by: call.caller)
            return JSONAnswer(Wire.User(made))
        },
        Endpoint(
            method: .get, path: "/users/{name}", name: "getUser", summary: "One user", answer: .named("User")
        ) { call throws(Problem) in
            JSONAnswer(Wire.User(try call.management.user(call["name"], for: call.caller)))
        },
        Endpoint(
            method: .patch, path: "/users/{name}", name: "changeUser",
            summary: "Changes a user; everybody may change their own password", body: "UserChange",
            answer: .named("User")
        ) { call throws(Problem) in
            let change = try await call.body(Wire.UserChange.self)
            let changed = try await call.management.changeUser(
                call["name"],
                UserChange(
                    password: change.password, isAdministrator: change.administrator, isDisabled: change.disabled),
                by: call.caller)
            return JSONAnswer(Wire.User(changed))
        },
        Endpoint(
            method: .delete, path: "/users/{name}", name: "deleteUser",
            summary: "Deletes a user, revokes their tokens and ends their grants", status: .noContent
        ) { call throws(Problem) in
            try await call.management.deleteUser(call["name"], by: call.caller)
            return .none
        }
    ]

    private static let tokens: [Endpoint] = [
        Endpoint(
            method: .get, path: "/tokens", name: "listTokens", summary: "Access tokens, newest first",
            query: [.init(name: "user", schema: .userName("Whose; all when left out, which takes an administrator"))],
            answer: .array(.named("Token"))
        ) { call throws(Problem) in
            JSONAnswer(
                try await call.management.tokens(of: call.query["user"], for: call.caller).map { Wire.Token($0) })
        },
        Endpoint(
            method: .post, path: "/tokens", name: "createToken",
            summary: "Makes an access token; its secret is in this answer only", body: "NewToken", status: .created,
            answer: .named("Token")
        ) { call throws(Problem) in
            let new = try await call.body(Wire.NewToken.self)
            let made = try await call.management.createToken(
                new.name, for: new.user ?? call.caller.user?.text ?? "", expiresAt: new.expiresAt, by: call.caller)
            return JSONAnswer(Wire.Token(made.token, secret: made.secret))
        },
        Endpoint(
            method: .delete, path: "/tokens/{id}", name: "revokeToken", summary: "Revokes an access token",
            status: .noContent
        ) { call throws(Problem) in
            try await call.management.revokeToken(call["id"], by: call.caller)
            return .none
        }
    ]

    private static let grants: [Endpoint] = [
        Endpoint(
            method: .get, path: "/grants", name: "listGrants", summary: "All grants", answer: .array(.named("Grant"))
        ) { call throws(Problem) in
            JSONAnswer(try call.management.grants(for: call.caller).map(Wire.Grant.init))
        },
        Endpoint(
            method: .post, path: "/grants", name: "createGrant",
            summary: "Grants rights on the packages of the repositories that two patterns name", body: "NewGrant",
            status: .created, answer: .named("Grant")
        ) { call throws(Problem) in
            let new = try await call.body(Wire.NewGrant.self)
            var rights: Rights = []
            for name in new.rights {
                guard let right = Rights(name: name) else {
                    throw .invalid(.grant, "a right is one of: read, write, delete, admin")
                }
                rights.formUnion(right)
            }
            var user: UserName?
            if let name = new.user { user = try call.parse(UserName.self, .user, name) }
            let made = try await call.management.createGrant(
                to: user, repository: try call.parse(Pattern.self, .grant, new.repository),
                package: try call.parse(Pattern.self, .grant, new.package ?? Pattern.everything.text), rights: rights,
                by: call.caller)
            return JSONAnswer(Wire.Grant(made))
        },
        Endpoint(
            method: .delete, path: "/grants/{id}", name: "deleteGrant", summary: "Ends a grant", status: .noContent
        ) { call throws(Problem) in
            guard let id = Int64(call["id"]) else { throw .unknown(.grant, "a grant's identifier is a number") }
            try await call.management.deleteGrant(id, by: call.caller)
            return .none
        }
    ]

    private static let history: [Endpoint] = [
        Endpoint(
            method: .get, path: "/events", name: "listEvents", summary: "The history, oldest first",
            query: [
                .init(name: "since", schema: .position("The position to come after")),
                .init(name: "repository", schema: .repositoryName("Of one repository only")),
                .init(name: "limit", schema: .integer("How many at most", minimum: 1, maximum: 1000))
            ],
            answer: .named("EventPage")
        ) { call throws(Problem) in
            let since = try call.number("since", in: 0...Int64.max, standard: 0)
            let limit = try call.number("limit", in: 1...1000, standard: 100)
            var repository: RepositoryName?
            if let name = call.query["repository"] {
                repository = try call.parse(RepositoryName.self, .repository, name)
            }
            let page = try await call.management.events(
                since: SequenceNumber(since), repository: repository, limit: Int(limit), for: call.caller)
            return JSONAnswer(
                Wire.EventPage(events: page.events.map(Wire.Event.init), next: page.next.value))
        },
        Endpoint(
            method: .get, path: "/repositories/{name}/tags/history", name: "getTagHistory",
            summary: "What a tag pointed to, since when, and who moved it",
            query: [
                .init(
                    name: "package",
                    schema: .printable("The package, such as team/api", limit: PackageName.maximumBytes),
                    isRequired: true),
                .init(name: "tag", schema: .printable("The tag", limit: TagName.maximumBytes), isRequired: true),
                .init(name: "since", schema: .position("The position to come after")),
                .init(name: "limit", schema: .integer("How many at most", minimum: 1, maximum: 1000))
            ],
            answer: .array(.named("TagChange"))
        ) { call throws(Problem) in
            try call.management.requireLogin(call.caller)
            let since = try call.number("since", in: 0...Int64.max, standard: 0)
            let limit = try call.number("limit", in: 1...1000, standard: 100)
            let changes = try await call.management.history(
                of: try call.parse(TagName.self, .tag, call.query["tag"]),
                in: try call.parse(PackageName.self, .package, call.query["package"]), call["name"],
                since: SequenceNumber(since), limit: Int(limit), for: call.caller)
            return JSONAnswer(changes.map(Wire.TagChange.init))
        }
    ]
}
