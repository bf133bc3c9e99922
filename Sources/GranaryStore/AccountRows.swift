package import GranaryModel
package import GranaryPorts

/// Users, their tokens and grants, inside one transaction.
package struct AccountRows {
    private let connection: any SQLConnection

    package init(_ connection: any SQLConnection) { self.connection = connection }
}

// MARK: - Users

/// A user with the hash their password is checked against; nil when they have none and log in by token only.
package struct Account: Sendable {
    package let user: User
    package let passwordHash: String?
}

extension AccountRows {
    private static let columns = "id, name, is_administrator, is_disabled, created_at, password"

    /// Every user there is now, by name.
    package func users() throws -> [User] {
        try connection.query(
            "select \(Self.columns) from account where valid_until is null order by name", []
        ).compactMap { Account($0)?.user }
    }

    /// The live user of a name, with the hash of their password.
    package func account(_ name: UserName) throws -> Account? {
        try connection.first(
            "select \(Self.columns) from account where name = $1 and valid_until is null", [.text(name.text)]
        ).flatMap(Account.init)
    }

    /// Throws `StoreError.nameTaken`.
    package func insert(
        _ name: UserName, passwordHash: String?, isAdministrator: Bool, at time: Timestamp,
        from sequence: SequenceNumber
    ) throws {
        let changed = try connection.execute(
            """
            insert into account (name, password, is_administrator, is_disabled, created_at, valid_from)
            values ($1, $2, $3, 0, $4, $5) on conflict (name) where valid_until is null do nothing
            """,
            [
                .text(name.text), .optional(passwordHash), .boolean(isAdministrator), .integer(time.milliseconds),
                .integer(sequence.value)
            ])
        guard changed == 1 else { throw StoreError.nameTaken(name.text) }
    }

    /// Writes what is given and leaves the rest.
    package func update(
        _ id: Int64, passwordHash: String? = nil, isAdministrator: Bool? = nil, isDisabled: Bool? = nil
    ) throws {
        try connection.execute(
            """
            update account set password = coalesce($1, password),
              is_administrator = coalesce($2, is_administrator), is_disabled = coalesce($3, is_disabled)
            where id = $4
            """,
            [
                .optional(passwordHash), isAdministrator.map(SQLValue.boolean) ?? .null,
                isDisabled.map(SQLValue.boolean) ?? .null, .integer(id)
            ])
    }

    /// Ends a user, and with them their tokens and grants.
    package func end(_ id: Int64, at sequence: SequenceNumber, _ time: Timestamp) throws {
        let position: SQLValue = .integer(sequence.value)
        try connection.execute("update account set valid_until = $1 where id = $2", [position, .integer(id)])
        try connection.execute(
            "update access_grant set valid_until = $1 where account_id = $2 and valid_until is null",
            [position, .integer(id)])
        try connection.execute(
            "update access_token set revoked_at = $1 where account_id = $2 and revoked_at is null",
            [.integer(time.milliseconds), .integer(id)])
    }
}

extension Account {
    fileprivate init?(_ row: SQLRow) {
        guard let name = UserName(row.text(1)) else { return nil }
        self.init(
            user: User(
                id: row.integer(0), name: name, isAdministrator: row.integer(2) == 1,
                isDisabled: row.integer(3) == 1, createdAt: Timestamp(milliseconds: row.integer(4))),
            passwordHash: row.optionalText(5))
    }
}

// MARK: - Access tokens

/// A token with the hash its secret is checked against.
package struct StoredToken: Sendable {
    package let token: AccessToken
    package let secretHash: String
}

extension AccountRows {
    private static let tokenColumns = """
        select t.id, a.name, t.name, t.created_at, t.expires_at, t.last_used_at, t.revoked_at, t.secret_hash
        from access_token t join account a on a.id = t.account_id and a.valid_until is null\u{20}
        """

    /// The tokens of one user, or of all, newest first.
    package func tokens(of user: UserName?) throws -> [AccessToken] {
        try connection.query(
            Self.tokenColumns + (user == nil ? "" : "where a.name = $1 ") + "order by t.created_at desc, t.id",
            user.map { [.text($0.text)] } ?? []
        ).compactMap { StoredToken($0)?.token }
    }

    /// A token of a live user by its public part, revoked or not.
    package func token(_ id: String) throws -> StoredToken? {
        try connection.first(Self.tokenColumns + "where t.id = $1", [.text(id)]).flatMap(StoredToken.init)
    }

    /// Adds a token; its secret is known to the caller only.
    package func insertToken(
        _ id: String, of account: Int64, name: String, secretHash: String, at time: Timestamp, expires: Timestamp?
    ) throws {
        try connection.execute(
            """
            insert into access_token (id, account_id, name, secret_hash, created_at, expires_at)
            values ($1, $2, $3, $4, $5, $6)
            """,
            [
                .text(id), .integer(account), .text(name), .text(secretHash), .integer(time.milliseconds),
                .optional(expires?.milliseconds)
            ])
    }

    /// Answers whether there was a token to revoke.
    package func revokeToken(_ id: String, at time: Timestamp) throws -> Bool {
        try connection.execute(
            "update access_token set revoked_at = $1 where id = $2 and revoked_at is null",
            [.integer(time.milliseconds), .text(id)]) == 1
    }

    /// Notes when tokens were last used. No event: being used is no change.
    package func noteUse(_ uses: [String: Timestamp]) throws {
        for (id, time) in uses {
            try connection.execute(
                "update access_token set last_used_at = $1 where id = $2", [.integer(time.milliseconds), .text(id)])
        }
    }
}

extension StoredToken {
    fileprivate init?(_ row: SQLRow) {
        guard let user = UserName(row.text(1)) else { return nil }
        self.init(
            token: AccessToken(
                id: row.text(0), user: user, name: row.text(2),
                createdAt: Timestamp(milliseconds: row.integer(3)),
                expiresAt: row.optionalInteger(4).map(Timestamp.init(milliseconds:)),
                lastUsedAt: row.optionalInteger(5).map(Timestamp.init(milliseconds:)),
                revokedAt: row.optionalInteger(6).map(Timestamp.init(milliseconds:))),
            secretHash: row.text(7))
    }
}

// MARK: - Grants

extension AccountRows {
    /// Every grant there is now, in the order they were made.
    package func grants() throws -> [Grant] {
        try connection.query(
            """
            select g.id, a.name, g.repository, g.package, g.rights
            from access_grant g left join account a on a.id = g.account_id
            where g.valid_until is null order by g.id
            """, []
        ).compactMap { row in
            guard let repository = Pattern(row.text(2)), let package = Pattern(row.text(3)) else { return nil }
            return Grant(
                id: row.integer(0), user: row.optionalText(1).flatMap(UserName.init), repository: repository,
                package: package, rights: Rights(rawValue: Int(row.integer(4))))
        }
    }

    /// Answers the new grant's number. A nil account grants to everybody who has logged in.
    package func insertGrant(
        to account: Int64?, repository: Pattern, package: Pattern, rights: Rights, from sequence: SequenceNumber
    ) throws -> Int64 {
        let row = try connection.first(
            """
            insert into access_grant (account_id, repository, package, rights, valid_from)
            values ($1, $2, $3, $4, $5) returning id
            """,
            [
                .optional(account), .text(repository.text), .text(package.text), .integer(Int64(rights.rawValue)),
                .integer(sequence.value)
            ])
        guard let row else { throw StoreError.unknown("the new grant's row") }
        return row.integer(0)
    }

    /// Answers whether there was a grant to end.
    package func endGrant(_ id: Int64, at sequence: SequenceNumber) throws -> Bool {
        try connection.execute(
            "update access_grant set valid_until = $1 where id = $2 and valid_until is null",
            [.integer(sequence.value), .integer(id)]) == 1
    }
}
