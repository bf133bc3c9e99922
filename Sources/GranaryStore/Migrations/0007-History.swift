extension Migration {
    /// What finds rows that have ended, too, for reads as of a moment; and why nothing of a package may be served.
    static let history = Migration(
        number: 7, name: "history",
        script: """
            create index version_history on version (package_id, name);
            create index file_history on file (package_id, path);
            drop index edge_target;
            create index edge_target on edge (package_id, target, kind);
            drop index property_version;
            create index property_version on property (version_id);
            alter table cached add column alarm text;
            create index cached_alarm on cached (repository_id) where alarm is not null;
            create index cached_history on cached (repository_id, package, name, fetched_at);
            """)
}
