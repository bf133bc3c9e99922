package import GranaryModel

extension Wire {
    /// Long work, and how far it is or what came of it.
    package struct Job: Codable, Sendable {
        package let id: Int64
        package let kind: String
        package let state: GranaryModel.Job.State
        package let actor: String
        package let input: JSONValue
        package let result: JSONValue?
        package let createdAt: Timestamp
        package let startedAt: Timestamp?
        package let finishedAt: Timestamp?

        init(_ job: GranaryModel.Job) {
            id = job.id
            kind = job.kind
            state = job.state
            actor = job.actor
            input = JSONValue(text: job.input) ?? .object([:])
            result = job.result.flatMap(JSONValue.init(text:))
            createdAt = job.createdAt
            startedAt = job.startedAt
            finishedAt = job.finishedAt
        }
    }

    /// How a backup is to be made.
    package struct BackupRequest: Codable, Sendable {
        /// How many backups to keep; nil keeps all.
        package var keep: Int?

        package init(keep: Int?) { self.keep = keep }
    }

    /// How a sweep is to be done; what is left out is as the server has it.
    package struct SweepRequest: Codable, Sendable {
        package var graceSeconds: Int64?
        package var dryRun: Bool?

        package init(graceSeconds: Int64?, dryRun: Bool?) {
            self.graceSeconds = graceSeconds
            self.dryRun = dryRun
        }
    }
}
