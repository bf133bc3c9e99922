import GranaryFormat
import GranaryModel
import GranaryPolicy
import GranaryPorts
import GranaryStore

/// A repository whose content is published here, as one caller may use it.
struct LocalRepository<Format: PackageFormat>: ServedRepository {
    typealias Index = Format.Index

    /// How many holders of a blob are looked at before the caller is told that it is not there.
    private static var maximumHolders: Int { 200 }

    let repository: Repository
    let principal: Principal
    let format: Format
    let services: Services
    let caller: any CallerAccess
    /// Whether a package that has never held anything looks like one the caller may not see.
    let hidesUnknown: Bool

    var isPublic: Bool { repository.settings.anonymousRead }

    func file(_ reference: FileReference, in package: PackageName) async throws(Problem) -> StoredFile {
        try authorize(.read, package)
        let key = FileMemory.Key(repository: repository.id, package: package, reference: reference)
        let ticket: FileMemory.Ticket?
        switch recall(key) {
        case .known(let file): return file
        case .unknown(let since): ticket = since
        }
        let finder = FileFinder(services: services, repository: repository.id)
        switch try await services.performing({ try await finder.find(reference, in: package) }) {
        case .found(let file):
            if let ticket { services.files.keep(file, as: key, since: ticket) }
            return file
        case .unknownFile: throw .unknown(.file, "there is no such file in \(package)")
        case .unknownPackage: throw unknown(package.text)
        }
    }

    /// The file where it is in memory and the caller may read it; nil leaves it to `file`.
    func knownFile(_ reference: FileReference, in package: PackageName) -> StoredFile? {
        guard services.snapshot.value.verdict(principal, .read, on: repository, package) == .allowed else { return nil }
        let key = FileMemory.Key(repository: repository.id, package: package, reference: reference)
        guard case .known(let file) = recall(key) else { return nil }
        return file
    }

    func open(_ reference: FileReference, in package: PackageName) async throws(Problem) -> FileOpening {
        .stored(try await file(reference, in: package))
    }

    private func recall(_ key: FileMemory.Key) -> FileMemory.Recollection<StoredFile> {
        let found = services.files.find(key)
        guard case .known(let file) = found, file.version == nil else { return found }
        noteAsked(file.path, of: nil, in: key.package)
        // What was taken away before the note could be seen is not in the memory any more.
        return services.files.find(key)
    }

    func ask(_ question: UpstreamQuestion) async throws(Problem) -> [UpstreamQuestion.Answer] { [] }

    func stage(_ body: RequestBody, _ terms: StagingTerms) async throws(Problem) -> StagedBlob {
        let id = UploadID(random: services.random(16)).text
        do {
            return try await services.performing {
                try await services.blobs.begin(id, hashing: Set(terms.hashes.map(\.rawValue)), memo: nil)
                _ = try await services.blobs.append(body, to: id, at: 0, limit: terms.limit.bytes)
                return try await commit(id, terms)
            }
        } catch {
            try? await services.blobs.cancel(id)
            throw error
        }
    }

    func stage(existing digest: Digest, from address: String?) async throws(Problem) -> StagedBlob? {
        let find = { @Sendable (connection: any SQLConnection) in try BlobRows(connection).find(digest) }
        guard let (checksums, size) = try await services.performing({ try await services.driver.look(find) }) else {
            return nil
        }
        // Held before it is known who else has it: if somebody has, it stays.
        let lease = services.blobs.lease(checksums.sha256)
        guard try await isReadable(checksums.sha256, from: address) else { return nil }
        return StagedBlob(checksums: checksums, size: size, lease: lease)
    }

    func inspect<Value: Sendable>(
        _ blob: StagedBlob, _ body: @escaping @Sendable (StoredBytes) throws -> Value
    ) async throws(Problem) -> Value {
        try await services.inspect(blob, body)
    }

    func publish(_ draft: Draft) async throws(Problem) -> Receipt {
        try authorize(.write, draft.package)
        for file in draft.files { noteAsked(file.path, of: draft.version?.name, in: draft.package) }
        let publication = Publication(draft: draft, repository: repository, change: change)
        let receipt = try await services.performing {
            try await services.remembered.write(touching: .package(repository.id, draft.package)) {
                try publication.run(on: $0, touching: $1)
            }
        }
        // What was staged is held until the rows that name it are durable.
        return withExtendedLifetime(draft) { receipt }
    }

    /// A file without a version is there for a version to come: whoever asks for it, or stores it, may be about to name it.
    private func noteAsked(_ path: FilePath, of version: VersionName?, in package: PackageName) {
        guard version == nil else { return }
        services.recentlyAsked.note(path, in: package, of: repository.id)
    }

    func retract(_ retraction: Retraction, if condition: WriteCondition) async throws(Problem) -> Receipt {
        try authorize(.delete, retraction.package)
        let (snapshot, principal, repository) = (services.snapshot.value, principal, repository)
        let removal = Removal(
            retraction: retraction, condition: condition, repository: repository, change: change
        ) { package in
            snapshot.verdict(principal, .delete, on: repository, package).problem(on: repository, package)
        }
        let scope = retraction.package.map { FileMemory.Scope.package(repository.id, $0) } ?? .everything
        return try await services.performing {
            try await services.remembered.write(touching: scope) { connection, _ in try removal.run(on: connection) }
        }
    }

    /// What to say of a package that has never held anything.
    func unknown(_ package: String) -> Problem {
        hidesUnknown ? .unauthenticated("a credential is needed") : .unknown(.package, package)
    }

    func authorize(_ rights: Rights, _ package: PackageName?) throws(Problem) {
        let verdict = services.snapshot.value.verdict(principal, rights, on: repository, package)
        if let problem = verdict.problem(on: repository, package) { throw problem }
    }

    private var change: Change { Change(actor: principal.actor, time: services.now()) }

    /// Whether the caller may read a blob where it is said to be, or anywhere.
    private func isReadable(_ digest: BlobDigest, from address: String?) async throws(Problem) -> Bool {
        if let address { return try await holds(address, digest) }
        let holders = try await services.performing {
            try await services.driver.look { try BlobRows($0).holders(of: digest, limit: Self.maximumHolders) }
        }
        return holders.contains { mayRead($0.1, in: $0.0) }
    }

    private func holds(_ address: String, _ digest: BlobDigest) async throws(Problem) -> Bool {
        guard let (source, package) = services.snapshot.value.address(address, format: format.name),
            services.snapshot.value.verdict(principal, .read, on: source, package) == .allowed
        else { return false }
        return try await services.performing {
            try await services.driver.look { try BlobRows($0).holds(source.id, package, digest) }
        }
    }

    private func mayRead(_ package: PackageName, in id: RepositoryID) -> Bool {
        let snapshot = services.snapshot.value
        guard let holder = snapshot.repository(id) else { return false }
        return snapshot.verdict(principal, .read, on: holder, package) == .allowed
    }
}

extension Retraction {
    /// The package whose rights it needs; nil for a tree, where each package is asked about.
    fileprivate var package: PackageName? {
        switch self {
        case .tag(let package, _), .version(let package, _, _), .file(let package, _): package
        case .tree: nil
        }
    }
}
