import GranaryModel
import GranaryPorts
import GranaryStore
import Logging

/// What the caches of remote repositories need now and then.
extension Services {
    /// What took the place of something is kept for as long, to be read as of a moment.
    private static var replacedLifetime: Duration { .seconds(30 * 24 * 3600) }

    /// Writes down what was used, and drops what is over the budget of a cache: what was asked for longest ago. A budget is
    /// kept after the fact; it never refuses anything.
    package func tidyCaches() async {
        await noteCacheUses()
        do {
            let limit = now().adding(.zero - Self.replacedLifetime)
            try await driver.write { _ = try CacheRows($0).forgetReplaced(before: limit) }
            for repository in snapshot.value.repositories.values {
                guard let budget = repository.settings.upstream?.cacheBytes else { continue }
                try await tidyCache(of: repository, budget: budget)
            }
        } catch {
            logger.error("caches could not be tidied up", metadata: ["error": "\(error)"])
        }
    }

    private func tidyCache(of repository: Repository, budget: Int64) async throws {
        let size = try await driver.read { try CacheRows($0).size(of: repository.id) }
        guard size > budget else { return }
        // A tenth more than needed, so that it does not have to be done every minute.
        let count = try await driver.write {
            try CacheRows($0).evict(size - budget / 10 * 9, from: repository.id)
        }
        upstreams.forgetItems()
        logger.info(
            "what was asked for longest ago was dropped from a cache",
            metadata: ["repository": "\(repository.name)", "count": "\(count)"])
    }

    /// Writes down when what was used.
    func noteCacheUses() async {
        let uses = upstreams.takeUses()
        guard !uses.isEmpty else { return }
        do {
            try await driver.write { try CacheRows($0).noteUse(uses) }
        } catch {
            logger.error("uses of caches could not be written", metadata: ["error": "\(error)"])
        }
    }
}
