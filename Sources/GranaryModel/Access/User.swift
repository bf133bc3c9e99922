/// Somebody, or some machine, that can log in.
package struct User: Sendable, Equatable {
    package let id: Int64
    package let name: UserName
    package let isAdministrator: Bool
    package let isDisabled: Bool
    package let createdAt: Timestamp

    package init(id: Int64, name: UserName, isAdministrator: Bool, isDisabled: Bool, createdAt: Timestamp) {
        self.id = id
        self.name = name
        self.isAdministrator = isAdministrator
        self.isDisabled = isDisabled
        self.createdAt = createdAt
    }
}

/// A credential of a user that can be taken back on its own. Its secret is known only when it is made; a hash is stored.
package struct AccessToken: Sendable, Equatable {
    package let id: String
    package let user: UserName
    package let name: String
    package let createdAt: Timestamp
    /// Nil never expires.
    package let expiresAt: Timestamp?
    /// Written in batches, so up to a minute behind.
    package let lastUsedAt: Timestamp?
    package let revokedAt: Timestamp?

    package init(
        id: String, user: UserName, name: String, createdAt: Timestamp, expiresAt: Timestamp?, lastUsedAt: Timestamp?,
        revokedAt: Timestamp?
    ) {
        self.id = id
        self.user = user
        self.name = name
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.lastUsedAt = lastUsedAt
        self.revokedAt = revokedAt
    }
}
