/// What a sweep did, or, of a dry run, would do.
package struct SweepReport: Codable, Sendable, Equatable {
    package var isDryRun: Bool
    /// How long, in seconds, a blob must have been marked to be removed.
    package var graceSeconds: Int64
    /// Uploaded files that no version needs, taken out of their packages.
    package var endedFiles = 0
    /// Blobs that were found to be in no use for the first time, and their bytes.
    package var markedBlobs = 0
    package var markedBytes: Int64 = 0
    /// Blobs that had been in no use for the grace period, and the bytes given back.
    package var removedBlobs = 0
    package var removedBytes: Int64 = 0
    /// Blobs that were due but that somebody took up again, or holds.
    package var rescuedBlobs = 0
    /// Whether nothing was removed because a backup was under way; the next sweep makes up for it.
    package var isOnHold = false

    package init(isDryRun: Bool, graceSeconds: Int64) {
        self.isDryRun = isDryRun
        self.graceSeconds = graceSeconds
    }
}
