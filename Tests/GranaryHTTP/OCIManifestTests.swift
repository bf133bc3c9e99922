import GranaryTestKit
import Testing

@Suite(.serialized) struct OCIManifestTests {
    /// Content that every test of this suite may refer to.
    struct Content: Sendable {
        let image: OCIImage
        let config: OCIDescriptor
        let layer: OCIDescriptor

        init(_ image: OCIImage) async throws {
            self.image = image
            config = try await image.push(Array("{}".utf8), mediaType: OCIDescriptor.config)
            layer = try await image.push(Array("layer".utf8))
        }

        /// Neither blob nor manifest.
        func absent(_ seed: String, _ mediaType: String = OCIDescriptor.layer) -> OCIDescriptor {
            OCIDescriptor(Array("absent \(seed)".utf8), mediaType: mediaType)
        }
    }

    @Test func `A manifest comes back byte for byte, under its type, by tag and by digest`() async throws {
        try await withOCI { server in
            let content = try await Content(server.image())
            let image = content.image
            let manifest = OCIDocument.image(config: content.config, layers: [content.layer])
            let put = try await image.put(manifest, at: "v1")
            #expect(put.status == 201 && put["Docker-Content-Digest"] == manifest.digest)
            #expect(put["Location"] == "/v2/docker/app/manifests/\(manifest.digest)" && put["OCI-Subject"] == nil)
            let again = try await image.put(manifest)
            #expect(again.status == 201 && again["Docker-Content-Digest"] == manifest.digest)
            for reference in ["v1", manifest.digest] {
                // Whatever a client says it accepts.
                for accept in ["*/*", "application/json", OCIDocument.index] {
                    let got = try await image.send("GET", "manifests/\(reference)", ["Accept": accept])
                    let head = try await image.send("HEAD", "manifests/\(reference)", ["Accept": accept])
                    #expect(got.body == manifest.bytes && head.body.isEmpty)
                    for answer in [got, head] {
                        #expect(answer.status == 200)
                        #expect(answer.all("Content-Type") == [OCIDocument.manifest])
                        #expect(answer.all("Content-Length") == [String(manifest.bytes.count)])
                        #expect(answer.all("Docker-Content-Digest") == [manifest.digest])
                        #expect(answer["ETag"] == "\"\(manifest.digest)\"" && answer["Content-Encoding"] == nil)
                    }
                }
                let same = try await image.send(
                    "GET", "manifests/\(reference)", ["If-None-Match": "\"\(manifest.digest)\""])
                #expect(same.status == 304 && same.body.isEmpty && same["Docker-Content-Digest"] == manifest.digest)
            }
        }
    }

    @Test func `The type is stored as it was given, without parameters`() async throws {
        try await withOCI { server in
            let image = server.image()
            let thing = "application/vnd.example.thing+json"
            let list = "application/vnd.docker.distribution.manifest.list.v2+json"
            let cases = [(thing, thing), (list, list), ("\(OCIDocument.index); charset=utf-8", OCIDocument.index)]
            for (index, (sent, served)) in cases.enumerated() {
                let document = OCIDocument(#"{"schemaVersion":2,"manifests":[],"a":\#(index)}"#, sent)
                #expect(try await image.put(document, at: "v\(index)").status == 201)
                #expect(try await image.send("HEAD", "manifests/v\(index)")["Content-Type"] == served)
            }
            let typed = OCIDocument(#"{ "mediaType" : "\#(OCIDocument.index)", "manifests":[] }"# + "\n\n", "")
            let untyped = try await image.send("PUT", "manifests/typed", body: typed.bytes)
            #expect(untyped.status == 201)
            let got = try await image.send("GET", "manifests/typed")
            #expect(got["Content-Type"] == OCIDocument.index && got.body == typed.bytes)
        }
    }

    @Test func `A manifest under a SHA-512 digest is found by that and by its tags`() async throws {
        try await withOCI { server in
            let image = server.image()
            let document = OCIDocument(#"{"schemaVersion":2,"manifests":[]}"#, OCIDocument.index)
            let digest = sha512(document.bytes)
            let put = try await image.put(document, at: digest, query: "?tag=long")
            #expect(put.status == 201 && put["Docker-Content-Digest"] == digest && put.all("OCI-Tag") == ["long"])
            for reference in [digest, "long"] {
                let got = try await image.send("GET", "manifests/\(reference)")
                #expect(got["Docker-Content-Digest"] == digest && got.body == document.bytes)
            }
            let wrong = try await image.put(document, at: sha512([1]))
            #expect(wrong.refusal == "400 DIGEST_INVALID")
            #expect(try await image.put(document, at: sha256([1])).refusal == "400 DIGEST_INVALID")
        }
    }

    @Test func `What an image refers to must be there, and the answer lists what is not`() async throws {
        try await withOCI { server in
            let content = try await Content(server.image())
            let (one, two) = (content.absent("1"), content.absent("2"))
            let refused = try await content.image.put(
                .image(config: content.config, layers: [one, content.layer, two]), at: "v1")
            #expect(refused.refusal == "400 MANIFEST_BLOB_UNKNOWN")
            let detail = try refused.json(OCIErrors.self).errors.first?.detail
            #expect(detail == [one.digest, two.digest])
            #expect(try await content.image.send("HEAD", "manifests/v1").status == 404)
            #expect(try await content.image.put(.image(config: one, layers: [])).status == 400)
            // A blob of another image does not count.
            let elsewhere = OCIDocument.image(config: content.config, layers: [])
            #expect(try await server.image("docker/b").put(elsewhere).refusal == "400 MANIFEST_BLOB_UNKNOWN")
        }
    }

    @Test func `Everything that clients push is accepted`() async throws {
        try await withOCI { server in
            let content = try await Content(server.image())
            let image = content.image
            let child = OCIDocument.image(config: content.config, layers: [content.layer])
            #expect(try await image.put(child).status == 201)
            let docker = "application/vnd.docker.distribution.manifest"
            var foreign = content.absent("foreign", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
            foreign.urls = ["https://example.com/layer"]
            let old = content.absent("old", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")
            var attestation = child.descriptor
            attestation.annotations = ["vnd.docker.reference.type": "attestation-manifest"]
            let cacheConfig = OCIDescriptor(Array("{}".utf8), mediaType: "application/vnd.buildkit.cacheconfig.v0")
            let nested = OCIDocument.index([child.descriptor])
            let empty = OCIDescriptor(Array("{}".utf8), mediaType: "application/vnd.oci.empty.v1+json")
            #expect(empty.digest == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")
            var zstd = content.layer
            zstd.mediaType = "application/vnd.oci.image.layer.v1.tar+zstd+encrypted"
            let cases: [(String, OCIDocument)] = [
                ("no layers", .image(config: content.config, layers: [])),
                ("foreign layers", .image(config: content.config, layers: [foreign, old, content.layer])),
                ("the same layer twice", .image(config: content.config, layers: [content.layer, content.layer])),
                ("unknown layer types", .image(config: content.config, layers: [zstd])),
                ("an artifact", .image(config: empty, layers: [empty], artifactType: "application/spdx+json")),
                ("docker v2s2", .image(config: content.config, layers: [], mediaType: docker + ".v2+json")),
                ("a docker list", .index([child.descriptor], mediaType: docker + ".list.v2+json")),
                ("an empty index", .index([])),
                ("a nested index", .index([nested.descriptor])),
                ("an attestation", .index([child.descriptor, attestation])),
                ("a build cache", .index([content.layer, cacheConfig])),
                ("a sparse index", .index([content.absent("member", OCIDocument.manifest)]))
            ]
            #expect(try await image.put(nested).status == 201)
            for (name, document) in cases {
                let put = try await image.put(document, at: "t")
                #expect(put.status == 201, "\(name): \(put.text)")
                let got = try await image.send("GET", "manifests/t")
                #expect(got.body == document.bytes && got["Content-Type"] == document.contentType, "\(name)")
            }
            // A foreign layer may be pushed all the same.
            try await image.push(Array("absent foreign".utf8))
        }
    }

    @Test func `A repository may be set to refuse sparse indexes`() async throws {
        try await withOCI([.oci("docker", isDefault: true, sparseIndexes: false)]) { server in
            let content = try await Content(server.image())
            let child = OCIDocument.image(config: content.config, layers: [content.layer])
            let index = OCIDocument.index([child.descriptor, content.absent("member", OCIDocument.manifest)])
            let refused = try await content.image.put(index, at: "v1")
            #expect(refused.refusal == "400 MANIFEST_BLOB_UNKNOWN")
            #expect(try refused.json(OCIErrors.self).errors.first?.detail?.count == 2)
            #expect(try await content.image.put(child).status == 201)
            #expect(try await content.image.put(.index([child.descriptor, content.layer]), at: "v1").status == 201)
        }
    }

    @Test func `What no registry should take is refused`() async throws {
        try await withOCI { server in
            let content = try await Content(server.image())
            let (config, layer) = (content.config, content.layer)
            let signed = "application/vnd.docker.distribution.manifest.v1+prettyjws"
            let both = #"{"schemaVersion":2,"config":{},"layers":[],"manifests":[]}"#
            let cases: [(OCIDocument, String)] = [
                (OCIDocument(OCIDocument.index([]).text, OCIDocument.manifest), "400 MANIFEST_INVALID"),
                (OCIDocument(#"{"schemaVersion":1,"name":"a","tag":"b"}"#, signed), "400 MANIFEST_INVALID"),
                (OCIDocument(#"{"schemaVersion":1}"#, "application/json"), "400 MANIFEST_INVALID"),
                (OCIDocument(both, OCIDocument.manifest), "400 MANIFEST_INVALID"),
                (OCIDocument("", OCIDocument.manifest), "400 MANIFEST_INVALID"),
                (OCIDocument("[]", OCIDocument.index), "400 MANIFEST_INVALID"),
                (OCIDocument("{", OCIDocument.index), "400 MANIFEST_INVALID"),
                (OCIDocument("{}", ""), "400 MANIFEST_INVALID"), (OCIDocument("{}", "nonsense"), "400 MANIFEST_INVALID")
            ]
            for (document, refusal) in cases {
                let answer = try await content.image.put(document, at: "bad")
                #expect(answer.refusal == refusal, "\(document)")
            }
            let good = OCIDocument.image(config: config, layers: [layer])
            for tag in [".x", "-x", "a%20b", "a+b", String(repeating: "a", count: 129)] {
                #expect(try await content.image.put(good, at: tag).refusal == "400 TAG_INVALID", "\(tag)")
            }
            for tag in ["_", "A.b-c_d", String(repeating: "a", count: 128)] {
                #expect(try await content.image.put(good, at: tag).status == 201, "\(tag)")
            }
            for digest in ["sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e"] {
                #expect(try await content.image.put(good, at: digest).refusal == "400 DIGEST_INVALID")
            }
        }
    }

    @Test func `Many tags come with one manifest, but not too many`() async throws {
        try await withOCI { server in
            let content = try await Content(server.image())
            let image = content.image
            let manifest = OCIDocument.image(config: content.config, layers: [])
            let tags = (1...20).map { "t\($0)" }
            func query(_ tags: [String]) -> String { "?" + tags.map { "tag=\($0)" }.joined(separator: "&") }
            let put = try await image.put(manifest, query: query(tags))
            #expect(put.status == 201 && put.all("OCI-Tag") == tags)
            for tag in tags { #expect(try await image.send("HEAD", "manifests/\(tag)").status == 200) }
            let many = try await image.put(manifest, query: query((1...65).map { "u\($0)" }))
            #expect(many.refusal == "414 TAG_INVALID")
            #expect(try await image.put(manifest, query: "?tag=ok&tag=-bad").refusal == "400 TAG_INVALID")
            for tag in ["u1", "ok"] { #expect(try await image.send("HEAD", "manifests/\(tag)").status == 404) }
            // They go with digests only.
            let byTag = try await image.put(manifest, at: "main", query: "?tag=extra")
            #expect(byTag.status == 201 && byTag.all("OCI-Tag").isEmpty)
            #expect(try await image.send("HEAD", "manifests/extra").status == 404)
        }
    }
}
