import GranaryArchive
import GranaryFormat
import GranaryModel
import HTTPTypes
import NIOCore

// What is known to be wrong with packages, as `npm audit` asks for many at once. Upstreams know; they are asked about what is
// theirs, since the question lists the names of everything that a project is made of.
extension NPM {
    static let advisoriesPath = ["npm", "v1", "security", "advisories", "bulk"]
    /// Of a question, unpacked.
    private static let maximumQuestion = ByteCount.mebibytes(8)
    private static let maximumAdvisories = ByteCount.mebibytes(64)
    static let maximumPackages = 50_000

    func advisories(_ request: FormatRequest, _ access: some RepositoryAccess<Index>) async throws(Problem) -> Reply {
        let asked = try Self.installed(in: try await Self.unpacked(request))
        let question = UpstreamQuestion(
            asked.map(\.package), address: "-/" + Self.advisoriesPath.joined(separator: "/"), .json,
            limit: Self.maximumAdvisories
        ) { packages in
            let kept = Set(packages)
            let members = asked.filter { kept.contains($0.package) }.map { ($0.package.text, $0.versions) }
            return ByteBuffer(bytes: RawJSON(object: members).bytes)
        }
        return Reply(.ok, .json, text: Self.merged(try await access.ask(question)).text, .uncached)
    }

    /// Clients send it compressed.
    private static func unpacked(_ request: FormatRequest) async throws(Problem) -> [UInt8] {
        let body = try await request.body.collect(upTo: maximumQuestion)
        switch request.head.headers[.contentEncoding]?.lowercased() {
        case nil, "identity": return Array(body.readableBytesView)
        case "gzip" where body.readableBytesView.starts(with: [0x1F, 0x8B]):
            let archive = ArchiveReader(.gzip, size: Int64(body.readableBytes)) { range in
                body.getSlice(at: body.readerIndex + Int(range.lowerBound), length: range.count) ?? ByteBuffer()
            }
            var unpacked: [UInt8] = []
            do {
                try archive.entries { entry in
                    unpacked = try entry.contents(upTo: Int(maximumQuestion.bytes))
                    return false
                }
            } catch {
                throw .invalid(.content, "the body is no gzip of at most \(maximumQuestion)")
            }
            return unpacked
        case let encoding?: throw .invalid(.content, "the body is no '\(encoding.prefix(40))' that is read here")
        }
    }

    /// `{"left":["1.0.0"]}`; what nobody would call a package is left out.
    static func installed(in bytes: [UInt8]) throws(Problem) -> [(package: PackageName, versions: RawJSON)] {
        guard let members = try RawJSON(bytes).members else {
            throw .invalid(.content, "an audit is an object of packages and their versions")
        }
        guard members.count <= maximumPackages else {
            throw .invalid(.content, "an audit is of at most \(maximumPackages) packages")
        }
        return members.compactMap { name, versions in
            guard let package = try? NodePackage(name), versions.elements != nil else { return nil }
            return (package.name, versions)
        }
    }

    /// The advisories of all who answer, by package; of each about nothing that it was not asked about.
    static func merged(_ answers: [UpstreamQuestion.Answer]) -> RawJSON {
        var found: [(name: String, advisories: [RawJSON])] = []
        for answer in answers {
            let names = Set(answer.packages.map(\.text))
            guard let members = (try? RawJSON(answer.document.bytes.readableBytesView))?.members else { continue }
            for (name, value) in members where names.contains(name) {
                let advisories = value.elements ?? []
                if let place = found.firstIndex(where: { $0.name == name }) {
                    let known = Set(found[place].advisories.map { $0["id"]?.text ?? $0.text })
                    found[place].advisories += advisories.filter { !known.contains($0["id"]?.text ?? $0.text) }
                } else {
                    found.append((name, advisories))
                }
            }
        }
        return RawJSON(object: found.map { ($0.name, RawJSON(array: $0.advisories)) })
    }
}
