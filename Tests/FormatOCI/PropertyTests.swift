import GranaryFormat
import GranaryModel
import GranaryTestKit
import HTTPTypes
import NIOCore
import Testing

@testable import FormatOCI

/// Thousands of nearly right inputs for each parser.
@Suite struct PropertyTests {
    @Test(arguments: [1, 2, 3, 4])
    func `Every valid name and resource is found again in its path`(seed: UInt64) throws {
        var generator = Generator(seed: seed)
        let words = ["a", "b-c", "manifests", "blobs", "uploads", "tags", "list", "referrers", "x__y", "0"]
        let resources: [(Route.Resource, String)] = [
            (.manifest("v1"), "manifests/v1"), (.manifest("list"), "manifests/list"),
            (.blob(Sample.sha256), "blobs/" + Sample.sha256), (.uploads, "blobs/uploads/"),
            (.upload("id"), "blobs/uploads/id"), (.tags, "tags/list"),
            (.referrers(Sample.sha256), "referrers/" + Sample.sha256)
        ]
        for _ in 0..<2000 {
            let name = (0..<Int.random(in: 1...6, using: &generator))
                .compactMap { _ in words.randomElement(using: &generator) }.joined(separator: "/")
            let (resource, suffix) = try #require(resources.randomElement(using: &generator))
            let route = try #require(Route(try RequestPath(name + "/" + suffix)))
            #expect(route.image == name)
            #expect(route.resource == resource)
        }
    }

    @Test(arguments: [1, 2, 3, 4])
    func `A mutated path is refused, or names an image within the grammar`(seed: UInt64) {
        var generator = Generator(seed: seed)
        let paths = [
            "team/api/manifests/v1", "a/blobs/\(Sample.sha256)", "a/b/blobs/uploads/\(Sample.upload)", "a/tags/list",
            "a/referrers/\(Sample.sha512)", "x/blobs/uploads/"
        ]
        let methods: [HTTPRequest.Method] = [.get, .put, .post, .patch, .delete, .head]
        for _ in 0..<4000 {
            let path = generator.mutation(of: Array((paths.randomElement(using: &generator) ?? "").utf8))
            let method = methods.randomElement(using: &generator) ?? .get
            let head = request(
                method, String(decoding: path, as: UTF8.self), query: "digest=\(Sample.sha256)&tag=v1&n=3")
            switch parsed(head) {
            case .success(.image(let image, _)): #expect(isImageName(image.text))
            case .success: Issue.record("a repository's path became a call to the mount")
            case .failure(let problem): #expect((400..<500).contains(answer(problem, head).status))
            }
        }
    }

    private static let seeds: [(body: String, type: String)] =
        ManifestTests.good.filter { $0.body.utf8.count < 2000 }.map { ($0.body, $0.contentType ?? $0.mediaType ?? "") }

    @Test(arguments: [1, 2, 3, 4])
    func `A mutated manifest is refused as content, or yields a bounded draft`(seed: UInt64) throws {
        var generator = Generator(seed: seed)
        for _ in 0..<1500 {
            let (body, type) = try #require(Self.seeds.randomElement(using: &generator))
            let bytes = generator.mutation(of: Array(body.utf8))
            let manifest: Manifest
            do throws(Problem) {
                manifest = try Manifest(ByteBuffer(bytes: bytes), contentType: type)
            } catch {
                guard case .invalid(.content, _) = error else {
                    Issue.record("refused as \(error)")
                    return
                }
                continue
            }
            try expectBounded(manifest)
        }
    }

    private func expectBounded(_ manifest: Manifest) throws {
        let blob = StagedBlob(
            checksums: Checksums(sha256: BlobDigest(bytes: Array(repeating: 7, count: 32))), size: .zero)
        let draft = try OCI().draft(
            of: manifest, blob, blob.checksums.sha256.digest, tags: [], try #require(PackageName("a")))
        let version = try #require(draft.version)
        #expect(version.metadata.utf8.count <= Draft.maximumMetadataBytes)
        #expect(Metadata(json: version.metadata) == Metadata(manifest))
        #expect(draft.edges.count <= 2 * Manifest.maximumReferences + 1)
        #expect(draft.initialProperties.count <= Property.maximumCount)
        #expect(Set(draft.edges).count == draft.edges.count)
        #expect(draft.needs.count <= draft.edges.count)
        for edge in draft.edges {
            #expect(Digest(edge.target.split(separator: "/").last ?? "") != nil)
        }
    }

    @Test(arguments: [1, 2, 3, 4])
    func `Noise is never taken for an object beyond the limits`(seed: UInt64) {
        var generator = Generator(seed: seed)
        for _ in 0..<4000 {
            let text = generator.text(of: #"{}[]",:\1a "#, lengths: 0...60)
            _ = isModestObject(text.utf8, depth: 4, values: 10)
            #expect(throws: Problem.self) {
                try Manifest(ByteBuffer(string: "[" + text), contentType: ManifestTests.index)
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4])
    func `A scope that is accepted is the same when it is written again`(seed: UInt64) {
        var generator = Generator(seed: seed)
        for _ in 0..<4000 {
            let text = generator.text(of: "repositry:()/,*pulsh-.0", lengths: 0...40)
            guard let scope = TokenScope(text) else { continue }
            let again = "\(scope.type):\(scope.name):\(scope.actions.joined(separator: ","))"
            #expect(TokenScope(again) == scope)
            let mutated = String(
                decoding: generator.mutation(of: Array("repository:team/api:pull,push".utf8)), as: UTF8.self)
            for asked in TokenScope.requests([TokenScope(mutated)].compactMap(\.self)) {
                #expect(isImageName(asked.address))
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4])
    func `A content range that is accepted is the same when it is written again`(seed: UInt64) {
        var generator = Generator(seed: seed)
        for _ in 0..<4000 {
            let seeds = ["0-1023", "bytes 0-9/10", "1024-2047", "bytes 5-9/*"]
            let bytes = generator.mutation(of: Array((seeds.randomElement(using: &generator) ?? "").utf8))
            guard let range = ContentRange(String(decoding: bytes, as: UTF8.self)) else { continue }
            #expect(range.length > 0)
            #expect(ContentRange("\(range.first)-\(range.last)") == range)
            #expect(ContentRange("bytes \(range.first)-\(range.last)/\(range.last + 1)") == range)
        }
    }

    @Test(arguments: [1, 2])
    func `Any tag is a tag of the grammar or none`(seed: UInt64) {
        var generator = Generator(seed: seed)
        for _ in 0..<4000 {
            let text = generator.text(of: "aZ09_.-/: é@[`{", lengths: 0...130)
            let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
            let isTag =
                (1...128).contains(text.utf8.count) && text.allSatisfy(allowed.contains)
                && text.first != "." && text.first != "-"
            #expect((tagName(text) != nil) == isTag)
        }
    }
}
