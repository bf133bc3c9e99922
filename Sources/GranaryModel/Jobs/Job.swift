/// Long work: asked for once, done in the background, and told of until a month after it ended.
package struct Job: Sendable, Equatable {
    /// Where a job stands. The raw value is stored.
    package enum State: String, Sendable, Codable, CaseIterable { case waiting, running, done, failed }

    package let id: Int64
    /// What is to be done: `sweep`, `check`, `backup`. One job of a kind is waiting or running at a time.
    package let kind: String
    /// A JSON object: how it is to be done.
    package let input: String
    /// Who asked for it: a user's name, or `Event.system`.
    package let actor: String
    package let state: State
    /// A JSON object: what came of it, or how far it is; nil before there is anything to tell. Of a failed job
    /// `{"error": …}`.
    package let result: String?
    package let createdAt: Timestamp
    package let startedAt: Timestamp?
    package let finishedAt: Timestamp?

    package init(
        id: Int64, kind: String, input: String, actor: String, state: State, result: String?, createdAt: Timestamp,
        startedAt: Timestamp?, finishedAt: Timestamp?
    ) {
        self.id = id
        self.kind = kind
        self.input = input
        self.actor = actor
        self.state = state
        self.result = result
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }
}
