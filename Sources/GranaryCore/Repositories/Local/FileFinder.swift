import GranaryModel
import GranaryPorts
import GranaryStore

/// Asks the database for a file, such that no sweep takes away what it has found.
struct FileFinder: Sendable {
    let services: Services
    let repository: RepositoryID

    func find(_ reference: FileReference, in package: PackageName) async throws -> FileLookup {
        let look = { @Sendable [repository] (connection: any SQLConnection) in
            try ContentRows(connection).file(reference, of: package, in: repository)
        }
        let moment = services.recentlyAsked.moment
        let found = try await services.driver.look(look)
        guard case .found(let file) = found, file.version == nil else { return found }
        services.recentlyAsked.note(file.path, in: package, of: repository)
        guard services.recentlyAsked.mayHaveMissed(since: moment) else { return found }
        // A sweep that had looked at the notes before this one was made may be taking the file just now. Changes come one
        // after the other, so behind it there is an answer that stays.
        return try await services.remembered.base.write(look)
    }
}
