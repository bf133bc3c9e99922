extension Migration {
    /// The history, repositories and their content, blobs, and who may do what.
    static let foundation = Migration(
        number: 1, name: "foundation",
        script: """
            -- Sequences. 'event' is the position of the newest entry of the history.
            create table counter (name text primary key, value bigint not null);
            insert into counter (name, value) values ('event', 0);

            -- The history: one row a change.
            create table event (
                sequence IDENTITY,
                time bigint not null,
                actor text not null,
                verb text not null,
                repository text,
                package text,
                target text not null,
                before_value text,
                after_value text
            );

            create index event_repository on event (repository, sequence);

            -- Rows are valid from one position of the history until another; an open end is null.
            create table repository (
                id IDENTITY,
                name text not null,
                format text not null,
                kind text not null,
                settings text not null,
                created_at bigint not null,
                valid_from bigint not null,
                valid_until bigint
            );
            create unique index repository_name on repository (name) where valid_until is null;

            -- A package stays once it has held something; whether it holds something now is asked of its files.
            create table package (
                id IDENTITY,
                repository_id bigint not null references repository (id),
                name text not null
            );
            create unique index package_name on package (repository_id, name);
            create index package_folder on package (repository_id, (name || '/'));

            create table version (
                id IDENTITY,
                package_id bigint not null references package (id),
                name text not null,
                media_type text not null,
                artifact_type text not null,
                metadata text not null,
                created_at bigint not null,
                valid_from bigint not null,
                valid_until bigint
            );
            create unique index version_name on version (package_id, name) where valid_until is null;

            create table file (
                id IDENTITY,
                package_id bigint not null references package (id),
                version_id bigint references version (id),
                path text not null,
                blob text not null,
                size bigint not null,
                media_type text not null,
                modified_at bigint not null,
                valid_from bigint not null,
                valid_until bigint
            );
            create unique index file_path on file (package_id, path) where valid_until is null;
            create index file_blob on file (blob, package_id) where valid_until is null;
            create index file_version on file (version_id) where valid_until is null;

            create table tag (
                id IDENTITY,
                package_id bigint not null references package (id),
                name text not null,
                version_id bigint not null references version (id),
                valid_from bigint not null,
                valid_until bigint
            );
            create unique index tag_name on tag (package_id, name) where valid_until is null;
            create index tag_version on tag (version_id) where valid_until is null;
            create index tag_history on tag (package_id, name, valid_from);

            create table edge (
                id IDENTITY,
                package_id bigint not null references package (id),
                version_id bigint not null references version (id),
                kind text not null,
                target text not null,
                valid_from bigint not null,
                valid_until bigint
            );
            create index edge_target on edge (package_id, target, kind) where valid_until is null;
            create index edge_version on edge (version_id) where valid_until is null;

            create table property (
                id IDENTITY,
                version_id bigint not null references version (id),
                key text not null,
                value text not null,
                valid_from bigint not null,
                valid_until bigint
            );
            create index property_version on property (version_id) where valid_until is null;
            create index property_key on property (key, value) where valid_until is null;

            -- What is stored, and its hashes beside SHA-256 where a format asked for them.
            create table blob (
                digest text primary key,
                size bigint not null,
                sha1 text,
                md5 text,
                sha512 text,
                created_at bigint not null
            );
            create index blob_sha512 on blob (sha512) where sha512 is not null;

            create table account (
                id IDENTITY,
                name text not null,
                password text,
                is_administrator integer not null,
                is_disabled integer not null,
                created_at bigint not null,
                valid_from bigint not null,
                valid_until bigint
            );
            create unique index account_name on account (name) where valid_until is null;

            -- Only a hash of the secret is stored.
            create table access_token (
                id text primary key,
                account_id bigint not null references account (id),
                name text not null,
                secret_hash text not null,
                created_at bigint not null,
                expires_at bigint,
                last_used_at bigint,
                revoked_at bigint
            );
            create index access_token_account on access_token (account_id);

            -- A null account is everybody who has logged in.
            create table access_grant (
                id IDENTITY,
                account_id bigint references account (id),
                repository text not null,
                package text not null,
                rights integer not null,
                valid_from bigint not null,
                valid_until bigint
            );
            """)
}
