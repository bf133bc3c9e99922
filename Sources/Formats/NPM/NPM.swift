package import GranaryFormat
package import GranaryModel
import HTTPTypes

/// Node packages by the npm registry's protocol: `/npm/<repository>/<package>`.
///
/// A package is a package, named as its clients name it (`left`, `@acme/right`); a version is a version, a dist-tag a tag; the
/// tarball is the version's only file. That a version is deprecated is a property of it.
package struct NPM: PackageFormat {
    /// What a request asks for.
    package enum Call: Sendable, Hashable {
        /// Whether a registry is here.
        case ping
        /// All versions of a package.
        case packument(NodePackage)
        /// One version, by its number or a dist-tag.
        case manifest(NodePackage, String)
        case tarball(NodePackage, FilePath)
        /// A new version, or what is to be said of those there are.
        case put(NodePackage)
        /// The packument without the versions that go.
        case putRevision(NodePackage, revision: String)
        case deletePackage(NodePackage, revision: String)
        case deleteTarball(NodePackage, FilePath)
        case listTags(NodePackage)
        case setTag(NodePackage, TagName)
        /// Several at once, from the body.
        case setTags(NodePackage)
        case removeTag(NodePackage, TagName)
        /// Whether everybody may read the package.
        case visibility(NodePackage)
        case search(SearchRequest)
        /// What is known to be wrong with the packages in the body.
        case advisories
        case account(AccountCall)
    }

    /// The longest tarball.
    package static let maximumTarball = ByteCount.gibibytes(1)

    package let name = FormatName(checked: "npm")
    package let mount = Mount("npm")

    package init() {}

    package func perform(
        _ operation: Operation<Call>, _ request: FormatRequest, on access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let head = request.head
        switch operation.call {
        case .ping: return Reply(.ok, .json, text: "{}", .uncached)
        case .packument(let package): return try await packument(of: package, head, access)
        case .manifest(let package, let reference): return try await manifest(reference, of: package, head, access)
        case .tarball(let package, let path):
            return answer(operation, with: try await access.file(.path(path), in: package.name), head)
        case .put(let package): return try await put(package, request, access)
        case .putRevision(let package, let revision):
            return try await removeVersions(of: package, revision, request, access)
        case .deletePackage(let package, let revision): return try await remove(package, revision, access)
        case .deleteTarball(let package, let path): return try await remove(path, of: package, access)
        case .listTags(let package): return try await listTags(of: package, access)
        case .setTag(let package, let tag): return try await set(tag, of: package, request, access)
        case .setTags(let package): return try await setTags(of: package, request, access)
        case .removeTag(let package, let tag): return try await remove(tag, of: package, access)
        case .visibility: return Reply(.ok, .json, text: #"{"public":\#(access.isPublic)}"#, .uncached)
        case .search(let search): return try await self.search(search, access)
        case .advisories: return try await advisories(request, access)
        case .account: throw .unsupported("accounts are asked for at a repository's address only")
        }
    }

    package func file(of operation: Operation<Call>) -> (FileReference, PackageName)? {
        guard case .tarball(let package, let path) = operation.call else { return nil }
        return (.path(path), package.name)
    }

    package func answer(_ operation: Operation<Call>, with file: StoredFile, _ head: RequestHead) -> Reply {
        let served = ServedFile(
            blob: file.checksums.sha256, size: file.size, mediaType: .octetStream,
            entityTag: file.checksums.sha256.hex, modified: file.modified)
        return Reply(.ok, [.cacheControl: "private, max-age=31536000, immutable"], .file(served))
    }
}

extension HTTPFields {
    /// Of what is right for the moment only.
    static let uncached: HTTPFields = [.cacheControl: "no-store"]
}

/// The name of a package, as its clients spell it.
package struct NodePackage: Sendable, Hashable {
    package static let maximumBytes = 214

    package let name: PackageName
    /// With its `@`; nil for a name without one.
    package let scope: String?
    /// Without the scope.
    package let base: String

    /// Throws `.invalid(.name, …)` for what no package may be called. Upper case is old, and allowed.
    package init(_ text: String) throws(Problem) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let isScoped = text.hasPrefix("@")
        guard parts.count == (isScoped ? 2 : 1), text.utf8.count <= Self.maximumBytes, let name = PackageName(text),
            parts.enumerated().allSatisfy({ Self.isPart($1, isScope: isScoped && $0 == 0) })
        else {
            throw .invalid(
                .name,
                "a package's name has at most \(Self.maximumBytes) letters, digits and -._~, may have a @scope/ before it, and does not begin with a dot or _"
            )
        }
        self.name = name
        scope = isScoped ? parts[0] : nil
        base = parts[parts.count - 1]
    }

    private static func isPart(_ part: String, isScope: Bool) -> Bool {
        let name = isScope ? part.dropFirst() : part[...]
        guard let first = name.utf8.first, first != UInt8(ascii: "."), first != UInt8(ascii: "_"),
            first != UInt8(ascii: "-") || isScope
        else { return false }
        return !["node_modules", "favicon.ico", "__proto__", "constructor"].contains(name.lowercased())
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                    UInt8(ascii: "~"), UInt8(ascii: "!"), UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"),
                    UInt8(ascii: "*"):
                    true
                default: false
                }
            }
    }

    /// Whether a new package may be called so.
    package var isNewName: Bool {
        name.text == name.text.lowercased() && !base.contains { "~'!()*".contains($0) }
    }

    /// What the tarball of a version is called.
    package func tarball(of version: String) -> String { "\(base)-\(version).tgz" }

    /// As it follows the repository's address.
    package var path: String { name.text }
}
