import Crypto
package import GranaryFormat
import GranaryModel
import HTTPTypes
import NIOCore

extension NPM {
    static let abbreviated = MediaType(checked: "application/vnd.npm.install-v1+json")

    /// What installers need of a version document.
    private static let abbreviatedMembers: Set<String> = [
        "name", "version", "deprecated", "dependencies", "optionalDependencies", "devDependencies", "peerDependencies",
        "peerDependenciesMeta", "acceptDependencies", "bundleDependencies", "bin", "directories", "dist", "engines",
        "os",
        "cpu", "libc", "funding", "_hasShrinkwrap", "hasInstallScript"
    ]

    /// What a packument repeats of its latest version.
    private static let hoistedMembers: Set<String> = [
        "description", "keywords", "license", "homepage", "repository", "bugs", "author", "readmeFilename"
    ]

    static func digest(of bytes: some Sequence<UInt8>) -> SHA256.Digest { SHA256.hash(data: Array(bytes)) }

    // MARK: Answers

    func packument(
        of package: NodePackage, _ head: RequestHead, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let isShort = Self.prefersAbbreviated(head.headers[.accept])
        let base = head.origin + head.prefix
        let document = try await access.document(.package(package.name), Self.variant(head)) {
            index throws(Problem) in
            let packument = try index.packument(of: package)
            return ByteBuffer(bytes: (isShort ? packument.abbreviated(at: base) : packument.full(at: base)).bytes)
        }
        return answer(with: document, head)
    }

    /// The abbreviated and the full form, each with the addresses of the tarballs in it.
    private static func variant(_ head: RequestHead) -> String {
        "\(prefersAbbreviated(head.headers[.accept]) ? "short" : "full") \(head.origin)\(head.prefix)"
    }

    package func document(of operation: Operation<Call>, _ head: RequestHead) -> (Selection, variant: String)? {
        guard case .packument(let package) = operation.call else { return nil }
        return (.package(package.name), Self.variant(head))
    }

    package func answer(_ operation: Operation<Call>, with document: Document, _ head: RequestHead) -> Reply {
        answer(with: document, head)
    }

    private func answer(with document: Document, _ head: RequestHead) -> Reply {
        Reply(
            document, Self.prefersAbbreviated(head.headers[.accept]) ? Self.abbreviated : .json, to: head,
            [.cacheControl: "private, no-cache", .vary: "Accept"])
    }

    func manifest(
        _ reference: String, of package: NodePackage, _ head: RequestHead, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let packument = try await known(package, access)
        guard let version = packument.version(reference) else {
            throw .unknown(.version, "version not found: \(reference)")
        }
        let document = Document(ByteBuffer(bytes: version.document(at: head.origin + head.prefix, of: package).bytes))
        return Reply(document, .json, to: head, [.cacheControl: "private, no-cache"])
    }

    func listTags(
        of package: NodePackage, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        Reply(.ok, .json, text: RawJSON(object: try await known(package, access).distTags).text, .uncached)
    }

    /// The packument of a package that has a version.
    func known(
        _ package: NodePackage, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Packument {
        try await access.index(.package(package.name), Page()).packument(of: package)
    }

    /// Whether the abbreviated form is accepted at least as gladly as the full one.
    package static func prefersAbbreviated(_ accept: String?) -> Bool {
        guard let accept else { return false }
        var qualities: [String: Double] = [:]
        for item in accept.split(separator: ",") {
            let parts = item.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
            guard let type = parts.first else { continue }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            qualities[type] = max(qualities[type] ?? 0, quality)
        }
        guard let short = qualities[abbreviated.text], short > 0 else { return false }
        return short >= qualities[MediaType.json.text] ?? 0
    }

    // MARK: Search

    /// How many packages one search looks at.
    private static let maximumLookedAt = 1000

    func search(
        _ search: SearchRequest, _ access: some RepositoryAccess<Index>
    ) async throws(Problem) -> Reply {
        let words = search.text.lowercased().split(separator: " ").filter { !$0.contains(":") }.map(String.init)
        guard case .names(let names) = try await access.index(.packages, Page(limit: Self.maximumLookedAt)) else {
            throw .unsupported("there is no list of packages here")
        }
        var found: [(rank: Int, object: RawJSON)] = []
        for package in names.compactMap({ try? NodePackage($0.text) }) {
            guard let packument = try? await known(package, access), let rank = packument.rank(for: words),
                let object = packument.searchResult
            else { continue }
            found.append((rank, object))
        }
        // Sorting keeps the order of what ranks the same only by luck, so the name decides.
        let ordered = found.enumerated().sorted { ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset) }
        let page = ordered.dropFirst(search.from).prefix(search.size).map(\.element.object)
        let answer = RawJSON(object: [
            ("objects", RawJSON(array: Array(page))), ("total", RawJSON(Int64(found.count)))
        ])
        return Reply(.ok, .json, text: answer.text, .uncached)
    }
}

extension Packument {
    /// With everything that is known.
    func full(at base: String) -> RawJSON {
        let latest = latest
        var members: [(name: String, value: RawJSON)] = [
            ("_id", RawJSON(name.text)), ("_rev", RawJSON(revision)), ("name", RawJSON(name.text))
        ]
        members += latest?.manifest.members?.filter { NPM.isHoisted($0.name) } ?? []
        members.append(("dist-tags", RawJSON(object: distTags)))
        members.append(("versions", versionsObject { $0.document(at: base, of: $1) }))
        if let time { members.append(("time", time)) }
        members.append(("maintainers", latest?.manifest["maintainers"] ?? RawJSON(array: [])))
        if let readme = latest?.readme { members.append(("readme", RawJSON(readme))) }
        return RawJSON(object: members)
    }

    /// With what installers need.
    func abbreviated(at base: String) -> RawJSON {
        var members: [(name: String, value: RawJSON)] = [("name", RawJSON(name.text))]
        if let modified { members.append(("modified", RawJSON(modified.description))) }
        members += [
            ("dist-tags", RawJSON(object: distTags)),
            (
                "versions",
                versionsObject { version, package in
                    let members = version.document(at: base, of: package).members ?? []
                    return RawJSON(object: members.filter { NPM.isAbbreviated($0.name) })
                }
            )
        ]
        if let time { members.append(("time", time)) }
        return RawJSON(object: members)
    }

    private func versionsObject(_ write: (Version, NodePackage) -> RawJSON) -> RawJSON {
        guard let package = try? NodePackage(name.text) else { return RawJSON(object: []) }
        return RawJSON(object: versions.map { ($0.number.core, write($0, package)) })
    }

    /// A moment that nobody knows is left out: any other one would be taken for it. Where none is known there is nothing at all, or
    /// clients would take all versions for too young.
    private var time: RawJSON? {
        let known: [(name: String, moment: Timestamp)] = versions.compactMap { version in
            version.published.map { (version.number.core, $0) }
        }
        guard let created = known.map(\.moment).min(), let modified else { return nil }
        let moments = [(name: "created", moment: created), (name: "modified", moment: modified)] + known
        return RawJSON(object: moments.map { ($0.name, RawJSON($0.moment.description)) })
    }

    private var modified: Timestamp? { versions.compactMap(\.published).max() }

    /// How well it fits a search, better ones first; nil where it does not.
    fileprivate func rank(for words: [String]) -> Int? {
        let own = name.text.lowercased()
        if words.joined(separator: " ") == own { return 0 }
        guard let manifest = latest?.manifest else { return nil }
        let description = manifest["description"]?.string?.lowercased() ?? ""
        let keywords = manifest["keywords"]?.elements?.compactMap { $0.string?.lowercased() } ?? []
        var rank = 1
        for word in words {
            if own.contains(word) { continue }
            guard description.contains(word) || keywords.contains(word) else { return nil }
            rank = 2
        }
        return rank
    }

    fileprivate var searchResult: RawJSON? {
        guard let latest, let package = try? NodePackage(name.text) else { return nil }
        let manifest = latest.manifest
        let people = manifest["maintainers"]?.elements?.compactMap { person in
            person["name"]?.string.map {
                RawJSON(object: [("username", RawJSON($0)), ("email", person["email"] ?? RawJSON(""))])
            }
        }
        let object: [(name: String, value: RawJSON)] = [
            ("name", RawJSON(name.text)),
            ("scope", RawJSON(package.scope.map { String($0.dropFirst()) } ?? "unscoped")),
            ("version", RawJSON(latest.number.core)), ("description", manifest["description"] ?? RawJSON("")),
            ("keywords", manifest["keywords"] ?? RawJSON(array: [])), ("links", RawJSON(object: [])),
            ("maintainers", RawJSON(array: people ?? []))
        ]
        let date = latest.published.map { [("date", RawJSON($0.description))] } ?? []
        let one = RawJSON(1)
        let detail = RawJSON(object: [("quality", one), ("popularity", one), ("maintenance", one)])
        return RawJSON(object: [
            ("package", RawJSON(object: object + date)),
            ("score", RawJSON(object: [("final", one), ("detail", detail)])), ("searchScore", one)
        ])
    }
}

extension Packument.Version {
    /// The version document, whose tarball is below a repository's address.
    func document(at base: String, of package: NodePackage) -> RawJSON {
        var members = manifest.members ?? []
        let address = tarball?.text ?? package.tarball(of: number.core)
        for (index, member) in members.enumerated() where member.name == "dist" {
            let kept = member.value.members?.filter { $0.name != "tarball" } ?? []
            let tarball = RawJSON("\(base)\(package.path)/-/\(percentEncoded(address, allowing: "!'()*"))")
            members[index].value = RawJSON(object: kept + [("tarball", tarball)])
        }
        if let deprecated { members.append(("deprecated", RawJSON(deprecated))) }
        return RawJSON(object: members)
    }
}

extension NPM {
    fileprivate static func isHoisted(_ member: String) -> Bool { hoistedMembers.contains(member) }
    fileprivate static func isAbbreviated(_ member: String) -> Bool { abbreviatedMembers.contains(member) }
}
