import GranaryFormat
import GranaryModel

/// A repository of any kind as one caller may use it, and what the gateway and virtual repositories need of it beside what
/// formats do.
protocol ServedRepository<Index>: RepositoryAccess {
    /// The file where it is in memory and the caller may read it; nil leaves it to `file`. It does not wait.
    func knownFile(_ reference: FileReference, in package: PackageName) -> StoredFile?
    /// The document where it is in memory and the caller may read it; nil leaves it to `document`. It does not wait.
    func knownDocument(_ variant: String, of selection: Selection) -> Document?
    /// As `file`, but answers as soon as the first bytes are there.
    func open(_ reference: FileReference, in package: PackageName) async throws(Problem) -> FileOpening
    /// Whether `index` would find something, of a selection of one package. Throws where nobody knows.
    func holds(_ selection: Selection) async throws(Problem) -> Bool
}

/// A file that is here, or on its way.
enum FileOpening: Sendable {
    case stored(StoredFile)
    /// With what it will turn out to be, where that is known already.
    case arriving(ArrivingFile, MediaType, StoredFile?)
}
