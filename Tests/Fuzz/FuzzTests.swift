import FoundationEssentials
import GranaryFormat
import GranaryModel
import GranaryTestKit
import HTTPTypes
import NIOCore
import Testing

@testable import FormatGeneric
@testable import FormatHelm
@testable import FormatMaven
@testable import FormatNPM
@testable import FormatOCI
@testable import FormatPyPI
@testable import GranaryHTTP
@testable import GranaryUpstream

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// A request as bytes: the method, the path, the query and header fields, each on a line of its own.
private func head(_ bytes: [UInt8], prefix: String) -> RequestHead {
    let lines = text(bytes).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var headers = HTTPFields()
    for line in lines.dropFirst(3) {
        let halves = line.split(separator: ":", maxSplits: 1).map(String.init)
        guard halves.count == 2, let name = HTTPField.Name(halves[0]) else { continue }
        headers.append(HTTPField(name: name, value: halves[1]))
    }
    return RequestHead(
        method: lines.first.flatMap { HTTPRequest.Method($0) } ?? .get, prefix: prefix,
        path: lines.count > 1 ? lines[1] : "", query: Query(lines.count > 2 ? lines[2] : ""), headers: headers,
        origin: "https://fuzz.example")
}

/// Whatever a format makes of a request is an operation with a name, or a refusal the client is at fault for.
private func expectParsed(_ format: some PackageFormat, _ head: RequestHead) {
    do throws(Problem) {
        if let operation = try format.parseService(head) {
            #expect(!operation.name.isEmpty)
            return
        }
        let operation = try format.parse(head)
        #expect(!operation.name.isEmpty)
    } catch {
        let status = format.reply(to: error, for: head, nil).status.code
        #expect((400..<500).contains(status), "\(error)")
    }
}

/// What a format makes of a document of an upstream; nothing where it refuses it.
private func decoded<Format: PackageFormat>(
    _ format: Format, _ selection: Selection, _ bytes: [UInt8], _ mediaType: String
) -> [Format.Index] {
    let document = ReceivedDocument(
        bytes: ByteBuffer(bytes: bytes), mediaType: mediaType, source: "https://fuzz.example/simple/my-pkg/")
    return (try? format.decode(selection, document)).map { [$0] } ?? []
}

/// A name that is read is written as it was read.
private func expectName<Value: Name>(_ type: Value.Type, _ text: String) {
    if let name = Value(text) { #expect(name.text == text) }
}

private func expectDecodes<Value: Codable>(_ type: Value.Type, _ bytes: [UInt8]) throws {
    guard let value = try? JSONDecoder().decode(type, from: Data(bytes)) else { return }
    _ = try JSONDecoder().decode(type, from: Data(jsonText(value).utf8))
}

/// Parts of a form with the boundary `b`, each a name and its content; nil where it is refused.
private func formParts(_ bytes: [UInt8], cutting size: Int) -> [[UInt8]]? {
    var parser = MultipartParser(boundary: "b")
    var parts: [[UInt8]] = []
    var rest = bytes[...]
    do {
        repeat {
            parser.feed(ByteBuffer(bytes: rest.prefix(size)))
            rest = rest.dropFirst(size)
            while let event = try parser.next() {
                switch event {
                case .part(let header): parts.append(Array(header.name.utf8) + [0])
                case .content(let piece): parts[parts.count - 1] += Array(piece.readableBytesView)
                case .endOfPart, .end: break
                }
            }
        } while !rest.isEmpty
        try parser.finish()
        return parts
    } catch {
        return nil
    }
}

private let targets: [FuzzTarget] = [
    FuzzTarget("oci-request") { expectParsed(OCI(), head($0, prefix: "/v2/docker/")) },
    FuzzTarget("generic-request") { expectParsed(Generic(), head($0, prefix: "/generic/files/")) },
    FuzzTarget("npm-request") { expectParsed(NPM(), head($0, prefix: "/npm/web/")) },
    FuzzTarget("npm-publish") { bytes in
        var whole = PublishSplitter(limit: 1 << 20)
        let tarball = try? whole.take(ByteBuffer(bytes: bytes))
        var pieces = PublishSplitter(limit: 1 << 20)
        var joined: ByteBuffer? = ByteBuffer()
        for byte in bytes {
            guard var piece = try? pieces.take(ByteBuffer(bytes: [byte])) else {
                joined = nil
                break
            }
            joined?.writeBuffer(&piece)
        }
        #expect(tarball == joined)
        guard tarball != nil else { return }
        #expect(whole.document == pieces.document)
        guard let document = try? RawJSON(whole.document), let package = try? NodePackage("left") else { return }
        _ = try? PublishDocument(document, of: package)
    },
    FuzzTarget("npm-packument") { bytes in
        let package = try #require(PackageName("left"))
        for index in decoded(NPM(), .package(package), bytes, "application/json") {
            _ = NPM().alarm(in: index)
            guard case .packument(let packument) = index else { continue }
            #expect(packument.versions.allSatisfy { !$0.number.core.isEmpty })
            // Of two members with the same, one is enough.
            guard case .packument(let merged) = NPM().merge(.package(package), [index, index]) else { continue }
            #expect(Set(merged.versions.map(\.number.core)) == Set(packument.versions.map(\.number.core)))
        }
    },
    FuzzTarget("npm-audit") { bytes in
        guard let asked = try? NPM.installed(in: bytes) else { return }
        let document = ReceivedDocument(bytes: ByteBuffer(bytes: bytes), mediaType: "application/json", source: "")
        let answer = UpstreamQuestion.Answer(document, about: Array(asked.map(\.package).prefix(2)))
        let names = Set(answer.packages.map(\.text))
        #expect(NPM.merged([answer, answer]).members?.allSatisfy { names.contains($0.name) } == true)
    },
    FuzzTarget("json") { bytes in
        guard let value = try? RawJSON(bytes) else { return }
        if let members = value.members {
            let again = try RawJSON(RawJSON(object: members).bytes)
            #expect(again.members?.map(\.name) == members.map(\.name))
            #expect(again.members?.map(\.value) == members.map(\.value))
        }
        if let elements = value.elements { #expect(try RawJSON(RawJSON(array: elements).bytes).elements == elements) }
        if let string = value.string { #expect(try RawJSON(RawJSON(string).bytes).string == string) }
    },
    FuzzTarget("semantic-version") { bytes in
        guard let version = SemanticVersion(text(bytes)) else { return }
        #expect(SemanticVersion(version.description)?.description == text(bytes))
        #expect(SemanticVersion(version.core) == version && !(version < version))
    },
    FuzzTarget("maven-request") { expectParsed(Maven(), head($0, prefix: "/maven/libs/")) },
    FuzzTarget("maven-pom") { bytes in
        guard let pom = try? POM(bytes) else { return }
        #expect(!pom.groupID.isEmpty && !pom.artifactID.isEmpty && !pom.version.isEmpty)
    },
    FuzzTarget("maven-metadata") { bytes in
        // What is read of a document is what its own text says.
        guard let metadata = try? Metadata(bytes) else { return }
        let written = try Metadata(Array(metadata.text.utf8))
        #expect(written.versions == metadata.versions)
    },
    FuzzTarget("maven-version") { bytes in
        let versions = text(bytes).split(separator: "\n").prefix(8).map { MavenVersion(String($0)) }
        for first in versions {
            #expect(first == first)
            for second in versions { #expect(!(first < second && second < first)) }
        }
    },
    FuzzTarget("pypi-request") { expectParsed(PyPI(), head($0, prefix: "/pypi/py/")) },
    FuzzTarget("pypi-form") { bytes in
        // However it is cut, it is the same form, or none.
        let whole = formParts(bytes, cutting: max(bytes.count, 1))
        #expect(formParts(bytes, cutting: 13) == whole)
    },
    FuzzTarget("pypi-metadata") { bytes in
        guard let metadata = try? CoreMetadata(bytes) else { return }
        let project = try #require(ProjectName("a"))
        let info = metadata.info(project, try #require(PythonVersion("1")))
        _ = try RawJSON(info.bytes)
        #expect(metadata["name"] != nil && metadata["version"] != nil)
    },
    FuzzTarget("pypi-page") { bytes in
        let package = try #require(PackageName("my-pkg"))
        for type in ["text/html", "application/vnd.pypi.simple.v1+json"] {
            for index in decoded(PyPI(), .package(package), bytes, type) {
                guard case .project(let page) = index else { continue }
                #expect(
                    page.files.allSatisfy { !$0.filename.isEmpty && !$0.filename.contains("/") && $0.location != nil })
            }
            _ = decoded(PyPI(), .packages, bytes, type)
        }
    },
    FuzzTarget("pypi-name") { bytes in
        let value = text(bytes)
        if let version = PythonVersion(value) {
            #expect(PythonVersion(version.text) == version)
            #expect(PythonVersion(version.text)?.text == version.text)
        }
        if let name = ProjectName(value) { #expect(ProjectName(name.normalized)?.normalized == name.normalized) }
        let stem = value.prefix { $0 != "-" }
        guard let project = ProjectName(stem), let file = try? DistributionName(value, of: project) else { return }
        #expect(!file.filename.contains("/") && file.project.normalized == project.normalized)
    },
    FuzzTarget("helm-request") { expectParsed(Helm(), head($0, prefix: "/helm/charts/")) },
    FuzzTarget("helm-chart") { bytes in
        guard let metadata = try? ChartMetadata(bytes) else { return }
        let json = try RawJSON(metadata.json.bytes)
        #expect(json["name"]?.string == metadata.chart.package.text)
        #expect(json["version"]?.string == metadata.chart.version.text)
        // JSON is YAML: an index that is read as such says the same, unless a text looks like an alias now.
        if let again = try? ChartMetadata(json.bytes) { #expect(again.json == metadata.json) }
    },
    FuzzTarget("helm-index") { bytes in
        let document = ReceivedDocument(
            bytes: ByteBuffer(bytes: bytes), mediaType: "text/plain", source: "https://fuzz.example/index.yaml")
        guard let index = try? Helm().decode(.everything, document) else { return }
        // What we make of it is an index that says the same.
        let text = try index.encode(.index, at: "/helm/charts/")
        let again = try Helm().decode(
            .everything, ReceivedDocument(bytes: text, mediaType: "text/plain", source: document.source))
        #expect(try again.encode(.index, at: "/helm/charts/") == text)
    },
    FuzzTarget("helm-provenance") { bytes in
        guard let provenance = try? Provenance(bytes) else { return }
        #expect(provenance.chart.archive.text.hasPrefix(provenance.chart.package.text))
    },
    FuzzTarget("helm-file") { bytes in
        let stem = text(bytes)
        guard let chart = ChartID(stem: stem) else { return }
        #expect(chart.archive.text == "\(stem).tgz")
        let again = try ChartID(name: chart.package.text, version: chart.version.text)
        #expect(again == chart)
    },
    FuzzTarget("oci-manifest") { bytes in
        for type in [nil, "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"] {
            guard let manifest = try? Manifest(ByteBuffer(bytes: bytes), contentType: type) else { continue }
            let blob = StagedBlob(
                checksums: Checksums(sha256: BlobDigest(bytes: [UInt8](repeating: 7, count: 32))), size: .zero)
            let package = try #require(PackageName("a"))
            let draft = try OCI().draft(of: manifest, blob, blob.checksums.sha256.digest, tags: [], package)
            #expect(draft.edges.count <= 2 * Manifest.maximumReferences + 1)
        }
    },
    FuzzTarget("oci-tags") { bytes in
        let package = try #require(PackageName("a/b"))
        _ = decoded(OCI(), .tags(package), bytes, "application/json")
        _ = decoded(OCI(), .referrers(package, target: "sha256:00", artifactType: nil), bytes, "application/json")
    },
    FuzzTarget("challenge") { bytes in _ = BearerChallenge([.wwwAuthenticate: text(bytes)]) },
    FuzzTarget("moment") { bytes in
        let value = text(bytes)
        if let moment = Timestamp(inAddress: value) { #expect(Timestamp(inAddress: moment.description) == moment) }
    },
    FuzzTarget("oci-scope") { bytes in
        let scopes = text(bytes).split(separator: " ").compactMap { TokenScope(String($0)) }
        for request in TokenScope.requests(scopes) { #expect(isImageName(request.address)) }
    },
    FuzzTarget("content-range") { bytes in
        guard let range = ContentRange(text(bytes)) else { return }
        #expect(range.first >= 0 && range.length > 0)
    },
    FuzzTarget("byte-range") { bytes in
        for size: Int64 in [0, 1, 1000, .max] {
            switch ByteRanges(text(bytes), size: size) {
            case .single(let range): #expect(range.lowerBound >= 0 && range.upperBound <= size && !range.isEmpty)
            case .multiple(let ranges):
                #expect(ranges.count <= ByteRanges.maximumRanges)
                #expect(ranges.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= size && !$0.isEmpty })
            case .whole, .unsatisfiable: break
            }
        }
    },
    FuzzTarget("date") { bytes in
        guard let seconds = HTTPDate.parse(text(bytes)) else { return }
        #expect(HTTPDate.parse(HTTPDate.format(Timestamp(milliseconds: seconds * 1000))) == seconds)
    },
    FuzzTarget("conditions") { bytes in
        let value = text(bytes)
        for field: HTTPField.Name in [.ifMatch, .ifNoneMatch, .ifModifiedSince, .ifUnmodifiedSince] {
            _ = Preconditions.evaluate([field: value], entityTag: "abc", modified: Timestamp(milliseconds: 0))
        }
    },
    FuzzTarget("query") { bytes in
        let query = Query(text(bytes))
        for item in query.items { #expect(query[item.name] != nil) }
    },
    FuzzTarget("path") { bytes in
        guard let path = try? RequestPath(text(bytes)) else { return }
        for segment in path.segments {
            #expect(segment != "." && segment != ".." && !segment.utf8.contains(UInt8(ascii: "/")) && !segment.isEmpty)
        }
    },
    FuzzTarget("name") { bytes in
        let value = text(bytes)
        expectName(RepositoryName.self, value)
        expectName(PackageName.self, value)
        expectName(VersionName.self, value)
        expectName(TagName.self, value)
        expectName(FilePath.self, value)
        expectName(UserName.self, value)
        if let digest = Digest(value) { #expect(digest.description == value) }
        if let time = Timestamp(value) { #expect(Timestamp(time.description) == time) }
    },
    FuzzTarget("pattern") { bytes in
        let halves = text(bytes).split(separator: "\n", maxSplits: 1).map(String.init)
        guard let first = halves.first, let pattern = Pattern(first) else { return }
        _ = pattern.matches(halves.last ?? "")
    },
    FuzzTarget("management-body") { bytes in
        try expectDecodes(Wire.NewRepository.self, bytes)
        try expectDecodes(Wire.SettingsChange.self, bytes)
        try expectDecodes(Wire.NewUser.self, bytes)
        try expectDecodes(Wire.UserChange.self, bytes)
        try expectDecodes(Wire.NewToken.self, bytes)
        try expectDecodes(Wire.NewGrant.self, bytes)
        try expectDecodes(Wire.SweepRequest.self, bytes)
        try expectDecodes(Wire.BackupRequest.self, bytes)
    }
]

@Suite("Nearly right input for everything that reads the network")
struct FuzzTests {
    /// Per parser; `GRANARY_FUZZ_INPUTS` asks for more.
    private static let inputs = Int(ProcessInfo.processInfo.environment["GRANARY_FUZZ_INPUTS"] ?? "") ?? 4000
    private static let seed = UInt64(ProcessInfo.processInfo.environment["GRANARY_FUZZ_SEED"] ?? "") ?? 1

    @Test("A parser survives its corpus and what is made from it", arguments: targets)
    func parser(_ target: FuzzTarget) async throws {
        try await target.run(Self.inputs, seed: Self.seed)
    }

    @Test("A server survives broken requests on its socket, and goes on serving")
    func socket() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let formats: [any PackageFormat] = [OCI(), Generic(), NPM(), Maven(), PyPI(), Helm()]
        try await TestServer.run(formats: formats, repositories: [], in: folder) { server in
            let target = FuzzTarget("http") { _ in }
            let corpus = try target.corpus()
            var generator = Generator(seed: Self.seed)
            for number in 0..<max(corpus.count, Self.inputs / 20) {
                let seed = corpus[number % corpus.count]
                let input = number < corpus.count ? seed : generator.mutation(of: seed)
                _ = try? await server.raw(input, closing: true)
            }
            #expect(try await server.send("GET", "/healthz").status == 200)
        }
    }
}
