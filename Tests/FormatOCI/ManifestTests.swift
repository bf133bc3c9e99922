import GranaryFormat
import GranaryModel
import NIOCore
import Testing

@testable import FormatOCI

@Suite struct ManifestTests {
    static let image = "application/vnd.oci.image.manifest.v1+json"
    static let index = "application/vnd.oci.image.index.v1+json"
    static let dockerImage = "application/vnd.docker.distribution.manifest.v2+json"
    static let dockerList = "application/vnd.docker.distribution.manifest.list.v2+json"

    static func descriptor(_ number: Int, _ mediaType: String, more: String = "") -> String {
        #"{"mediaType":"\#(mediaType)","digest":"\#(Sample.digest(number))","size":\#(number)\#(more)}"#
    }

    static let config = descriptor(1, "application/vnd.oci.image.config.v1+json")
    static let layer = descriptor(2, "application/vnd.oci.image.layer.v1.tar+gzip")

    static func read(_ text: String, _ contentType: String?) throws -> Manifest {
        try Manifest(ByteBuffer(string: text), contentType: contentType)
    }

    static func draft(_ text: String, _ contentType: String?) throws -> Draft {
        let manifest = try read(text, contentType)
        let blob = StagedBlob(
            checksums: Checksums(sha256: BlobDigest(bytes: Array(repeating: 7, count: 32))), size: ByteCount(9))
        return try OCI().draft(
            of: manifest, blob, blob.checksums.sha256.digest, tags: [], try #require(PackageName("team/api")))
    }

    struct GoodCase: Sendable, CustomTestStringConvertible {
        let name: String
        let body: String
        let contentType: String?
        var mediaType: String?
        var artifactType = ""
        var edges: [Edge] = []
        /// Alternatives joined by a bar; a leading `?` is a member that a repository may do without.
        var needs: [String] = []
        var testDescription: String { name }
    }

    static func blob(_ number: Int) -> String { "blobs/" + Sample.digest(number) }
    static func member(_ number: Int) -> String { "?\(Sample.digest(number))|\(blob(number))" }

    static let good: [GoodCase] = [
        GoodCase(
            name: "an image",
            body: #"{"schemaVersion":2,"mediaType":"\#(image)","config":\#(config),"layers":[\#(layer)]}"#,
            contentType: image, artifactType: "application/vnd.oci.image.config.v1+json",
            edges: [Edge(.content, blob(1)), Edge(.content, blob(2))], needs: [blob(1), blob(2)]),
        GoodCase(
            name: "an image that lists a layer twice",
            body: #"{"schemaVersion":2,"config":\#(config),"layers":[\#(layer),\#(layer)]}"#, contentType: image,
            artifactType: "application/vnd.oci.image.config.v1+json",
            edges: [Edge(.content, blob(1)), Edge(.content, blob(2))], needs: [blob(1), blob(2)]),
        GoodCase(
            name: "an image without layers, with null for an empty list",
            body: #"{"schemaVersion":2,"config":\#(config),"layers":null,"manifests":null}"#, contentType: image,
            artifactType: "application/vnd.oci.image.config.v1+json", edges: [Edge(.content, blob(1))],
            needs: [blob(1)]),
        GoodCase(
            name: "an artifact with a subject",
            body: #"""
                {"schemaVersion":2,"mediaType":"\#(image)","artifactType":"application/x.sbom","config":\#(config),
                "layers":[],"subject":\#(descriptor(3, image))}
                """#,
            contentType: image, artifactType: "application/x.sbom",
            edges: [Edge(.content, blob(1)), Edge(.subject, Sample.digest(3))], needs: [blob(1)]),
        GoodCase(
            name: "an empty artifactType, which is none",
            body: #"{"artifactType":"","config":\#(config),"layers":[]}"#, contentType: image,
            artifactType: "application/vnd.oci.image.config.v1+json", edges: [Edge(.content, blob(1))],
            needs: [blob(1)]),
        GoodCase(
            name: "foreign layers, which need not be here",
            body: #"""
                {"config":\#(config),"layers":[
                \#(descriptor(2, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")),
                \#(descriptor(3, "application/vnd.oci.image.layer.nondistributable.v1.tar"))]}
                """#,
            contentType: image, artifactType: "application/vnd.oci.image.config.v1+json",
            edges: [Edge(.content, blob(1)), Edge(.content, blob(2)), Edge(.content, blob(3))], needs: [blob(1)]),
        GoodCase(
            name: "a Docker image",
            body: #"{"schemaVersion":2,"mediaType":"\#(dockerImage)","config":\#(config),"layers":[\#(layer)]}"#,
            contentType: nil, mediaType: dockerImage, artifactType: "application/vnd.oci.image.config.v1+json",
            edges: [Edge(.content, blob(1)), Edge(.content, blob(2))], needs: [blob(1), blob(2)]),
        GoodCase(
            name: "a Docker manifest list",
            body: #"{"schemaVersion":2,"mediaType":"\#(dockerList)","manifests":[\#(descriptor(4, dockerImage))]}"#,
            contentType: dockerList, edges: [Edge(.member, Sample.digest(4))], needs: [member(4)]),
        GoodCase(
            name: "an index of images and indexes",
            body: #"{"schemaVersion":2,"manifests":[\#(descriptor(4, image)),\#(descriptor(5, index))]}"#,
            contentType: index, edges: [Edge(.member, Sample.digest(4)), Edge(.member, Sample.digest(5))],
            needs: [member(4), member(5)]),
        GoodCase(name: "an empty index", body: #"{"schemaVersion":2,"manifests":[]}"#, contentType: index),
        GoodCase(
            name: "an index with an artifact type and a subject",
            body: #"{"artifactType":"application/x.list","manifests":[],"subject":\#(descriptor(6, index))}"#,
            contentType: index, artifactType: "application/x.list", edges: [Edge(.subject, Sample.digest(6))]),
        GoodCase(
            name: "an index with an attestation",
            body: #"""
                {"manifests":[\#(descriptor(4, image, more: #","platform":{"architecture":"unknown","os":"unknown"},"#
                    + #""annotations":{"vnd.docker.reference.type":"attestation-manifest"}"#))]}
                """#,
            contentType: index, edges: [Edge(.member, Sample.digest(4))], needs: [member(4)]),
        GoodCase(
            name: "a build cache, whose index lists layers",
            body: #"""
                {"schemaVersion":2,"mediaType":"\#(index)","manifests":[\#(layer),
                \#(descriptor(3, "application/vnd.buildkit.cacheconfig.v0"))]}
                """#,
            contentType: index,
            edges: [
                Edge(.content, blob(2)), Edge(.content, blob(3)), Edge(.member, Sample.digest(2)),
                Edge(.member, Sample.digest(3))
            ], needs: [member(2), member(3)]),
        GoodCase(
            name: "an artifact manifest of the draft specification",
            body: #"{"artifactType":"application/x.sbom","blobs":[\#(layer)],"subject":\#(descriptor(3, image))}"#,
            contentType: "application/vnd.oci.artifact.manifest.v1+json", artifactType: "application/x.sbom",
            edges: [Edge(.content, blob(2)), Edge(.subject, Sample.digest(3))], needs: [blob(2)]),
        GoodCase(
            name: "an unknown type with familiar fields, which are followed but not required",
            body: #"{"layers":[\#(layer)]}"#, contentType: "application/vnd.example+json",
            edges: [Edge(.content, blob(2))]),
        GoodCase(
            name: "an unknown type with other fields", body: #"{"layers":"none","annotations":[1],"subject":7}"#,
            contentType: "application/vnd.example+json"),
        GoodCase(
            name: "a parameter of the content type, which is not kept", body: #"{"manifests":[]}"#,
            contentType: index + "; charset=utf-8", mediaType: index),
        GoodCase(
            name: "fields of an unknown type in other letters", body: #"{"Layers":"none","Config":[1]}"#,
            contentType: "application/vnd.example+json"),
        GoodCase(
            name: "annotations in other letters, which are nobody's fields",
            body: #"{"manifests":[],"annotations":{"MediaType":"x","Layers":"y"}}"#, contentType: index),
        GoodCase(
            name: "an unknown algorithm in an unknown type",
            body: #"{"subject":{"digest":"blake3:abc","size":1}}"#, contentType: "application/vnd.example+json"),
        GoodCase(
            name: "sha512 throughout",
            body: #"{"config":{"mediaType":"a/b","digest":"\#(Sample.sha512)","size":2},"layers":[]}"#,
            contentType: image, artifactType: "a/b", edges: [Edge(.content, "blobs/" + Sample.sha512)],
            needs: ["blobs/" + Sample.sha512])
    ]

    @Test(arguments: good)
    func `A manifest becomes a version with its relations`(_ expected: GoodCase) throws {
        let draft = try Self.draft(expected.body, expected.contentType)
        let version = try #require(draft.version)
        #expect(version.mediaType.text == expected.mediaType ?? expected.contentType)
        #expect(version.artifactType == expected.artifactType)
        #expect(draft.files.map(\.path.text) == [version.name.text])
        #expect(draft.files.first?.mediaType == version.mediaType)
        #expect(draft.edges == expected.edges)
        let needs = draft.needs.map { ($0.isMember ? "?" : "") + $0.anyOf.joined(separator: "|") }
        #expect(needs == expected.needs)
    }

    struct BadCase: Sendable, CustomTestStringConvertible {
        let name: String
        let body: String
        let contentType: String?
        var testDescription: String { name }
    }

    static let bad: [BadCase] = [
        BadCase(name: "nothing", body: "", contentType: image),
        BadCase(name: "no JSON", body: "{", contentType: image),
        BadCase(name: "half a JSON", body: #"{"config":}"#, contentType: image),
        BadCase(name: "an array", body: "[]", contentType: image),
        BadCase(name: "text", body: #""{}""#, contentType: image),
        BadCase(name: "no type", body: "{}", contentType: nil),
        BadCase(name: "a broken type", body: "{}", contentType: "manifest"),
        BadCase(name: "two types", body: #"{"mediaType":"\#(index)","manifests":[]}"#, contentType: image),
        BadCase(name: "a type that is no text", body: #"{"mediaType":7,"manifests":[]}"#, contentType: index),
        BadCase(
            name: "layers and manifests", body: #"{"config":\#(config),"layers":[],"manifests":[]}"#,
            contentType: image),
        BadCase(
            name: "layers and manifests of an unknown type", body: #"{"layers":[],"manifests":[]}"#,
            contentType: "application/vnd.example+json"),
        BadCase(name: "an image with manifests", body: #"{"config":\#(config),"manifests":[]}"#, contentType: image),
        BadCase(name: "an index with a config", body: #"{"config":\#(config),"manifests":[]}"#, contentType: index),
        BadCase(name: "an index with layers", body: #"{"layers":[]}"#, contentType: index),
        BadCase(name: "an image without a config", body: #"{"layers":[]}"#, contentType: image),
        BadCase(name: "schema 1", body: #"{"schemaVersion":1,"fsLayers":[]}"#, contentType: "application/json"),
        BadCase(
            name: "signed schema 1", body: "{}",
            contentType: "application/vnd.docker.distribution.manifest.v1+prettyjws"),
        BadCase(
            name: "schema 1 by its type", body: "{}",
            contentType: "application/vnd.docker.distribution.manifest.v1+json"),
        BadCase(
            name: "a broken digest", body: #"{"manifests":[{"mediaType":"\#(image)","digest":"sha256:1","size":1}]}"#,
            contentType: index),
        BadCase(name: "no digest", body: #"{"manifests":[{"mediaType":"\#(image)","size":1}]}"#, contentType: index),
        BadCase(
            name: "a negative size",
            body: #"{"manifests":[{"mediaType":"\#(image)","digest":"\#(Sample.sha256)","size":-1}]}"#,
            contentType: index),
        BadCase(
            name: "a size beyond counting",
            body: #"{"manifests":[{"mediaType":"\#(image)","digest":"\#(Sample.sha256)","size":1e400}]}"#,
            contentType: index),
        BadCase(name: "a broken subject", body: #"{"manifests":[],"subject":{"digest":"x"}}"#, contentType: index),
        BadCase(
            name: "annotations that are no text", body: #"{"manifests":[],"annotations":{"a":1}}"#, contentType: index),
        BadCase(
            name: "an artifact type that is too long",
            body: #"{"manifests":[],"artifactType":"a/\#(String(repeating: "b", count: 300))"}"#, contentType: index),
        BadCase(
            name: "deep nesting",
            body: #"{"a":"# + String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000) + "}",
            contentType: index),
        BadCase(
            name: "deep nesting that does not end", body: #"{"a":"# + String(repeating: #"{"a":"#, count: 200_000),
            contentType: index),
        BadCase(
            name: "too many values", body: #"{"a":[1"# + String(repeating: ",1", count: 200_000) + "]}",
            contentType: "application/vnd.example+json"),
        BadCase(
            name: "too many members",
            body: #"{"manifests":["# + (0...8192).map { descriptor($0, image) }.joined(separator: ",") + "]}",
            contentType: index),
        BadCase(
            name: "layers twice", body: #"{"config":\#(config),"layers":[],"layers":[\#(layer)]}"#, contentType: image),
        BadCase(
            name: "layers twice, once escaped", body: #"{"config":\#(config),"layers":[],"l\u0061yers":[]}"#,
            contentType: image),
        BadCase(
            name: "a member twice in what nobody reads", body: #"{"manifests":[],"x":[{"a":1,"a":2}]}"#,
            contentType: index),
        BadCase(
            name: "layers in other letters", body: #"{"config":\#(config),"layers":[],"Layers":[\#(layer)]}"#,
            contentType: image),
        BadCase(name: "a letter that is an s in upper case", body: #"{"manifeſts":[]}"#, contentType: index),
        BadCase(
            name: "a digest in other letters",
            body: #"{"manifests":[\#(descriptor(4, image, more: #","DIGEST":"x""#))]}"#, contentType: index),
        BadCase(
            name: "a platform in other letters",
            body: #"{"manifests":[\#(descriptor(4, image, more: #","platform":{"os":"a","OS":"b"}"#))]}"#,
            contentType: index),
        BadCase(
            name: "a type in other letters", body: #"{"MediaType":"\#(index)"}"#,
            contentType: "application/vnd.example+json"),
        BadCase(name: "UTF-16", body: "{\u{0}\"\u{0}a\u{0}\"\u{0}}\u{0}", contentType: index)
    ]

    @Test(arguments: bad)
    func `A manifest that could harm or mislead is refused`(_ refused: BadCase) {
        let problem = #expect(throws: Problem.self) { try Self.read(refused.body, refused.contentType) }
        guard case .invalid(.content, _) = problem else {
            Issue.record("refused as \(String(describing: problem))")
            return
        }
    }

    @Test func `Brackets within text do not count as nesting`() throws {
        let text = String(repeating: #"[{\"\\"#, count: 1000)
        let body = #"{"manifests":[],"annotations":{"a":"\#(text)"}}"#
        #expect(try Self.read(body, Self.index).annotations["a"]?.utf8.count == 4000)
    }

    @Test func `Annotations become properties as far as they fit`() throws {
        let many = (0..<150).map { #""key\#(1000 + $0)":"value""# }.joined(separator: ",")
        let long = String(repeating: "x", count: Property.maximumValueBytes + 1)
        let draft = try Self.draft(
            #"{"manifests":[],"annotations":{"a.long":"\#(long)","b":"",\#(many)}}"#, Self.index)
        let properties = draft.initialProperties
        #expect(properties.count == Property.maximumCount)
        #expect(properties.first == Property("b", ""))
        #expect(!properties.contains { $0.key == "a.long" })
        #expect(try Self.draft(#"{"manifests":[]}"#, Self.index).properties == nil)
    }

    @Test func `Metadata keeps annotations and members within their limits`() throws {
        let long = String(repeating: "x", count: 40 << 10)
        let annotated = try Self.read(
            #"{"manifests":[],"annotations":{"a":"\#(long)","b":"\#(long)","c":"short"}}"#, Self.index)
        #expect(try #require(Metadata(annotated).annotations).keys.sorted() == ["a", "c"])

        let members = (0..<1000).map { Self.descriptor($0, Self.image) }.joined(separator: ",")
        let kept = try #require(Metadata(try Self.read(#"{"manifests":[\#(members)]}"#, Self.index)).members)
        #expect(kept.count == Metadata.maximumMembers)

        let heavy = (0..<10).map { Self.descriptor($0, Self.image, more: #","annotations":{"a":"\#(long)"}"#) }
            .joined(separator: ",")
        let few = try #require(Metadata(try Self.read(#"{"manifests":[\#(heavy)]}"#, Self.index)).members)
        #expect(few.count == 6)
    }

    @Test func `Metadata survives its JSON`() throws {
        let member = Self.descriptor(4, Self.image, more: #","artifactType":"a/b","annotations":{"k":"v\n/\u0001"}"#)
        let metadata = Metadata(
            try Self.read(#"{"manifests":[\#(member)],"annotations":{"x":"<>&\"é"}}"#, Self.index))
        #expect(Metadata(json: jsonText(metadata)) == metadata)
        #expect(metadata.members?.first?.annotations == ["k": "v\n/\u{1}"])
        #expect(Metadata(json: "[") == nil)
    }

    @Test func `Bytes are staged against the digest the client gave`() {
        let short = StagingTerms(upTo: Manifest.maximumSize, Digest(Sample.sha256))
        #expect(short.expected == ["sha256": Sample.hex])
        #expect(short.hashes.isEmpty)
        let long = StagingTerms(upTo: Manifest.maximumSize, Digest(Sample.sha512))
        #expect(long.expected.keys.sorted() == ["sha512"])
        #expect(long.hashes == [.sha512])
        #expect(StagingTerms(upTo: Manifest.maximumSize, nil).expected.isEmpty)
    }
}
