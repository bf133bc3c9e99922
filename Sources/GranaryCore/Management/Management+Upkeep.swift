package import GranaryFormat
package import GranaryModel

/// How a sweep is to be done.
struct SweepInput: Codable, Sendable {
    var graceSeconds: Int64
    var isDryRun: Bool
}

/// How a backup is to be made.
struct BackupInput: Codable, Sendable {
    var keeping: Int?
}

/// How work that takes no choices is to be done.
struct NoInput: Codable, Sendable {}

extension Management {
    /// The longest grace period a sweep takes, in seconds.
    package static let maximumGraceSeconds: Int64 = 365 * 24 * 3600

    /// Asks for a sweep. For administrators; without a grace period, the standard one holds.
    package func sweep(graceSeconds: Int64?, isDryRun: Bool, by caller: Principal) async throws(Problem) -> Job {
        try requireAdministrator(caller)
        let grace = graceSeconds ?? sweepGrace.components.seconds
        guard (0...Self.maximumGraceSeconds).contains(grace) else {
            throw .invalid(.query, "graceSeconds is a number from 0 to \(Self.maximumGraceSeconds)")
        }
        return try await jobs.submit(
            Upkeep.sweep, input: SweepInput(graceSeconds: grace, isDryRun: isDryRun), by: caller.actor)
    }

    /// Asks for a check of all that is stored. For administrators.
    package func check(by caller: Principal) async throws(Problem) -> Job {
        try requireAdministrator(caller)
        return try await jobs.submit(Upkeep.check, input: NoInput(), by: caller.actor)
    }

    /// Asks for a backup, and for all but the `keeping` newest to be removed after it. For administrators.
    package func backUp(keeping: Int?, by caller: Principal) async throws(Problem) -> Job {
        try requireAdministrator(caller)
        if let keeping, !(1...100_000).contains(keeping) {
            throw .invalid(.query, "keep is a number from 1 to 100000")
        }
        guard jobs.does(Upkeep.backup) else {
            throw .conflict("this server has no setting backup.path; 'granary backup FOLDER --data …' needs none")
        }
        return try await jobs.submit(Upkeep.backup, input: BackupInput(keeping: keeping), by: caller.actor)
    }

    /// Long work, newest first, of numbers below `before`. For administrators.
    package func jobs(before: Int64, limit: Int, for caller: Principal) async throws(Problem) -> [Job] {
        try requireAdministrator(caller)
        return try await jobs.jobs(before: before, limit: limit)
    }

    /// One job. For administrators.
    package func job(_ id: Int64, for caller: Principal) async throws(Problem) -> Job {
        try requireAdministrator(caller)
        guard let job = try await jobs.job(id) else { throw .unknown(.name, "there is no job \(id)") }
        return job
    }
}
