import FoundationEssentials
import Synchronization
package import GranaryModel
package import GranaryPorts

/// Repositories, inside one transaction.
package struct RepositoryRows {
    private let connection: any SQLConnection

    package init(_ connection: any SQLConnection) { self.connection = connection }

    /// Every repository there is now, by name.
    package func all() throws -> [Repository] {
        try connection.query(
            """
            select id, name, format, kind, settings, created_at
            from repository where valid_until is null order by name
            """, []
        ).map(Repository.init)
    }

    /// A repository as it stands in this transaction; nil when it has ended.
    package func find(_ id: RepositoryID) throws -> Repository? {
        try connection.first(
            """
            select id, name, format, kind, settings, created_at
            from repository where id = $1 and valid_until is null
            """, [.integer(id.value)]
        ).map(Repository.init)
    }

    /// Adds a repository. Throws `StoreError.nameTaken`.
    package func insert(
        _ name: RepositoryName, format: FormatName, kind: RepositoryKind, settings: RepositorySettings,
        at time: Timestamp, from sequence: SequenceNumber
    ) throws {
        let changed = try connection.execute(
            """
            insert into repository (name, format, kind, settings, created_at, valid_from)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (name) where valid_until is null do nothing
            """,
            [
                .text(name.text), .text(format.text), .text(kind.rawValue), .text(settings.json),
                .integer(time.milliseconds), .integer(sequence.value)
            ])
        guard changed == 1 else { throw StoreError.nameTaken(name.text) }
    }

    /// Replaces the settings. The identity of the repository stays, so this row is changed in place; the event keeps both.
    package func update(_ id: RepositoryID, settings: RepositorySettings) throws {
        try connection.execute(
            "update repository set settings = $1 where id = $2", [.text(settings.json), .integer(id.value)])
    }

    /// Ends a repository. Throws `StoreError.notEmpty` while it holds files.
    package func end(_ id: RepositoryID, at sequence: SequenceNumber) throws {
        let held = try connection.first(
            """
            select 1 from file join package on package.id = file.package_id
            where package.repository_id = $1 and file.valid_until is null limit 1
            """, [.integer(id.value)])
        guard held == nil else { throw StoreError.notEmpty }
        let ended = try connection.execute(
            "update repository set valid_until = $1 where id = $2 and valid_until is null",
            [.integer(sequence.value), .integer(id.value)])
        guard ended == 1 else { throw StoreError.unknown("the repository") }
    }
}

extension Repository {
    fileprivate init(_ row: SQLRow) throws {
        guard let name = RepositoryName(row.text(1)), let format = FormatName(row.text(2)),
            let kind = RepositoryKind(rawValue: row.text(3))
        else { throw StoreError.unknown("repository row \(row.integer(0))") }
        self.init(
            id: RepositoryID(row.integer(0)), name: name, format: format, kind: kind,
            settings: try decode(row.text(4)),
            createdAt: Timestamp(milliseconds: row.integer(5)))
    }
}

/// Settings that were decoded before, by their JSON: every write reads its repository again, and settings hardly ever change.
private let decodedSettings = Mutex<[String: RepositorySettings]>([:])

/// Decoded settings are forgotten beyond this.
private let maximumDecodedSettings = 10_000

private func decode(_ json: String) throws -> RepositorySettings {
    if let settings = decodedSettings.withLock({ $0[json] }) { return settings }
    let settings = try JSONDecoder().decode(RepositorySettings.self, from: Data(json.utf8))
    decodedSettings.withLock { known in
        if known.count >= maximumDecodedSettings { known = [:] }
        known[json] = settings
    }
    return settings
}

extension RepositorySettings {
    /// As the row and the event keep it.
    package var json: String { jsonText(self) }
}
