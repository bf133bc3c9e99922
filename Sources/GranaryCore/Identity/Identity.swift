import GranaryModel

/// Authentication and the issuing of tokens, built once and shared.
package struct Identity: Sendable {
    package let authenticator: Authenticator
    package let signer: TokenSigner

    /// `hashing` is where passwords are hashed; its threads bound how many are hashed at once.
    package init(services: Services, signer: TokenSigner, hashing: @escaping BlockingWork) {
        self.signer = signer
        authenticator = Authenticator(services: services, signer: signer, hashing: hashing)
    }
}
