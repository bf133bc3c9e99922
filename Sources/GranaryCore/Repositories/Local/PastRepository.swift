import GranaryFormat
import GranaryModel
import GranaryPorts
import GranaryStore
import NIOCore

/// A repository whose content is published here, as it stood at a moment.
///
/// The rows of that time are all there. Of what was removed or replaced since, the bytes stay until a sweep gives their space
/// back; then it is as if it had not been there.
struct PastRepository<Format: PackageFormat>: ReadOnlyRepository {
    typealias Index = Format.Index

    let present: LocalRepository<Format>
    let moment: Timestamp

    var caller: any CallerAccess { present.caller }
    var isPublic: Bool { present.isPublic }
    var services: Services { present.services }
    var refusal: Problem {
        .denied("'\(present.repository.name)' is read as of \(moment), and nothing can be written to the past")
    }

    func file(_ reference: FileReference, in package: PackageName) async throws(Problem) -> StoredFile {
        try present.authorize(.read, package)
        let (repository, moment) = (present.repository.id, moment)
        let found = try await services.performing {
            try await services.driver.read { connection in
                try ContentRows(connection, at: try EventRows(connection).position(at: moment))
                    .file(reference, of: package, in: repository)
            }
        }
        switch found {
        case .found(let file): return file
        case .unknownFile: throw .unknown(.file, "there was no such file in \(package) at that moment")
        case .unknownPackage: throw present.unknown(package.text)
        }
    }

    func index(_ selection: Selection, _ page: Page) async throws(Problem) -> Index {
        try present.authorize(.read, selection.singlePackage)
        let rows = try await present.rows(selection, page, services.snapshot.value, at: moment)
        return present.format.make(selection, from: rows)
    }

    func document(
        _ selection: Selection, _ variant: String, _ encode: @Sendable (Index) throws(Problem) -> ByteBuffer
    ) async throws(Problem) -> Document {
        Document(try encode(try await index(selection, Page())), variant: variant)
    }

    func holds(_ selection: Selection) async throws(Problem) -> Bool { try await present.holds(selection) }

    func open(_ reference: FileReference, in package: PackageName) async throws(Problem) -> FileOpening {
        .stored(try await file(reference, in: package))
    }

    func ask(_ question: UpstreamQuestion) async throws(Problem) -> [UpstreamQuestion.Answer] { [] }

    func knownFile(_ reference: FileReference, in package: PackageName) -> StoredFile? { nil }

    func knownDocument(_ variant: String, of selection: Selection) -> Document? { nil }
}
