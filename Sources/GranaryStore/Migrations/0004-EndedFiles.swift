extension Migration {
    /// Whether a name was used before is asked when it is published.
    static let endedFiles = Migration(
        number: 4, name: "ended files",
        script: """
            create index file_ended on file (package_id, path) where valid_until is not null;
            """)
}
