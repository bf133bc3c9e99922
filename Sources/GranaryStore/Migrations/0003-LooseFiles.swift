extension Migration {
    /// Files without a version are not listed under one: every blob that is pushed or mounted is such a file first.
    static let looseFiles = Migration(
        number: 3, name: "loose files",
        script: """
            drop index file_version;
            create index file_version on file (version_id) where version_id is not null and valid_until is null;
            """)
}
