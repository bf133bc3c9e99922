import FoundationEssentials

/// Writes versions with their file, tag, edge, blob and event into Granary's database while the server is stopped: a
/// thousand of them in each package. Their media type and metadata are those of a version that has been pushed.
struct Seed {
    private static let versionsPerPackage = 1000

    let database: String
    let versions: Int

    /// The image that holds the first thousand, and the name of one of its tags.
    static let firstImage = "seed/0"
    static func tag(_ number: Int) -> String { "t\(1_000_000 + number)" }

    /// Runs the statements with the program `sqlite3`; `folder` takes the script.
    func write(in folder: String) throws {
        let (script, log) = ("\(folder)/seed.sql", "\(folder)/seed.log")
        try Data(sql.utf8).write(to: URL(filePath: script))
        let code = try ServerProcess.run(["sqlite3", "-bail", database], input: script, log: log)
        guard code == 0 else { throw BenchFailure("seeding \(database) failed:\n\(ProcFile.read(log) ?? "")") }
    }

    private var sql: String {
        """
        pragma journal_mode = off;
        pragma synchronous = off;
        begin;
        create temporary table base as select
          (select max(id) from package) as package, (select max(id) from version) as version,
          (select value from counter where name = 'event') as event,
          (select id from repository where name = 'docker' and valid_until is null) as repository;
        create temporary table example as select media_type, artifact_type, metadata, created_at from version limit 1;
        create temporary table number as
          with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < \(versions))
          select i, printf('%064x', i + 1) as hex from n;
        insert into package (id, repository_id, name)
          select base.package + 1 + i, base.repository, 'seed/' || i from number, base
          where i <= (\(versions) - 1) / \(Self.versionsPerPackage);
        insert into version (id, package_id, name, media_type, artifact_type, metadata, created_at, valid_from)
          select base.version + 1 + i, base.package + 1 + i / \(Self.versionsPerPackage), 'sha256:' || hex,
            media_type, artifact_type, metadata, created_at, base.event + 1 + i from number, base, example;
        insert into file (package_id, version_id, path, blob, size, media_type, modified_at, valid_from)
          select base.package + 1 + i / \(Self.versionsPerPackage), base.version + 1 + i, 'sha256:' || hex, hex, 500,
            media_type, created_at, base.event + 1 + i from number, base, example;
        insert into tag (package_id, name, version_id, valid_from)
          select base.package + 1 + i / \(Self.versionsPerPackage), 't' || (1000000 + i), base.version + 1 + i,
            base.event + 1 + i from number, base;
        insert into edge (package_id, version_id, kind, target, valid_from)
          select base.package + 1 + i / \(Self.versionsPerPackage), base.version + 1 + i, 'content',
            'blobs/sha256:' || hex, base.event + 1 + i from number, base;
        insert into blob (digest, size, created_at) select hex, 500, created_at from number, example;
        insert into event (sequence, time, actor, verb, repository, package, target)
          select base.event + 1 + i, created_at, 'admin', 'version.published', 'docker',
            'seed/' || (i / \(Self.versionsPerPackage)), 'sha256:' || hex from number, base, example;
        update counter set value = value + \(versions) where name = 'event';
        commit;
        pragma journal_mode = wal;

        """
    }
}
