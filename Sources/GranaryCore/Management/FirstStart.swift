package import GranaryFormat
import GranaryModel
import GranaryPorts
import GranaryStore

extension Management {
    /// On a database without users: makes an administrator and the repositories a team starts with, and answers the
    /// administrator's random password; nil when there are users already.
    package func firstStart(repositories: [NewRepository]) async throws(Problem) -> String? {
        guard services.snapshot.value.users.isEmpty, let admin = UserName("admin") else { return nil }
        let password = Self.password(from: services.random(24))
        let hash: String
        do {
            hash = try PasswordHash.make(password, salt: services.random(PasswordHash.saltBytes))
        } catch {
            throw .unavailable("the password could not be hashed", retryAfter: 5)
        }
        let system = Principal(user: UserName("system"), isAdministrator: true, scopes: nil)
        for new in repositories where services.snapshot.value.repositories[new.name] == nil {
            _ = try await create(new, by: system)
        }
        try await change(by: system) { connection, moment in
            try AccountRows(connection).insert(
                admin, passwordHash: hash, isAdministrator: true, at: moment.time, from: moment.sequence)
            return Entry(verb: .userCreated, target: admin.text, after: #"{"administrator":true}"#)
        }
        return password
    }

    /// 24 characters that nobody mistakes for others when they type them: 5 random bits each.
    private static func password(from bytes: [UInt8]) -> String {
        let alphabet = Array("abcdefghjkmnpqrstuvwxyz23456789-")
        return String(bytes.map { alphabet[Int($0) % alphabet.count] })
    }
}
