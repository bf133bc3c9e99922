import GranaryFormat
package import GranaryModel
import NIOCore
import Synchronization

/// Files that were looked up lately, by what named them, and documents that were made lately. What it answers is never older
/// than the database.
///
/// It is kept by revisions, never by time:
///
/// 1. Every change runs inside `changing`, which names what it touches: one package and so its repository, or everything.
/// 2. While a change is under way, nothing that it touches is answered from memory: a reader asks the database, which has
///    the change or has it not.
/// 3. When it has ended, whether it succeeded or not, what it touches has a new revision, and only then the one who made it
///    is answered. Nothing that was kept under an older revision is answered again.
/// 4. What a look-up found is kept only if no change of it began or ended since before the look-up asked the database.
///
/// Packages share a fixed number of revisions, and so do repositories: a change forgets a few too many, and never one too few.
package final class FileMemory: Sendable {
    /// How many files are kept at most, each well below a kibibyte.
    package static let capacity = 16_384
    /// Of all documents that are kept, in bytes; half of it is the longest.
    package static let documentCapacity = 32 << 20
    private static let packageRevisions = 1024
    private static let repositoryRevisions = 64

    private let state = Mutex(State())

    /// What a change touches.
    package enum Scope: Sendable {
        case package(RepositoryID, PackageName)
        case everything
    }

    /// What names a file.
    struct Key: Hashable {
        let repository: RepositoryID
        let package: PackageName
        let reference: FileReference
    }

    /// What names a document of a package or of a whole repository.
    struct DocumentKey: Hashable {
        let repository: RepositoryID
        /// Nil is the repository.
        let package: PackageName?
        let variant: String

        /// Answers nil for a selection that has no revision.
        init?(repository: RepositoryID, _ selection: Selection, _ variant: String) {
            switch selection {
            case .package(let package): self.package = package
            case .everything: package = nil
            case .packages, .tags, .version, .referrers, .directory, .tree: return nil
            }
            self.repository = repository
            self.variant = variant
        }
    }

    /// What names a package.
    struct PackageKey: Hashable {
        let repository: RepositoryID
        let package: PackageName
    }

    /// The moment before a look-up asked the database.
    struct Ticket: Sendable, Equatable {
        fileprivate let place: UInt64
        fileprivate let everything: UInt64
    }

    /// Where the revision of a package or of a repository stands.
    private enum Place {
        case package(Int)
        case repository(Int)

        init(_ repository: RepositoryID, _ package: PackageName?) {
            guard let package else {
                // They are numbered one after the other.
                self = .repository(Int(UInt64(bitPattern: repository.value) % UInt64(repositoryRevisions)))
                return
            }
            var hasher = Hasher()
            hasher.combine(repository)
            hasher.combine(package)
            self = .package(Int(UInt(bitPattern: hasher.finalize()) % UInt(packageRevisions)))
        }
    }

    private struct Revision {
        var number: UInt64 = 0
        /// How many changes are under way.
        var changes = 0
    }

    private struct State {
        var files = RecentMap<Key, (file: StoredFile, ticket: Ticket)>(capacity: FileMemory.capacity)
        var documents = RecentMap<DocumentKey, (document: Document, ticket: Ticket)>(
            capacity: FileMemory.documentCapacity
        ) { $0.document.bytes.readableBytes + 512 }
        var packages = RecentMap<PackageKey, (isHeld: Bool, ticket: Ticket)>(capacity: FileMemory.capacity)
        var everything = Revision()
        var packageRevisions = [Revision](repeating: Revision(), count: FileMemory.packageRevisions)
        var repositoryRevisions = [Revision](repeating: Revision(), count: FileMemory.repositoryRevisions)

        /// Nil while a change of it is under way.
        func ticket(_ place: Place) -> Ticket? {
            let revision =
                switch place {
                case .package(let index): packageRevisions[index]
                case .repository(let index): repositoryRevisions[index]
                }
            guard everything.changes == 0, revision.changes == 0 else { return nil }
            return Ticket(place: revision.number, everything: everything.number)
        }

        /// Of no places, everything.
        mutating func revise(_ places: [Place], _ body: (inout Revision) -> Void) {
            if places.isEmpty { body(&everything) }
            for place in places {
                switch place {
                case .package(let index): body(&packageRevisions[index])
                case .repository(let index): body(&repositoryRevisions[index])
                }
            }
        }
    }

    package init() {}

    /// What is remembered of a key.
    enum Recollection<Value> {
        case known(Value)
        /// With what `keep` is to be given once the database was asked; nil while a change is under way.
        case unknown(Ticket?)
    }

    func find(_ key: Key) -> Recollection<StoredFile> {
        let place = Place(key.repository, key.package)
        return state.withLock { state in
            guard let ticket = state.ticket(place) else { return .unknown(nil) }
            guard let known = state.files.find(key), known.ticket == ticket else { return .unknown(ticket) }
            return .known(known.file)
        }
    }

    func find(_ key: DocumentKey) -> Recollection<Document> {
        let place = Place(key.repository, key.package)
        return state.withLock { state in
            guard let ticket = state.ticket(place) else { return .unknown(nil) }
            guard let known = state.documents.find(key), known.ticket == ticket else { return .unknown(ticket) }
            return .known(known.document)
        }
    }

    /// Whether a package has ever held anything.
    func find(_ key: PackageKey) -> Recollection<Bool> {
        let place = Place(key.repository, key.package)
        return state.withLock { state in
            let known = state.packages.find(key)
            // What was held once was held for good.
            if let known, known.isHeld { return .known(true) }
            guard let ticket = state.ticket(place) else { return .unknown(nil) }
            guard let known, known.ticket == ticket else { return .unknown(ticket) }
            return .known(false)
        }
    }

    /// Keeps whether a package has ever held anything, unless that may have changed since the ticket.
    func keep(_ isHeld: Bool, as key: PackageKey, since ticket: Ticket) {
        let place = Place(key.repository, key.package)
        state.withLock { state in
            guard state.ticket(place) == ticket else { return }
            state.packages.insert((isHeld, ticket), for: key)
        }
    }

    /// Keeps a document that was made of what the database answered, unless that may have changed since the ticket.
    func keep(_ document: Document, as key: DocumentKey, since ticket: Ticket) {
        guard document.bytes.readableBytes < Self.documentCapacity / 2 else { return }
        let place = Place(key.repository, key.package)
        state.withLock { state in
            guard state.ticket(place) == ticket else { return }
            state.documents.insert((document, ticket), for: key)
        }
    }

    /// Keeps what the database answered, unless it may have changed since the ticket.
    func keep(_ file: StoredFile, as key: Key, since ticket: Ticket) {
        let place = Place(key.repository, key.package)
        state.withLock { state in
            guard state.ticket(place) == ticket else { return }
            state.files.insert((file, ticket), for: key)
        }
    }

    /// Runs a change of what `scope` names to its end, answer or error.
    func changing<Value: Sendable>(_ scope: Scope, _ change: () async throws -> Value) async rethrows -> Value {
        begin(scope)
        defer { end(scope) }
        return try await change()
    }

    /// Marks a change as under way.
    func begin(_ scope: Scope) {
        let places = Self.places(scope)
        state.withLock { $0.revise(places) { $0.changes += 1 } }
    }

    /// Marks a change as ended.
    func end(_ scope: Scope) {
        let places = Self.places(scope)
        state.withLock { state in
            state.revise(places) { revision in
                revision.changes -= 1
                revision.number += 1
            }
        }
    }

    private static func places(_ scope: Scope) -> [Place] {
        switch scope {
        case .package(let repository, let package): [Place(repository, package), Place(repository, nil)]
        case .everything: []
        }
    }
}
