import GranaryFormat
import GranaryModel
import GranaryPorts
import GranaryStore

extension Management {
    /// On a database without users: makes an administrator and the repositories a team starts with, and answers
    /// whether it did. The password is random where none is given.
    ///
    /// The administrator comes last, so that a start that was cut short begins again; `keep` is called with the password
    /// before it holds.
    package func firstStart(
        repositories: [NewRepository], password given: String?, keep: (String) throws -> Void
    ) async throws -> Bool {
        guard services.snapshot.value.users.isEmpty, let admin = UserName("admin") else { return false }
        let password = given ?? Self.password(from: services.random(24))
        let hash = try hash(password)
        let system = Principal(user: UserName("system"), isAdministrator: true, scopes: nil)
        for new in repositories where services.snapshot.value.repositories[new.name] == nil {
            _ = try await create(new, by: system)
        }
        try keep(password)
        try await change(by: system) { connection, moment in
            try AccountRows(connection).insert(
                admin, passwordHash: hash, isAdministrator: true, at: moment.time, from: moment.sequence)
            return Entry(verb: .userCreated, target: admin.text, after: #"{"administrator":true}"#)
        }
        return true
    }

    /// 24 characters that nobody mistakes for others when they type them: 5 random bits each.
    private static func password(from bytes: [UInt8]) -> String {
        let alphabet = Array("abcdefghjkmnpqrstuvwxyz23456789-")
        return String(bytes.map { alphabet[Int($0) % alphabet.count] })
    }
}
