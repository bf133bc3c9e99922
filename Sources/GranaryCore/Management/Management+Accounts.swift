package import GranaryFormat
package import GranaryModel
import GranaryPorts
import GranaryStore

/// What may be changed of a user; nil leaves it.
package struct UserChange: Sendable {
    package var password: String?
    package var isAdministrator: Bool?
    package var isDisabled: Bool?

    package init(password: String? = nil, isAdministrator: Bool? = nil, isDisabled: Bool? = nil) {
        self.password = password
        self.isAdministrator = isAdministrator
        self.isDisabled = isDisabled
    }
}

extension Management {
    /// In Unicode code points (NIST SP 800-63B, section 3.1.1.2).
    package static let minimumPasswordLength = 8
    /// What the history calls somebody unknown, and the server itself.
    private static let reservedNames: Set<String> = [Principal.anonymous.actor, "system"]
    package static let maximumPasswordBytes = 1024

    /// For administrators.
    package func users(for caller: Principal) throws(Problem) -> [User] {
        try requireAdministrator(caller)
        return services.snapshot.value.users.values.sorted { $0.name < $1.name }
    }

    /// For administrators, and for everybody about themselves.
    package func user(_ name: String, for caller: Principal) throws(Problem) -> User {
        let own = try requireUser(caller)
        if name != own.text { try requireAdministrator(caller) }
        guard let key = UserName(name), let user = services.snapshot.value.users[key] else {
            throw .unknown(.user, "there is no user '\(name)'")
        }
        return user
    }

    /// For administrators. Without a password the user logs in by access token only.
    package func createUser(
        _ name: UserName, password: String?, isAdministrator: Bool, by caller: Principal
    ) async throws(Problem) -> User {
        try requireAdministrator(caller)
        guard !Self.reservedNames.contains(name.text) else {
            throw .invalid(.user, "'\(name)' is what the history calls somebody else")
        }
        let hash = try hash(password)
        try await change(by: caller) { connection, moment in
            try AccountRows(connection).insert(
                name, passwordHash: hash, isAdministrator: isAdministrator, at: moment.time, from: moment.sequence)
            return Entry(
                verb: .userCreated, target: name.text, after: isAdministrator ? #"{"administrator":true}"# : nil)
        }
        return try user(name.text, for: caller)
    }

    /// For administrators; everybody may change their own password.
    package func changeUser(
        _ name: String, _ update: UserChange, by caller: Principal
    ) async throws(Problem) -> User {
        let old = try user(name, for: caller)
        if update.isAdministrator != nil || update.isDisabled != nil { try requireAdministrator(caller) }
        let endsAdministrator = update.isAdministrator == false || update.isDisabled == true
        let hash = try hash(update.password)
        try await change(by: caller) { connection, _ in
            let rows = AccountRows(connection)
            if endsAdministrator { try rows.requireAnotherAdministrator(than: old) }
            try rows.update(
                old.id, passwordHash: hash, isAdministrator: update.isAdministrator, isDisabled: update.isDisabled)
            return Entry(verb: .userChanged, target: old.name.text, after: update.summary)
        }
        return services.snapshot.value.users[old.name] ?? old
    }

    /// For administrators. Their tokens are revoked and their grants end.
    package func deleteUser(_ name: String, by caller: Principal) async throws(Problem) {
        try requireAdministrator(caller)
        let old = try user(name, for: caller)
        try await change(by: caller) { connection, moment in
            let rows = AccountRows(connection)
            try rows.requireAnotherAdministrator(than: old)
            try rows.end(old.id, at: moment.sequence, moment.time)
            return Entry(verb: .userDeleted, target: old.name.text)
        }
    }

    func hash(_ password: String?) throws(Problem) -> String? {
        guard let password else { return nil }
        guard password.unicodeScalars.count >= Self.minimumPasswordLength,
            password.utf8.count <= Self.maximumPasswordBytes
        else {
            throw .invalid(
                .user,
                "a password has at least \(Self.minimumPasswordLength) characters and at most \(Self.maximumPasswordBytes) bytes"
            )
        }
        do {
            return try PasswordHash.make(
                password, salt: services.random(PasswordHash.saltBytes), logRounds: services.passwordRounds)
        } catch {
            throw .unavailable("the password could not be hashed", retryAfter: 5)
        }
    }
}

extension AccountRows {
    /// Throws `.conflict` when nobody else would be left who may do everything.
    fileprivate func requireAnotherAdministrator(than user: User) throws {
        let administrators = try users().filter { $0.isAdministrator && !$0.isDisabled }
        guard administrators.contains(where: { $0.id != user.id }) else {
            throw Problem.conflict("'\(user.name)' is the last administrator")
        }
    }
}

extension UserChange {
    /// For the history: that the password changed, never what it is.
    fileprivate var summary: String {
        var parts: [String] = []
        if password != nil { parts.append(#""password":"changed""#) }
        if let isAdministrator { parts.append(#""administrator":\#(isAdministrator)"#) }
        if let isDisabled { parts.append(#""disabled":\#(isDisabled)"#) }
        return "{\(parts.joined(separator: ","))}"
    }
}

// MARK: - Access tokens

extension Management {
    package static let maximumTokenNameBytes = 128

    /// For administrators of anybody's tokens; for everybody of their own.
    package func tokens(of name: String?, for caller: Principal) async throws(Problem) -> [AccessToken] {
        let own = try requireUser(caller)
        if name != own.text { try requireAdministrator(caller) }
        var owner: UserName?
        if let name { owner = try user(name, for: caller).name }
        return try await services.performing { [owner] in
            try await services.driver.read { try AccountRows($0).tokens(of: owner) }
        }
    }

    /// Answers the token's row and its secret, which is shown this once.
    package func createToken(
        _ label: String, for name: String, expiresAt: Timestamp?, by caller: Principal
    ) async throws(Problem) -> (token: AccessToken, secret: String) {
        let owner = try user(name, for: caller)
        guard label.isShowable(limit: Self.maximumTokenNameBytes) else {
            throw .invalid(
                .token, "a token's name has 1 to \(Self.maximumTokenNameBytes) bytes and no control characters")
        }
        if let expiresAt, expiresAt <= services.now() { throw .conflict("the expiry lies in the past") }
        let secret = TokenSecret(random: services.random(32))
        let createdAt = try await changing(by: caller) { connection, moment in
            try AccountRows(connection).insertToken(
                secret.id, of: owner.id, name: label, secretHash: secret.hash, at: moment.time, expires: expiresAt)
            return (
                Entry(verb: .tokenCreated, target: secret.id, after: #"{"user":"\#(owner.name)"}"#), moment.time
            )
        }
        let created = AccessToken(
            id: secret.id, user: owner.name, name: label, createdAt: createdAt, expiresAt: expiresAt,
            lastUsedAt: nil, revokedAt: nil)
        return (created, secret.text)
    }

    /// For administrators, and for the token's owner.
    package func revokeToken(_ id: String, by caller: Principal) async throws(Problem) {
        let own = try requireUser(caller)
        let stored = try await services.performing {
            try await services.driver.read { try AccountRows($0).token(id) }
        }
        guard let stored, stored.token.user == own || caller.isAdministrator, stored.token.revokedAt == nil else {
            throw .unknown(.token, "there is no token '\(id)'")
        }
        try await change(by: caller) { connection, moment in
            _ = try AccountRows(connection).revokeToken(id, at: moment.time)
            return Entry(verb: .tokenRevoked, target: id, before: #"{"user":"\#(stored.token.user)"}"#)
        }
    }
}
