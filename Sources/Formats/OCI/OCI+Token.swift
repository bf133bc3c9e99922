import GranaryFormat
import GranaryModel
import HTTPTypes
import NIOCore

extension OCI {
    /// Of the form a token is asked for with.
    static let maximumFormSize = ByteCount.kibibytes(64)
    /// Scopes of one token, which travels in a header.
    static let maximumScopes = 50
    /// Clients take a shorter lifetime for this one.
    static let shortestLifetimeSeconds = 60

    /// Answers the realm of the challenges: a query with the credentials in `Authorization`, or an OAuth 2 form.
    func token(_ request: FormatRequest, _ access: some ServiceAccess) async throws(Problem) -> Reply {
        guard request.head.method == .post else {
            let scopes = TokenScope.all(in: request.head.query)
            let issued = try await issue(scopes, to: nil, access)
            return answer(issued, showsScope: false)
        }
        let form = Query(String(buffer: try await request.body.collect(upTo: Self.maximumFormSize)))
        let login = try login(form)
        let issued = try await issue(TokenScope.all(in: form), to: login, access)
        return answer(issued, showsScope: true)
    }

    private func issue(
        _ scopes: [TokenScope], to login: (user: String, secret: String)?, _ access: some ServiceAccess
    ) async throws(Problem) -> IssuedToken {
        try await access.issueToken(
            for: TokenScope.requests(scopes), listing: scopes.contains(where: \.isCatalog), login: login)
    }

    /// Granary hands out no refresh tokens: a client that has one has it from somewhere else.
    func login(_ form: Query) throws(Problem) -> (user: String, secret: String) {
        guard form["grant_type"] == "password" else {
            throw .invalid(.grant, "the parameter 'grant_type' is 'password'; refresh tokens are not issued here")
        }
        guard let user = form["username"], let secret = form["password"], !user.isEmpty else {
            throw .invalid(.grant, "a password grant has the parameters 'username' and 'password'")
        }
        return (user, secret)
    }

    func answer(_ issued: IssuedToken, showsScope: Bool) -> Reply {
        let granted = issued.granted.filter { !$0.rights.isEmpty }
            .map { TokenScope.repository($0.address, $0.rights) }
            .joined(separator: " ")
        let body = TokenAnswer(
            token: issued.token, access_token: issued.token,
            expires_in: max(issued.expiresInSeconds, Self.shortestLifetimeSeconds),
            issued_at: issued.issuedAt.description, scope: showsScope ? granted : nil)
        return Reply(.ok, .json, text: jsonText(body), [.cacheControl: "no-store"])
    }

    private struct TokenAnswer: Encodable {
        let token: String
        let access_token: String
        let expires_in: Int
        let issued_at: String
        let scope: String?
    }
}

/// What a token is asked for: `repository:team/api:pull,push`, `type(class):host:5000/name:action`.
struct TokenScope: Hashable, Sendable {
    let type: String
    let name: String
    let actions: [String]

    /// The type ends at the first colon and the actions begin after the last, since a name may have a port.
    /// Answers nil for anything else.
    init?(_ text: some StringProtocol) {
        guard let first = text.firstIndex(of: ":"), let last = text.lastIndex(of: ":"), first < last else { return nil }
        let type = text[..<first].prefix { $0 != "(" }
        let name = text[text.index(after: first)..<last]
        guard !type.isEmpty, !name.isEmpty else { return nil }
        self.type = String(type)
        self.name = String(name)
        actions = text[text.index(after: last)...].split { $0 == "," }.map { String($0) }
    }

    /// Whether it asks to list the images, `registry:catalog:*`.
    var isCatalog: Bool { type == "registry" && name == "catalog" }

    /// What the actions ask for here; `*` is everything a client can do with an image.
    var rights: Rights {
        actions.reduce(into: Rights()) { rights, action in
            switch action {
            case "pull": rights.insert(.read)
            case "push": rights.insert(.write)
            case "delete": rights.insert(.delete)
            case "*": rights.formUnion([.read, .write, .delete])
            default: break
            }
        }
    }

    /// All scopes of a query or form, repeated or joined by blanks. Malformed ones are left out, as they grant nothing.
    static func all(in query: Query) -> [TokenScope] {
        let texts = query.all("scope").flatMap { $0.split { $0 == " " } }
        return Array(texts.lazy.compactMap { TokenScope($0) }.prefix(OCI.maximumScopes))
    }

    /// What the core is asked for, each image once. Other types grant nothing.
    static func requests(_ scopes: [TokenScope]) -> [ScopeRequest] {
        var order: [String] = []
        var rights: [String: Rights] = [:]
        for scope in scopes where scope.type == "repository" && isImageName(scope.name) {
            if rights[scope.name] == nil { order.append(scope.name) }
            rights[scope.name, default: []].formUnion(scope.rights)
        }
        return order.map { ScopeRequest(address: $0, rights: rights[$0] ?? []) }
    }

    /// The scope of an image in the words of a challenge.
    static func repository(_ address: String, _ rights: Rights) -> String {
        let actions = [(Rights.read, "pull"), (.write, "push"), (.delete, "delete")]
            .filter { rights.contains($0.0) }.map(\.1)
        return "repository:\(address):\(actions.joined(separator: ","))"
    }
}
