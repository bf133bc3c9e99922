import FoundationEssentials
package import GranaryFormat
import GranaryModel
import HTTPTypes

extension NPM {
    private static let maximumAccountDocument = 64 << 10

    package func performService(
        _ operation: Operation<Call>, _ request: FormatRequest, on access: some ServiceAccess
    ) async throws(Problem) -> Reply {
        guard case .account(let call) = operation.call else {
            throw .unsupported("\(operation.name) needs a repository")
        }
        switch call {
        case .logIn: return try await logIn(request, access.caller)
        case .whoAmI:
            return Reply(.ok, .json, text: RawJSON(object: [("username", try name(of: access.caller))]).text, .uncached)
        case .profile: return Reply(.ok, .json, text: try profile(of: access.caller).text, .uncached)
        case .listTokens: return try await listTokens(access.caller)
        case .createToken: return try await createToken(request, access.caller)
        case .revokeToken(let token):
            try await access.caller.revokeToken(token)
            return Reply(.noContent, .uncached)
        }
    }

    /// Log-in as to CouchDB: the document of a user, with the password in it; the answer has a token.
    private func logIn(_ request: FormatRequest, _ caller: any CallerAccess) async throws(Problem) -> Reply {
        let body = try await request.body.json(upTo: Self.maximumAccountDocument)
        guard let user = body["name"]?.string, let password = body["password"]?.string else {
            throw .invalid(.user, "log in with a name and a password")
        }
        let (_, secret) = try await caller.createToken(named: "npm login", login: (user, password))
        let answer = RawJSON(object: [
            ("ok", RawJSON(true)), ("id", RawJSON("org.couchdb.user:\(user)")), ("rev", RawJSON("1-0")),
            ("token", RawJSON(secret))
        ])
        return Reply(.created, .json, text: answer.text, .uncached)
    }

    private func name(of caller: any CallerAccess) throws(Problem) -> RawJSON {
        guard let user = caller.user else { throw .unauthenticated("log in to be somebody") }
        return RawJSON(user.text)
    }

    private func profile(of caller: any CallerAccess) throws(Problem) -> RawJSON {
        RawJSON(object: [
            ("tfa", .null), ("name", try name(of: caller)), ("email", RawJSON("")), ("email_verified", RawJSON(false)),
            ("created", .null), ("updated", .null), ("cidr_whitelist", .null), ("fullname", RawJSON(""))
        ])
    }

    private func listTokens(_ caller: any CallerAccess) async throws(Problem) -> Reply {
        let objects = try await caller.tokens().map { Self.object(of: $0, showing: String($0.id.prefix(6))) }
        let answer = RawJSON(object: [
            ("objects", RawJSON(array: objects)), ("total", RawJSON(Int64(objects.count))),
            ("urls", RawJSON(object: []))
        ])
        return Reply(.ok, .json, text: answer.text, .uncached)
    }

    private func createToken(_ request: FormatRequest, _ caller: any CallerAccess) async throws(Problem) -> Reply {
        let body = try await request.body.json(upTo: Self.maximumAccountDocument)
        guard let user = caller.user, let password = body["password"]?.string else {
            throw .unauthenticated("a new token needs the password once more")
        }
        guard body["readonly"]?.boolean != true, body["cidr_whitelist"]?.elements?.isEmpty ?? true else {
            throw .invalid(
                .token, "what a token may do is for grants to say: it is neither read-only nor bound to addresses")
        }
        let (token, secret) = try await caller.createToken(named: "npm token", login: (user.text, password))
        return Reply(.ok, .json, text: Self.object(of: token, showing: secret).text, .uncached)
    }

    private static func object(of token: AccessToken, showing text: String) -> RawJSON {
        let created = RawJSON(token.createdAt.description)
        return RawJSON(object: [
            ("key", RawJSON(token.id)), ("token", RawJSON(text)), ("created", created),
            ("updated", token.lastUsedAt.map { RawJSON($0.description) } ?? created), ("readonly", RawJSON(false)),
            ("cidr_whitelist", .null), ("name", RawJSON(token.name))
        ])
    }
}
