import GranaryFormat
import GranaryModel

/// A caller's own credentials, as formats reach them.
struct CallerCredentials: CallerAccess {
    let principal: Principal
    /// The address of the client.
    let peer: String
    let management: Management

    var user: UserName? { principal.user }

    func createToken(
        named name: String, login: (user: String, secret: String)?
    ) async throws(Problem) -> (token: AccessToken, secret: String) {
        var caller = principal
        if let login {
            caller = try await management.identity.authenticator.authenticate(
                user: login.user, secret: login.secret, from: peer)
        }
        let owner = try management.requireUser(caller)
        return try await management.createToken(name, for: owner.text, expiresAt: nil, by: caller)
    }

    func tokens() async throws(Problem) -> [AccessToken] {
        let owner = try management.requireUser(principal)
        return try await management.tokens(of: owner.text, for: principal).filter { $0.revokedAt == nil }
    }

    func revokeToken(_ token: String) async throws(Problem) {
        try await management.revokeToken(TokenSecret(token)?.id ?? token, by: principal)
    }
}
