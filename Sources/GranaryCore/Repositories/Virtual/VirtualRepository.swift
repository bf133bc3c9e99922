import GranaryFormat
import GranaryModel
import GranaryPolicy
import NIOCore

/// Several repositories behind one address, as one caller may use them.
///
/// 1. The members have an order: of a file and of a version, the first one that has it counts.
/// 2. A caller sees of a member what they may read of it: a virtual repository gives nobody a right.
/// 3. A name that a local member has, or that is reserved, is the house's own: no upstream is asked about it, for files and
///    lists alike.
/// 4. A member that does not answer is not a member that has nothing: what comes after it might be somebody else's.
struct VirtualRepository<Format: PackageFormat>: ServedRepository {
    typealias Index = Format.Index

    struct Member: Sendable {
        let repository: Repository
        let access: any ServedRepository<Format.Index>
    }

    let repository: Repository
    let settings: MemberSettings
    let members: [Member]
    /// The member that takes what is published; nil where there is none.
    let deployment: (any ServedRepository<Format.Index>)?
    let principal: Principal
    let format: Format
    let services: Services
    let caller: any CallerAccess

    var isPublic: Bool { repository.settings.anonymousRead && members.allSatisfy { $0.access.isPublic } }

    private func authorize(_ package: PackageName?) throws(Problem) {
        let verdict = services.snapshot.value.verdict(principal, .read, on: repository, package)
        if let problem = verdict.problem(on: repository, package) { throw problem }
    }

    private func mayRead(_ member: Member, _ package: PackageName?) -> Bool {
        services.snapshot.value.verdict(principal, .read, on: member.repository, package) == .allowed
    }

    /// Which names no upstream is asked about, of many at once.
    private func ownership() async throws(Problem) -> @Sendable (PackageName) -> Bool {
        var held: Set<PackageName> = []
        for member in members where member.repository.kind == .local {
            held.formUnion(try await services.namesHeld(in: member.repository.id))
        }
        return { [held, settings] in held.contains($0) || settings.reserves($0.text) }
    }

    /// The members that may have a package, in order. Of a name that local members hold, also ones that this caller may not
    /// read, it is those; of one that nobody here holds, the remote ones; of a reserved one, no remote one.
    private func candidates(for package: PackageName) async throws(Problem) -> [Member] {
        var holders: Set<RepositoryID> = []
        var isOurs = false
        for member in members where member.repository.kind == .local {
            if try await services.hasHeld(package, in: member.repository.id) { holders.insert(member.repository.id) }
            for name in otherNames(of: package) where try await services.hasHeld(name, in: member.repository.id) {
                isOurs = true
            }
        }
        return candidates(for: package, heldBy: holders, isOurs)
    }

    /// The same where all that it takes is in memory; nil leaves it to `candidates`.
    private func knownCandidates(for package: PackageName) -> [Member]? {
        var holders: Set<RepositoryID> = []
        var isOurs = false
        for member in members where member.repository.kind == .local {
            guard let isHeld = services.hasHeldAsKnown(package, in: member.repository.id) else { return nil }
            if isHeld { holders.insert(member.repository.id) }
            for name in otherNames(of: package) {
                guard let isHeld = services.hasHeldAsKnown(name, in: member.repository.id) else { return nil }
                isOurs = isOurs || isHeld
            }
        }
        return candidates(for: package, heldBy: holders, isOurs)
    }

    /// The names by which upstreams would be asked about a package, beside its own.
    private func otherNames(of package: PackageName) -> Set<PackageName> {
        Set(members.compactMap { $0.repository.settings.upstream?.fullName(package) }).subtracting([package])
    }

    /// `isOurs` is whether local members hold it by another of its names.
    private func candidates(
        for package: PackageName, heldBy holders: Set<RepositoryID>, _ isOurs: Bool
    ) -> [Member] {
        let isReserved =
            settings.reserves(package.text) || otherNames(of: package).contains { settings.reserves($0.text) }
        let mayAsk = holders.isEmpty && !isOurs && !isReserved
        return members.filter { member in
            (holders.contains(member.repository.id) || (mayAsk && member.repository.kind == .remote))
                && mayRead(member, package)
        }
    }

    // MARK: Files

    func file(_ reference: FileReference, in package: PackageName) async throws(Problem) -> StoredFile {
        try await first(having: package) { access throws(Problem) in try await access.file(reference, in: package) }
    }

    func open(_ reference: FileReference, in package: PackageName) async throws(Problem) -> FileOpening {
        try await first(having: package) { access throws(Problem) in try await access.open(reference, in: package) }
    }

    private func first<Value: Sendable>(
        having package: PackageName,
        _ find: (any ServedRepository<Format.Index>) async throws(Problem) -> Value
    ) async throws(Problem) -> Value {
        try authorize(package)
        var miss = Problem.unknown(.package, package.text)
        for member in try await candidates(for: package) {
            do throws(Problem) {
                return try await find(member.access)
            } catch .unknown(let subject, let text) {
                // That a member knows the package says more than that another one does not.
                if subject != .package { miss = .unknown(subject, text) }
            } catch {
                throw naming(member, error)
            }
        }
        throw miss
    }

    private func naming(_ member: Member, _ problem: Problem) -> Problem {
        guard case .unavailable(let text, let seconds) = problem else { return problem }
        return .unavailable("the member '\(member.repository.name)' does not answer: \(text)", retryAfter: seconds)
    }

    func knownFile(_ reference: FileReference, in package: PackageName) -> StoredFile? {
        guard services.snapshot.value.verdict(principal, .read, on: repository, package) == .allowed,
            let first = knownCandidates(for: package)?.first
        else { return nil }
        return first.access.knownFile(reference, in: package)
    }

    func knownDocument(_ variant: String, of selection: Selection) -> Document? {
        guard let package = selection.singlePackage,
            services.snapshot.value.verdict(principal, .read, on: repository, package) == .allowed,
            let candidates = knownCandidates(for: package), candidates.count == 1
        else { return nil }
        return candidates[0].access.knownDocument(variant, of: selection)
    }

    // MARK: Indexes

    func index(_ selection: Selection, _ page: Page) async throws(Problem) -> Index {
        let package = selection.singlePackage
        try authorize(package)
        let candidates: [Member]
        if let package {
            candidates = try await self.candidates(for: package)
        } else {
            candidates = members.filter { mayRead($0, nil) }
        }
        let hasUpstreams = candidates.contains { $0.repository.kind == .remote }
        let isOwned = package == nil && hasUpstreams ? try await ownership() : nil
        let indexes = try await all(candidates) { member throws(Problem) in
            let index = try await member.access.index(selection, page)
            guard let isOwned, member.repository.kind == .remote else { return index }
            return format.keeping(index) { !isOwned($0) }
        }
        if indexes.isEmpty, let package { throw .unknown(.package, package.text) }
        guard !indexes.isEmpty else { return format.make(selection, from: IndexRows(entries: [], hasMore: false)) }
        return indexes.count == 1 ? indexes[0] : format.merge(selection, indexes)
    }

    /// What all members that have something answer, in order. They are asked at once.
    private func all<Value: Sendable>(
        _ members: [Member],
        _ ask: @escaping @Sendable (Member) async throws(Problem) -> Value
    ) async throws(Problem) -> [Value] {
        let answers = await withTaskGroup(of: (Int, Result<Value, Problem>).self) { group in
            for (place, member) in members.enumerated() {
                group.addTask {
                    do throws(Problem) {
                        return (place, .success(try await ask(member)))
                    } catch {
                        return (place, .failure(error))
                    }
                }
            }
            var answers: [Int: Result<Value, Problem>] = [:]
            for await (place, answer) in group { answers[place] = answer }
            return answers
        }
        var found: [Value] = []
        for (place, member) in members.enumerated() {
            do throws(Problem) {
                if let value = try answers[place]?.get() { found.append(value) }
            } catch .unknown {
                continue
            } catch {
                throw naming(member, error)
            }
        }
        return found
    }

    func holds(_ selection: Selection) async throws(Problem) -> Bool {
        guard let package = selection.singlePackage else { return true }
        return try await !holders(of: selection, package).isEmpty
    }

    private func holders(of selection: Selection, _ package: PackageName) async throws(Problem) -> [Member] {
        let candidates = try await candidates(for: package)
        let answers = try await all(candidates) { member throws(Problem) in try await member.access.holds(selection) }
        return zip(candidates, answers).filter(\.1).map(\.0)
    }

    func document(
        _ selection: Selection, _ variant: String, _ encode: @Sendable (Index) throws(Problem) -> ByteBuffer
    ) async throws(Problem) -> Document {
        if let package = selection.singlePackage {
            try authorize(package)
            // Where one member has it, its document is the document, and may have been made already.
            let candidates = try await candidates(for: package)
            let holders = candidates.count > 1 ? try await holders(of: selection, package) : candidates
            if holders.count == 1 {
                do throws(Problem) {
                    return try await holders[0].access.document(selection, variant, encode)
                } catch {
                    throw naming(holders[0], error)
                }
            }
        }
        return Document(try encode(try await index(selection, Page())), variant: variant)
    }

    func ask(_ question: UpstreamQuestion) async throws(Problem) -> [UpstreamQuestion.Answer] {
        var asked: [PackageName] = []
        for package in question.packages {
            if try await candidates(for: package).contains(where: { $0.repository.kind == .remote }) {
                asked.append(package)
            }
        }
        guard !asked.isEmpty else { return [] }
        let remotes = members.filter { $0.repository.kind == .remote }
        let narrowed = question.about(asked)
        return try await all(remotes) { member throws(Problem) in try await member.access.ask(narrowed) }.flatMap(
            \.self)
    }

    // MARK: Publishing

    private func target() throws(Problem) -> any ServedRepository<Format.Index> {
        guard let deployment else {
            throw .denied("'\(repository.name)' is virtual, and no member of it is set to take what is published")
        }
        return deployment
    }

    func stage(_ body: RequestBody, _ terms: StagingTerms) async throws(Problem) -> StagedBlob {
        try await target().stage(body, terms)
    }

    func stage(existing blob: Digest, from address: String?) async throws(Problem) -> StagedBlob? {
        try await target().stage(existing: blob, from: address)
    }

    func inspect<Value: Sendable>(
        _ blob: StagedBlob, _ body: @escaping @Sendable (StoredBytes) throws -> Value
    ) async throws(Problem) -> Value {
        try await services.inspect(blob, body)
    }

    func publish(_ draft: Draft) async throws(Problem) -> Receipt { try await target().publish(draft) }

    func retract(_ retraction: Retraction, if condition: WriteCondition) async throws(Problem) -> Receipt {
        try await target().retract(retraction, if: condition)
    }

    func openUpload(for package: PackageName, _ opening: UploadOpening) async throws(Problem) -> UploadStatus {
        try await target().openUpload(for: package, opening)
    }

    func upload(_ id: UploadID) async throws(Problem) -> UploadStatus { try await target().upload(id) }

    func append(_ body: RequestBody, to id: UploadID, at offset: Int64?) async throws(Problem) -> UploadStatus {
        try await target().append(body, to: id, at: offset)
    }

    func finishUpload(_ id: UploadID, _ terms: StagingTerms) async throws(Problem) -> StagedBlob {
        try await target().finishUpload(id, terms)
    }

    func cancelUpload(_ id: UploadID) async throws(Problem) { try await target().cancelUpload(id) }
}
