import GranaryModel
import GranaryTestKit
import Testing

@Suite(.serialized) struct OCIDeleteTests {
    @Test func `A deleted tag is gone at once, and its manifest stays`() async throws {
        try await withOCI { server in
            let image = server.image()
            let manifest = try await image.pushImage("1", tag: "v1")
            _ = try await image.put(manifest, at: "v2")
            let deleted = try await image.send("DELETE", "manifests/v1")
            #expect(deleted.status == 202 && deleted.body.isEmpty)
            for method in ["GET", "HEAD"] {
                #expect(try await image.send(method, "manifests/v1").status == 404)
                #expect(try await image.send(method, "manifests/v2").status == 200)
                #expect(try await image.send(method, "manifests/\(manifest.digest)").status == 200)
            }
            #expect(try await image.send("GET", "tags/list").json(OCIListTests.Tags.self).tags == ["v2"])
            #expect(try await image.send("DELETE", "manifests/v1").refusal == "404 MANIFEST_UNKNOWN")
            _ = try await image.put(manifest, at: "v1")
            #expect(try await image.send("GET", "manifests/v1").status == 200)
        }
    }

    @Test func `A deleted manifest takes its tags with it, and not its members`() async throws {
        try await withOCI { server in
            let image = server.image()
            let child = try await image.pushImage("1", tag: "child")
            let index = OCIDocument.index([child.descriptor])
            for tag in ["a", "b"] { _ = try await image.put(index, at: tag) }
            #expect(try await image.send("DELETE", "manifests/\(index.digest)").status == 202)
            for reference in ["a", "b", index.digest] {
                for method in ["GET", "HEAD"] {
                    #expect(try await image.send(method, "manifests/\(reference)").status == 404)
                }
                #expect(try await image.send("DELETE", "manifests/\(reference)").refusal == "404 MANIFEST_UNKNOWN")
            }
            #expect(try await image.send("GET", "tags/list").json(OCIListTests.Tags.self).tags == ["child"])
            #expect(try await image.send("GET", "manifests/\(child.digest)").body == child.bytes)
            #expect(try await image.put(index, at: "a").status == 201)
            #expect(try await image.send("GET", "manifests/a").body == index.bytes)
        }
    }

    @Test func `A blob is deleted when no manifest of the image uses it`() async throws {
        try await withOCI { server in
            let image = server.image()
            let other = server.image("docker/other")
            let manifest = try await image.pushImage("1", tag: "v1")
            let layer = OCIDescriptor(Array("layer 1".utf8), mediaType: OCIDescriptor.layer)
            try await other.push(Array("layer 1".utf8))
            let used = try await image.send("DELETE", "blobs/\(layer.digest)")
            #expect(used.refusal == "405 UNSUPPORTED" && used["Allow"] == "GET, HEAD")
            #expect(try await image.send("HEAD", "blobs/\(layer.digest)").status == 200)
            #expect(try await image.send("DELETE", "manifests/\(manifest.digest)").status == 202)
            #expect(try await image.send("DELETE", "blobs/\(layer.digest)").status == 202)
            for method in ["GET", "HEAD"] {
                #expect(try await image.send(method, "blobs/\(layer.digest)").status == 404)
                // Another image has its own hold on it.
                #expect(try await other.send(method, "blobs/\(layer.digest)").status == 200)
            }
            #expect(try await image.send("DELETE", "blobs/\(layer.digest)").refusal == "404 BLOB_UNKNOWN")
            #expect(try await image.put(manifest, at: "v1").refusal == "400 MANIFEST_BLOB_UNKNOWN")
            try await image.push(Array("layer 1".utf8))
            #expect(try await image.put(manifest, at: "v1").status == 201)
        }
    }

    @Test func `A blob that a build cache lists is in use, too`() async throws {
        try await withOCI { server in
            let image = server.image()
            let layer = try await image.push([1, 2, 3])
            let cache = OCIDocument.index([layer])
            #expect(try await image.put(cache, at: "cache").status == 201)
            #expect(try await image.send("DELETE", "blobs/\(layer.digest)").refusal == "405 UNSUPPORTED")
            #expect(try await image.send("DELETE", "manifests/\(cache.digest)").status == 202)
            #expect(try await image.send("DELETE", "blobs/\(layer.digest)").status == 202)
        }
    }

    @Test func `Every path names its methods when it is asked with another`() async throws {
        try await withOCI { server in
            let image = server.image()
            let digest = sha256([])
            let upload = String(repeating: "0", count: 32)
            let cases: [(method: String, path: String, allow: String)] = [
                ("POST", "manifests/v1", "GET, HEAD, PUT, DELETE"), ("PATCH", "manifests/v1", "GET, HEAD, PUT, DELETE"),
                ("PUT", "blobs/\(digest)", "GET, HEAD, DELETE"), ("GET", "blobs/uploads/", "POST"),
                ("POST", "blobs/uploads/\(upload)", "GET, HEAD, PATCH, PUT, DELETE"),
                ("DELETE", "tags/list", "GET, HEAD"), ("PUT", "referrers/\(digest)", "GET, HEAD")
            ]
            for (method, path, allow) in cases {
                let answer = try await image.send(method, path)
                #expect(answer.refusal == "405 UNSUPPORTED" && answer["Allow"] == allow, "\(method) \(path)")
            }
            for path in ["", "_catalog"] {
                let answer = try await server.send("DELETE", "/v2/\(path)")
                #expect(answer.refusal == "405 UNSUPPORTED" && answer["Allow"] == "GET, HEAD")
            }
            #expect(try await server.send("PUT", "/v2/_token")["Allow"] == "GET, POST")
        }
    }

    @Test func `Written once, a tag moves no more, and the same digest again is no move`() async throws {
        try await withOCI([.oci("docker", isDefault: true, writePolicy: .once)]) { server in
            let image = server.image()
            let first = try await image.pushImage("1", tag: "v1")
            let second = try await image.pushImage("2", tag: "v2")
            #expect(try await image.put(second, at: "v1").refusal == "409 DENIED")
            #expect(try await image.put(second, query: "?tag=v3&tag=v1").refusal == "409 DENIED")
            #expect(try await image.send("HEAD", "manifests/v3").status == 404)
            #expect(try await image.send("GET", "manifests/v1").body == first.bytes)
            #expect(try await image.put(first, at: "v1").status == 201)
            #expect(try await image.pushImage("1", tag: "v1") == first)
            #expect(try await image.put(first, at: "v1.0").status == 201)
            for path in ["manifests/v1", "manifests/\(first.digest)"] {
                #expect(try await image.send("DELETE", path).refusal == "403 DENIED")
            }
        }
    }
}
