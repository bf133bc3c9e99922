package import GranaryModel

/// Who makes a request, and what they may do about their own credentials: what clients that log in by their own protocol ask.
package protocol CallerAccess: Sendable {
    /// Nil is somebody unknown.
    var user: UserName? { get }
    /// Makes an access token, whose secret is shown this once: for the one `login` names, else for the caller. Throws
    /// `.unauthenticated` for a wrong login and for somebody unknown.
    func createToken(
        named name: String, login: (user: String, secret: String)?
    ) async throws(Problem) -> (token: AccessToken, secret: String)
    /// The caller's access tokens that have not been revoked.
    func tokens() async throws(Problem) -> [AccessToken]
    /// Revokes one of the caller's access tokens, by its id or its secret. Throws `.unknown(.token, …)`.
    func revokeToken(_ token: String) async throws(Problem)
}
