extension Migration {
    /// What remote repositories have fetched. A cache has moments rather than a place in the history: nobody here changed
    /// anything.
    static let cache = Migration(
        number: 6, name: "cache",
        script: """
            create table cached (
                id IDENTITY,
                repository_id bigint not null references repository (id),
                package text not null,
                -- What it is of the package: a file, a tag, an index.
                name text not null,
                blob text not null,
                size bigint not null,
                media_type text not null,
                -- What the upstream is asked with whether it has changed.
                entity_tag text,
                last_modified text,
                -- Where it came from, after redirects.
                source text not null,
                -- Whether it never changes.
                is_fixed integer not null,
                fetched_at bigint not null,
                checked_at bigint not null,
                used_at bigint not null,
                -- Since when, and how often, the upstream has said that it is not there.
                missing_since bigint,
                missing_count bigint not null default 0,
                -- When something else took its place; null of what is served now.
                replaced_at bigint
            );
            create unique index cached_name on cached (repository_id, package, name) where replaced_at is null;
            create index cached_blob on cached (blob);
            create index cached_used on cached (repository_id, used_at);
            """)
}
