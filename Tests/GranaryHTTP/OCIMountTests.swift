import GranaryModel
import GranaryTestKit
import HTTPTypes
import Testing

@Suite(.serialized) struct OCIMountTests {
    private static let content = Array("shared layer".utf8)

    @Test func `A blob is taken over from an image the caller may read`() async throws {
        try await withOCI([.oci("docker", isDefault: true), .oci("prod")]) { server in
            let digest = try await server.image("docker/base").push(Self.content).digest
            for (target, source) in [("docker/app", "docker/base"), ("app2", "base"), ("prod/app", "docker/base")] {
                let image = server.image(target)
                #expect(try await image.send("HEAD", "blobs/\(digest)").status == 404)
                let answer = try await image.send("POST", "blobs/uploads/?mount=\(digest)&from=\(source)")
                #expect(answer.status == 201 && answer["Docker-Content-Digest"] == digest)
                #expect(answer["Location"] == "/v2/\(target)/blobs/\(digest)" && answer["Range"] == nil)
                #expect(try await image.send("HEAD", "blobs/\(digest)").status == 200)
                #expect(try await image.send("GET", "blobs/\(digest)").body == Self.content)
            }
            // From the image itself, or encoded as clients write it.
            for from in ["docker/base", "docker%2Fbase"] {
                let again = try await server.image("docker/base")
                    .send("POST", "blobs/uploads/?from=\(from)&mount=\(digest)")
                #expect(again.status == 201)
            }
        }
    }

    @Test func `A blob that cannot be taken over is uploaded, and nobody learns why`() async throws {
        try await withOCI { server in
            let user = try await server.member("dev", [.read, .write], package: "mine/**")
            let digest = try await server.image("docker/secret").push(Self.content).digest
            let absent = sha256([0])
            let mine = server.image("docker/mine/app", as: user)
            let queries = [
                "?mount=\(digest)&from=docker/secret", "?mount=\(digest)&from=docker/none", "?mount=\(digest)",
                "?mount=\(absent)&from=docker/secret", "?mount=\(absent)", "?mount=\(absent)&from=docker/mine/app",
                "?mount=\(digest)&from=UPPER", "?mount=\(digest)&from=", "?mount=\(digest)&from=nosuch/x",
                "?mount=\(sha512(Self.content))&from=docker/secret"
            ]
            for query in queries {
                let answer = try await mine.send("POST", "blobs/uploads/\(query)")
                #expect(answer.status == 202 && answer["Range"] == "0-0" && answer.body.isEmpty, "\(query)")
                let names = answer.headers.map(\.name.canonicalName).sorted()
                let ordinary = try await mine.send("POST", "blobs/uploads/")
                #expect(names == ordinary.headers.map(\.name.canonicalName).sorted())
                let session = try #require(answer["Location"])
                #expect(try await mine.follow("DELETE", session).status == 204)
            }
            for method in ["HEAD", "GET"] {
                #expect(try await mine.send(method, "blobs/\(digest)").status == 404)
                let ranged = try await mine.send(method, "blobs/\(digest)", ["Range": "bytes=0-1"])
                #expect(ranged.status == 404)
            }
            let session = try #require(try await mine.send("POST", "blobs/uploads/" + queries[0])["Location"])
            #expect(try await mine.follow("PUT", "\(session)?digest=\(digest)", body: Self.content).status == 201)
            let malformed = try await mine.send("POST", "blobs/uploads/?mount=sha256:1&from=docker/secret")
            #expect(malformed.refusal == "400 DIGEST_INVALID")
        }
    }

    @Test func `Without a source, what the caller may read anywhere is taken over`() async throws {
        try await withOCI([.oci("docker", isDefault: true), .oci("open", isPublic: true)]) { server in
            let user = try await server.member("dev", [.read, .write], package: "mine/**")
            let hidden = try await server.image("docker/secret").push(Self.content).digest
            let open = try await server.image("open/base").push([1, 2, 3]).digest
            let mine = server.image("docker/mine/app", as: user)
            #expect(try await mine.send("POST", "blobs/uploads/?mount=\(hidden)").status == 202)
            #expect(try await mine.send("POST", "blobs/uploads/?mount=\(open)").status == 201)
            #expect(try await mine.send("GET", "blobs/\(open)").body == [1, 2, 3])
            // Once it is nowhere, nothing is taken over.
            let brief = try await server.image("open/brief").push([4, 5]).digest
            #expect(try await server.image("open/brief").send("DELETE", "blobs/\(brief)").status == 202)
            #expect(try await mine.send("POST", "blobs/uploads/?mount=\(brief)").status == 202)
        }
    }

    @Test func `A token must reach the source as well as the target`() async throws {
        try await withOCI { server in
            let digest = try await server.image("docker/base").push(Self.content).digest
            let query = "blobs/uploads/?mount=\(digest)&from=docker/base"
            let target = "repository:docker/app:pull,push"
            let short = try await OCITokenTests.bearer(server, target, as: TestServer.adminBasic)
            #expect(try await server.image(as: short).send("POST", query).status == 202)
            let both = try await OCITokenTests.bearer(
                server, target, "repository:docker/base:pull", as: TestServer.adminBasic)
            #expect(try await server.image(as: both).send("POST", query).status == 201)
            let source = try await OCITokenTests.bearer(
                server, "repository:docker/base:pull", as: TestServer.adminBasic)
            #expect(try await server.image(as: source).send("POST", query).refusal == "401 UNAUTHORIZED")
        }
    }
}
