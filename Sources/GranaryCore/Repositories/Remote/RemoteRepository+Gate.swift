import GranaryFormat
import GranaryModel
import GranaryPorts
import GranaryStore

// What is too young, and what came after the moment that is read as of. Where an index has dates, the format withholds what
// it says; elsewhere a date is what the upstream says of a file, or when it came here.
extension RemoteRepository {
    static var unknownThen: Problem { .unknown(.file, "nothing is known of it as of that moment") }

    /// What is held back; nil holds back nothing.
    var gate: ReleaseGate? {
        let age = Duration.seconds(upstream.minimumAgeSeconds)
        if let moment {
            return ReleaseGate(cutoff: moment.adding(.zero - age), minimumAge: age > .zero ? age : nil)
        }
        guard age > .zero else { return nil }
        let now = services.now()
        // It moves on by whole minutes, so that documents can be kept meanwhile.
        let minute = now.adding(.zero - age).milliseconds / 60_000
        return ReleaseGate(
            cutoff: Timestamp(milliseconds: minute * 60_000), minimumAge: age,
            waivers: upstream.waivers.filter { $0.until > now })
    }

    /// What stood in the cache at the moment that is read as of.
    func stood(_ key: CacheKey) async throws(Problem) -> CachedItem? {
        guard let moment else { return nil }
        return try await stood(key, at: moment)
    }

    private func stood(_ key: CacheKey, at moment: Timestamp) async throws(Problem) -> CachedItem? {
        try await services.performing { try await services.driver.read { try CacheRows($0).find(key, at: moment) } }
    }

    /// Whether a file may turn out to be too young once it is here.
    func waitsForDate(_ reference: FileReference) -> Bool {
        !format.datesReleases && gate != nil && format.release(of: reference) != nil
    }

    /// A file that is old enough to be served, in place of `item` what stood there before, where that is.
    func oldEnough(
        _ item: CachedItem, _ key: CacheKey, _ reference: FileReference, _ package: PackageName
    ) async throws(Problem) -> CachedItem {
        guard !format.datesReleases, let gate, let version = format.release(of: reference),
            gate.holds(version, of: package, item.published)
        else { return item }
        if let before = try await stood(key, at: gate.cutoff) { return before }
        throw gate.refusal("'\(version)' of \(package)", item.published)
    }

    /// The document as it stood when what is too young was not there yet; `item` where nothing is known of that time.
    func oldEnough(_ item: CachedItem, _ key: CacheKey) async throws(Problem) -> CachedItem {
        guard !format.datesReleases, let gate else { return item }
        return try await stood(key, at: gate.cutoff) ?? item
    }
}

extension CachedItem {
    /// When it was made, as far as anybody can say.
    fileprivate var published: Timestamp {
        lastModified.flatMap(HTTPDate.parse).map { Timestamp(milliseconds: $0 * 1000) } ?? fetchedAt
    }
}
