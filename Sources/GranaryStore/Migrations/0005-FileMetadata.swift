extension Migration {
    /// What a format keeps of one file: a version's files can differ in more than their bytes.
    static let fileMetadata = Migration(
        number: 5, name: "file metadata",
        script: """
            alter table file add column metadata text not null default '';
            """)
}
