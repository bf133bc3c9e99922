extension Migration {
    /// Every step, in order. A step that has been released never changes; what it got wrong, a later one mends.
    package static let all: [Migration] = [foundation, upkeep, looseFiles, endedFiles, fileMetadata, cache, history]
}
