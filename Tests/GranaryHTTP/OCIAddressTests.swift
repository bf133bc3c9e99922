import GranaryModel
import GranaryTestKit
import HTTPTypes
import Testing

@Suite(.serialized) struct OCIAddressTests {
    @Test func `The default repository's images have a short name as well`() async throws {
        try await withOCI([.oci("docker", isDefault: true), .oci("prod")]) { server in
            let (long, short, prod) = (server.image("docker/x"), server.image("x"), server.image("prod/x"))
            let manifest = try await long.pushImage("1", tag: "v1")
            let got = try await short.send("GET", "manifests/v1")
            #expect(got.body == manifest.bytes)
            #expect(try await short.put(manifest, at: "v2")["Location"] == "/v2/x/manifests/\(manifest.digest)")
            #expect(try await long.send("GET", "tags/list").json(OCIListTests.Tags.self).tags == ["v1", "v2"])
            // Another repository holds nothing of it.
            #expect(try await prod.send("GET", "manifests/v1").refusal == "404 NAME_UNKNOWN")
            #expect(try await prod.put(manifest, at: "v1").refusal == "400 MANIFEST_BLOB_UNKNOWN")
            #expect(try await server.image("docker/prod/x").send("GET", "manifests/v1").status == 404)
            try await prod.pushImage("2", tag: "v1")
            #expect(try await long.send("GET", "manifests/v1").body == manifest.bytes)
            #expect(try await prod.send("GET", "tags/list").json(OCIListTests.Tags.self).name == "prod/x")
        }
    }

    @Test func `Any component may be called like a part of the API`() async throws {
        try await withOCI { server in
            let names = [
                "manifests", "blobs", "tags", "uploads", "list", "referrers", "blobs/uploads", "tags/list",
                "a/manifests/b", "a/blobs/uploads", "a/blobs/b", "manifests/manifests", "v2", "a--b/c__d/e.f/g_h"
            ]
            for name in names {
                for prefix in ["docker/", ""] {
                    let image = server.image(prefix + name)
                    let manifest = try await image.pushImage(name, tag: "uploads")
                    #expect(try await image.put(manifest, at: "list").status == 201)
                    #expect(try await image.send("GET", "manifests/uploads").body == manifest.bytes, "\(name)")
                    let tags = try await image.send("GET", "tags/list").json(OCIListTests.Tags.self)
                    #expect(tags.tags == ["list", "uploads"] && tags.name == prefix + name)
                    let session = try await image.openUpload()
                    #expect(session.hasPrefix("/v2/\(prefix)\(name)/blobs/uploads/"))
                    #expect(try await image.follow("PUT", "\(session)?digest=\(sha256([7]))", body: [7]).status == 201)
                    #expect(try await image.send("GET", "blobs/\(sha256([7]))").body == [7])
                    #expect(try await image.send("GET", "referrers/\(manifest.digest)").status == 200)
                }
            }
        }
    }

    @Test func `Names that are none are refused`() async throws {
        try await withOCI { server in
            let names = [
                "docker/Upper", "docker/a..b", "docker/-a", "docker/a_", "docker/a%20b", "docker/%C3%A9", "a%2Fb"
            ]
            for name in names + ["docker", "docker/" + String(repeating: "a/", count: 130) + "a"] {
                for (method, path) in [("GET", "manifests/v1"), ("POST", "blobs/uploads/"), ("GET", "tags/list")] {
                    let answer = try await server.image(name).send(method, path)
                    #expect(answer.refusal == "400 NAME_INVALID", "\(name)/\(path)")
                }
            }
            let long = "docker/" + String(repeating: "a", count: 248)
            #expect(try await server.image(long).send("POST", "blobs/uploads/").status == 202)
            #expect(try await server.image(long + "a").send("POST", "blobs/uploads/").status == 400)
            for path in ["docker/x", "docker/x/tags", "docker/x/manifests/", "docker/x/manifests", "x/blobs"] {
                #expect(try await server.send("GET", "/v2/\(path)").status == 404, "\(path)")
            }
        }
    }

    @Test func `Nobody finds out which private names exist`() async throws {
        try await withOCI([
            .oci("docker", isPublic: true, isDefault: true), .oci("prod")
        ]) { server in
            let manifest = try await server.image("prod/app").pushImage("1", tag: "v1")
            try await server.image("docker/app").pushImage("1", tag: "v1")
            let stranger = try await server.member("stranger")
            let layer = sha256(Array("layer 1".utf8))
            let reads = [
                "manifests/v1", "manifests/\(manifest.digest)", "blobs/\(layer)", "tags/list",
                "referrers/\(manifest.digest)"
            ]
            for path in reads {
                for method in ["GET", "HEAD"] {
                    // A name that exists, one that does not, and a repository that does not.
                    var answers: [TestAnswer] = []
                    for name in ["prod/app", "prod/none", "nosuch/app"] {
                        let answer = try await server.image(name, as: nil).send(method, path)
                        #expect(answer.status == 401, "\(method) \(name)/\(path)")
                        #expect(answer["WWW-Authenticate"]?.contains("\"repository:\(name):pull") ?? false)
                        answers.append(answer)
                    }
                    #expect(Set(answers.map { "\($0.headers.map(\.name)) \($0.text)" }).count == 1)
                    var known: [TestAnswer] = []
                    // A list of referrers is empty for what does not exist; everything else is not found.
                    let status = path.hasPrefix("referrers/") ? 200 : 404
                    for name in ["prod/app", "prod/none", "nosuch/app"] {
                        let answer = try await server.image(name, as: stranger).send(method, path)
                        #expect(answer.status == status, "\(method) \(name)/\(path)")
                        known.append(answer)
                    }
                    #expect(Set(known.map(\.text)).count == 1)
                }
            }
            for name in ["prod", "nosuch"] {
                let answer = try await server.send("GET", "/v2/\(name)/manifests/x", authorization: nil)
                #expect(answer.status == 401, "an address without an image")
            }
            // What is public tells the truth.
            #expect(try await server.image("app", as: nil).send("GET", "manifests/v1").status == 200)
            #expect(try await server.image("docker/none", as: nil).send("GET", "manifests/v1").status == 404)
        }
    }

    @Test func `A write without the right is refused alike for every name`() async throws {
        try await withOCI([.oci("docker", isPublic: true, isDefault: true), .oci("prod")]) { server in
            let manifest = try await server.image("prod/app").pushImage("1", tag: "v1")
            try await server.image("docker/app").pushImage("1", tag: "v1")
            let reader = try await server.member("reader", .read, on: "prod", package: "app")
            let writes = [
                ("POST", "blobs/uploads/"), ("POST", "blobs/uploads/?digest=\(sha256([]))"), ("PUT", "manifests/v1"),
                ("DELETE", "manifests/v1"), ("DELETE", "manifests/\(manifest.digest)"),
                ("PATCH", "blobs/uploads/\(String(repeating: "0", count: 32))")
            ]
            for (method, path) in writes {
                var refusals: Set<String> = []
                for name in ["prod/app", "prod/none", "docker/app", "none"] {
                    let known = try await server.image(name, as: reader).send(method, path, body: manifest.bytes)
                    #expect(known.refusal == "403 DENIED", "\(method) \(name)/\(path)")
                    let unknown = try await server.image(name, as: nil).send(method, path, body: manifest.bytes)
                    #expect(unknown.refusal == "401 UNAUTHORIZED", "\(method) \(name)/\(path)")
                    refusals.insert(known.text + unknown.text)
                }
                #expect(refusals.count == 1)
            }
            #expect(try await server.image("prod/app", as: reader).send("GET", "manifests/v1").status == 200)
            #expect(try await server.image("prod/none", as: reader).send("GET", "manifests/v1").status == 404)
        }
    }
}
