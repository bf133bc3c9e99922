extension Migration {
    /// What the sweep, the check and long work remember.
    static let upkeep = Migration(
        number: 2, name: "upkeep",
        script: """
            -- Since when no live file has named the blob, as the sweep saw it; whoever names it again clears it.
            alter table blob add column marked_at bigint;
            -- Since when its bytes are known to be wrong or gone; whoever stores the right ones again clears it.
            alter table blob add column damaged_at bigint;
            create index blob_marked on blob (marked_at) where marked_at is not null;
            create index blob_damaged on blob (digest) where damaged_at is not null;

            -- Files that stand for themselves: what is uploaded before a version needs it.
            create index file_loose on file (id) where version_id is null and valid_until is null;
            create index edge_ended on edge (package_id, target) where valid_until is not null;

            -- Long work: what is to be done, how far it is, and what came of it.
            create table job (
                id IDENTITY,
                kind text not null,
                input text not null,
                actor text not null,
                state text not null,
                progress text,
                result text,
                created_at bigint not null,
                started_at bigint,
                finished_at bigint
            );
            create unique index job_active on job (kind) where state in ('waiting', 'running');
            create index job_finished on job (finished_at) where finished_at is not null;
            """)
}
