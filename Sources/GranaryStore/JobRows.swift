package import GranaryModel
package import GranaryPorts

/// Long work and what came of it, inside one transaction. Jobs are no part of the history: they are about the server.
package struct JobRows {
    private let connection: any SQLConnection

    package init(_ connection: any SQLConnection) { self.connection = connection }

    private static let columns = "id, kind, input, actor, state, result, created_at, started_at, finished_at"

    /// Adds a job. Nil when one of its kind is waiting or running.
    package func insert(_ kind: String, input: String, actor: String, at time: Timestamp) throws -> Job? {
        try connection.first(
            """
            insert into job (kind, input, actor, state, created_at) values ($1, $2, $3, 'waiting', $4)
            on conflict (kind) where state in ('waiting', 'running') do nothing returning \(Self.columns)
            """, [.text(kind), .text(input), .text(actor), .integer(time.milliseconds)]
        ).flatMap(Job.init)
    }

    /// Newest first, of numbers below `before`.
    package func page(before: Int64, limit: Int) throws -> [Job] {
        try connection.query(
            "select \(Self.columns) from job where id < $1 order by id desc limit $2",
            [.integer(before), .integer(Int64(limit))]
        ).compactMap(Job.init)
    }

    /// One job.
    package func find(_ id: Int64) throws -> Job? {
        try connection.first("select \(Self.columns) from job where id = $1", [.integer(id)]).flatMap(Job.init)
    }

    /// The job of a kind that is waiting or running.
    package func active(_ kind: String) throws -> Job? {
        try connection.first(
            "select \(Self.columns) from job where kind = $1 and state in ('waiting', 'running')", [.text(kind)]
        ).flatMap(Job.init)
    }

    /// Takes the jobs that wait, in their order: they are running now.
    package func takeWaiting(at time: Timestamp) throws -> [Job] {
        try connection.query(
            "update job set state = 'running', started_at = $1 where state = 'waiting' returning \(Self.columns)",
            [.integer(time.milliseconds)]
        ).compactMap(Job.init).sorted { $0.id < $1.id }
    }

    /// Says what came of a job.
    package func finish(_ id: Int64, _ state: Job.State, result: String, at time: Timestamp) throws {
        try connection.execute(
            "update job set state = $1, result = $2, finished_at = $3 where id = $4",
            [.text(state.rawValue), .text(result), .integer(time.milliseconds), .integer(id)])
    }

    /// Ends what was running when the process before this one ended; answers how many.
    package func endInterrupted(result: String, at time: Timestamp) throws -> Int {
        try connection.execute(
            "update job set state = 'failed', result = $1, finished_at = $2 where state = 'running'",
            [.text(result), .integer(time.milliseconds)])
    }

    /// Forgets what ended before `moment`.
    package func forget(before moment: Timestamp) throws {
        try connection.execute("delete from job where finished_at < $1", [.integer(moment.milliseconds)])
    }
}

extension Job {
    fileprivate init?(_ row: SQLRow) {
        guard let state = State(rawValue: row.text(4)) else { return nil }
        self.init(
            id: row.integer(0), kind: row.text(1), input: row.text(2), actor: row.text(3), state: state,
            result: row.optionalText(5), createdAt: Timestamp(milliseconds: row.integer(6)),
            startedAt: row.optionalInteger(7).map(Timestamp.init(milliseconds:)),
            finishedAt: row.optionalInteger(8).map(Timestamp.init(milliseconds:)))
    }
}
