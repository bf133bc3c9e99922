package import GranaryModel
package import HTTPTypes

/// What a package format is: the grammar of its addresses, what its requests do, how its indexes are made, and how it
/// words refusals. A conformance knows neither where the bytes are nor who asks.
package protocol PackageFormat: Sendable {
    /// What a parsed request asks for, in the format's own terms.
    associatedtype Call: Sendable
    /// A document derived from versions: a tag list, a packument, a directory.
    associatedtype Index: Sendable

    /// What repositories of this format say they are; never changes once a server has used it.
    var name: FormatName { get }
    /// Where its addresses begin.
    var mount: Mount { get }

    /// A package's name, or a pattern over such names, as `parse` spells names: nobody is to fail to reserve `My_Project`
    /// because it is called `my-project` inside. Pure.
    func spelled(_ name: String) -> String

    /// Parses a request to the mount itself; answers nil when the path addresses a repository.
    func parseService(_ head: RequestHead) throws(Problem) -> Operation<Call>?
    /// Parses a request to a repository. Pure: no I/O, no clock.
    func parse(_ head: RequestHead) throws(Problem) -> Operation<Call>

    /// Does what `operation` asks, once it is authorized.
    func perform(
        _ operation: Operation<Call>, _ request: FormatRequest, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply
    /// The file an operation asks for, where a file that is there is all it takes to answer; nil for every other operation.
    /// Pure. The answer is then `answer(_:with:_:)`, as `perform` would give it.
    func file(of operation: Operation<Call>) -> (FileReference, PackageName)?
    /// Answers an operation with the file that `file(of:)` named. Pure.
    func answer(_ operation: Operation<Call>, with file: StoredFile, _ head: RequestHead) -> Reply
    /// Whether a request shows who somebody is in its body, so that the credential in its head, which may be an old one, does
    /// not count. `path` is what follows the mount.
    func isLogin(_ method: HTTPRequest.Method, _ path: String) -> Bool
    /// The document an operation asks for, where one that was made before is all it takes to answer: the selection and the
    /// variant that `perform` gives to `RepositoryAccess.document`. Nil for every other operation. Pure. The answer is then
    /// `answer(_:with:_:)`, as `perform` would give it.
    func document(of operation: Operation<Call>, _ head: RequestHead) -> (Selection, variant: String)?
    /// Answers an operation with the document that `document(of:_:)` named. Pure.
    func answer(_ operation: Operation<Call>, with document: Document, _ head: RequestHead) -> Reply
    /// Does what an operation on the mount itself asks.
    func performService(
        _ operation: Operation<Call>, _ request: FormatRequest, on access: some ServiceAccess
    ) async throws(Problem) -> Reply

    /// Makes the index of a local repository from its rows.
    func make(_ selection: Selection, from rows: IndexRows) -> Index

    /// Where an upstream keeps what a selection is made from; nil where it has nothing of the kind: what there is to a package is
    /// then looked for in the document of everything, where there is one. Pure.
    func upstreamDocument(for selection: Selection) -> UpstreamDocument?
    /// Makes the index of a remote repository from what its upstream sent. Throws `.invalid(.content, …)` for what is no such
    /// document. Pure.
    func decode(_ selection: Selection, _ document: ReceivedDocument) throws(Problem) -> Index
    /// Whether indexes of upstreams say when a version was published, so that `withholding` finds what is too young. Elsewhere
    /// files are held back, by `release(of:)`.
    var datesReleases: Bool { get }
    /// The version that a file which may be too young is of, for formats whose indexes have no dates; nil of what is never too
    /// young by itself. Pure.
    func release(of reference: FileReference) -> String?
    /// Takes out of an index what is too young, in such a way that `upstreamFile` can say why. Pure.
    func withholding(_ index: Index, _ gate: ReleaseGate) -> Index
    /// Why nothing of a package may be served any more, as the upstream's index says: that it is malware. Pure.
    func alarm(in index: Index) -> String?
    /// The files of which a new index of an upstream says other digests than an old one did, by name. Pure.
    func replacedFiles(_ old: Index, _ new: Index) -> [String]
    /// Where the upstream keeps a file. Throws `.denied` for what an index holds back; throws `.unknown` where there is none; `access` is for indexes that know it.
    func upstreamFile(
        _ reference: FileReference, of package: PackageName, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> UpstreamFile
    /// Takes out of an index over many packages those that do not belong into it; one that tells of no packages stays as it
    /// is. Pure.
    func keeping(_ index: Index, where isKept: (PackageName) -> Bool) -> Index
    /// Puts the indexes of members together, the first one's first; there is at least one. Pure.
    func merge(_ selection: Selection, _ indexes: [Index]) -> Index

    /// Words a refusal as the clients of this format expect it, with a challenge where they should log in.
    func reply(to problem: Problem, for head: RequestHead, _ operation: Operation<Call>?) -> Reply
}

extension PackageFormat {
    package func spelled(_ name: String) -> String { name }

    package func parseService(_ head: RequestHead) throws(Problem) -> Operation<Call>? { nil }

    package func isLogin(_ method: HTTPRequest.Method, _ path: String) -> Bool { false }

    package func file(of operation: Operation<Call>) -> (FileReference, PackageName)? { nil }

    package func answer(_ operation: Operation<Call>, with file: StoredFile, _ head: RequestHead) -> Reply {
        preconditionFailure("\(name) answers no operation with a file alone")
    }

    package func document(of operation: Operation<Call>, _ head: RequestHead) -> (Selection, variant: String)? { nil }

    package func answer(_ operation: Operation<Call>, with document: Document, _ head: RequestHead) -> Reply {
        preconditionFailure("\(name) answers no operation with a document alone")
    }

    package func upstreamDocument(for selection: Selection) -> UpstreamDocument? { nil }

    package func decode(_ selection: Selection, _ document: ReceivedDocument) throws(Problem) -> Index {
        throw .unsupported("\(name) reads no documents of upstreams")
    }

    package func upstreamFile(
        _ reference: FileReference, of package: PackageName, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> UpstreamFile {
        throw .unsupported("\(name) fetches nothing from upstreams")
    }

    package var datesReleases: Bool { false }

    package func release(of reference: FileReference) -> String? {
        switch reference {
        case .path(let path): path.text
        case .tag(let tag): tag.text
        case .version(let version): version.text
        }
    }

    package func alarm(in index: Index) -> String? { nil }

    package func replacedFiles(_ old: Index, _ new: Index) -> [String] { [] }

    package func withholding(_ index: Index, _ gate: ReleaseGate) -> Index { index }

    package func keeping(_ index: Index, where isKept: (PackageName) -> Bool) -> Index { index }

    package func merge(_ selection: Selection, _ indexes: [Index]) -> Index { indexes[0] }

    package func performService(
        _ operation: Operation<Call>, _ request: FormatRequest, on access: some ServiceAccess
    ) async throws(Problem) -> Reply {
        throw .unsupported("\(name) has no operations outside a repository")
    }
}

/// Where a format's repositories are found.
package struct Mount: Sendable, Hashable {
    /// The first path component: `v2`, `npm`, `generic`.
    package let component: String
    /// How clients say whose mirror they take this server for.
    package struct Mirroring: Sendable, Hashable {
        /// The parameter of a query that names the server that a name is of.
        package let parameter: String
        /// The field of an answer that says the same.
        package let field: HTTPField.Name

        package init(parameter: String, field: HTTPField.Name) {
            self.parameter = parameter
            self.field = field
        }
    }

    /// Whether an address whose first component names no repository belongs to the default repository.
    package let hasDefaultRepository: Bool
    /// Nil where clients know no mirrors. An address whose first component names no repository then belongs to the remote
    /// repository of the server that the request names.
    package let mirroring: Mirroring?

    package init(_ component: String, hasDefaultRepository: Bool = false, mirroring: Mirroring? = nil) {
        self.component = component
        self.hasDefaultRepository = hasDefaultRepository
        self.mirroring = mirroring
    }
}

/// A request that was parsed: what it needs to be allowed, and what it asks for.
package struct Operation<Call: Sendable>: Sendable {
    /// What logs, metrics and limits call it: `manifest.put`.
    package let name: String
    package let requirement: Requirement
    package let call: Call
    /// Whether it is asked to find out what need not be sent: in a virtual repository, whoever may publish wants to know that of the
    /// member that takes it.
    package var precedesPublishing = false

    package init(_ name: String, _ requirement: Requirement, _ call: Call) {
        self.name = name
        self.requirement = requirement
        self.call = call
    }
}

/// What must hold before an operation is performed.
package enum Requirement: Sendable, Hashable {
    /// Anybody may.
    case none
    /// A credential, unless everything of the format can be read without one.
    case identity
    /// Rights on a package; nil asks for the rights on at least some package of the repository, and every verb of
    /// `RepositoryAccess` then checks the package it touches.
    case rights(Rights, PackageName?)
}
