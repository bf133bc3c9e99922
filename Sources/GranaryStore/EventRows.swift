package import GranaryModel
package import GranaryPorts

/// The history, inside one transaction.
package struct EventRows {
    package static let maximumPage = 1000

    private let connection: any SQLConnection

    package init(_ connection: any SQLConnection) { self.connection = connection }

    /// Takes the next position of the history. Every change takes one, before it writes its rows.
    package func next() throws -> SequenceNumber {
        let row = try connection.first(
            "update counter set value = value + 1 where name = 'event' returning value", [])
        guard let row else { throw StoreError.unknown("the history's counter") }
        return SequenceNumber(row.integer(0))
    }

    /// Writes the entry of a position that was taken in this transaction.
    package func append(_ event: Event) throws {
        try connection.execute(
            """
            insert into event
              (sequence, time, actor, verb, repository, package, target, before_value, after_value)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            [
                .integer(event.sequence.value), .integer(event.time.milliseconds), .text(event.actor),
                .text(event.verb.rawValue), .optional(event.repository?.text), .optional(event.package?.text),
                .text(event.target), .optional(event.before), .optional(event.after)
            ])
    }

    /// Entries after a position, oldest first; of one repository where given; at most `maximumPage`.
    package func page(
        since: SequenceNumber, repository: RepositoryName? = nil, limit: Int = maximumPage
    ) throws -> [Event] {
        let filter = repository == nil ? "" : "and repository = $2"
        let rows = try connection.query(
            """
            select sequence, time, actor, verb, repository, package, target, before_value, after_value
            from event where sequence > $1 \(filter) order by sequence limit \(repository == nil ? "$2" : "$3")
            """,
            [.integer(since.value)] + (repository.map { [.text($0.text)] } ?? [])
                + [.integer(Int64(min(limit, Self.maximumPage)))])
        return rows.compactMap(Event.init)
    }

    /// The newest position.
    package func newest() throws -> SequenceNumber {
        SequenceNumber(try connection.first("select value from counter where name = 'event'", [])?.integer(0) ?? 0)
    }

    /// The newest position whose change was made at a moment or before it.
    package func position(at moment: Timestamp) throws -> SequenceNumber {
        // Positions and times grow together; of times there is no index.
        var (before, after) = (Int64(0), try newest().value + 1)
        while after - before > 1 {
            let middle = before + (after - before) / 2
            let row = try connection.first(
                "select sequence, time from event where sequence >= $1 order by sequence limit 1", [.integer(middle)])
            if let row, row.integer(1) <= moment.milliseconds {
                before = max(middle, row.integer(0))
            } else {
                after = middle
            }
        }
        return SequenceNumber(before)
    }
}

extension Event {
    /// Nil for a verb of a newer server.
    fileprivate init?(_ row: SQLRow) {
        guard let verb = Verb(rawValue: row.text(3)) else { return nil }
        self.init(
            sequence: SequenceNumber(row.integer(0)), time: Timestamp(milliseconds: row.integer(1)),
            actor: row.text(2), verb: verb, repository: row.optionalText(4).flatMap(RepositoryName.init),
            package: row.optionalText(5).flatMap(PackageName.init), target: row.text(6),
            before: row.optionalText(7), after: row.optionalText(8))
    }
}
