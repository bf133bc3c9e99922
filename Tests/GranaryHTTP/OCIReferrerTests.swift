import GranaryTestKit
import Testing

@Suite(.serialized) struct OCIReferrerTests {
    struct List: Decodable {
        let schemaVersion: Int
        let mediaType: String
        let manifests: [OCIDescriptor]
    }

    /// An image with a manifest that others can refer to.
    struct Subject: Sendable {
        let image: OCIImage
        let empty: OCIDescriptor
        let subject: OCIDocument

        init(_ image: OCIImage) async throws {
            self.image = image
            empty = try await image.push(Array("{}".utf8), mediaType: "application/vnd.oci.empty.v1+json")
            subject = try await image.pushImage("subject", tag: "v1")
        }

        func artifact(_ number: Int, type: String = "application/a") -> OCIDocument {
            .image(
                config: empty, layers: [empty], artifactType: type, subject: subject.descriptor,
                annotations: ["number": String(number)])
        }

        func list(_ query: String = "") async throws -> (answer: TestAnswer, manifests: [OCIDescriptor]) {
            let answer = try await image.send("GET", "referrers/\(subject.digest)\(query)")
            #expect(answer.status == 200 && answer["Content-Type"] == OCIDocument.index, "\(answer.text)")
            let list = try answer.json(List.self)
            #expect(list.schemaVersion == 2 && list.mediaType == OCIDocument.index)
            return (answer, list.manifests)
        }
    }

    @Test func `A manifest with a subject shows among its referrers, whichever came first`() async throws {
        try await withOCI { server in
            let early = try await Subject(server.image())
            let first = early.artifact(1)
            let put = try await early.image.put(first)
            #expect(put.status == 201 && put.all("OCI-Subject") == [early.subject.digest])
            var expected = first.descriptor
            expected.artifactType = "application/a"
            expected.annotations = ["number": "1"]
            #expect(try await early.list().manifests == [expected])

            let image = server.image("docker/late")
            let config = try await image.push(Array("{}".utf8), mediaType: OCIDescriptor.config)
            let subject = OCIDocument.image(config: config, layers: [])
            let signature = OCIDocument.image(config: config, layers: [], subject: subject.descriptor)
            #expect(try await image.put(signature)["OCI-Subject"] == subject.digest)
            let path = "referrers/\(subject.digest)"
            for _ in 1...2 {
                let list = try await image.send("GET", path).json(List.self)
                // Without an artifact type of its own it has that of its configuration.
                #expect(list.manifests.map(\.digest) == [signature.digest])
                #expect(list.manifests.first?.artifactType == OCIDescriptor.config)
                #expect(try await image.put(subject).status == 201)
            }
            let index = OCIDocument.index([], subject: subject.descriptor)
            #expect(try await image.put(index)["OCI-Subject"] == subject.digest)
            let both = try await image.send("GET", path).json(List.self).manifests
            #expect(both.count == 2 && both.first { $0.digest == index.digest }?.artifactType == nil)
            #expect(try await image.send("DELETE", "manifests/\(index.digest)").status == 202)
            #expect(try await image.send("GET", path).json(List.self).manifests.count == 1)
        }
    }

    @Test func `A list is there for anything that can be a subject`() async throws {
        try await withOCI { server in
            try await server.image().pushImage("1")
            let zeros = "sha256:" + String(repeating: "0", count: 64)
            for name in ["docker/app", "docker/never"] {
                let answer = try await server.image(name).send("GET", "referrers/\(zeros)")
                #expect(answer.status == 200 && answer["Content-Type"] == OCIDocument.index)
                #expect(try answer.json(List.self).manifests.isEmpty)
                #expect(answer["Link"] == nil && answer["OCI-Filters-Applied"] == nil)
                let head = try await server.image(name).send("HEAD", "referrers/\(zeros)")
                #expect(head.status == 200 && head["Content-Length"] == answer["Content-Length"])
            }
            for bad in ["sha256:abc", "latest", "md5:00"] {
                #expect(try await server.image().send("GET", "referrers/\(bad)").refusal == "400 DIGEST_INVALID")
            }
        }
    }

    @Test func `Referrers are filtered by type and come in pages that lose none`() async throws {
        try await withOCI { server in
            let subject = try await Subject(server.image())
            var all: [String: [String]] = [:]
            for number in 0..<11 {
                let type = number % 3 == 0 ? "application/a+json" : "application/b"
                let artifact = subject.artifact(number, type: type)
                #expect(try await subject.image.put(artifact).status == 201)
                all[type, default: []].append(artifact.digest)
            }
            let everything = all.values.flatMap(\.self).sorted()
            #expect(try await subject.list().manifests.map(\.digest) == everything)
            // A '+' that a client did not encode counts as one.
            for filter in ["application/a%2Bjson", "application/a+json"] {
                let filtered = try await subject.list("?artifactType=\(filter)")
                #expect(filtered.manifests.map(\.digest) == all["application/a+json"]?.sorted())
                #expect(filtered.answer.all("OCI-Filters-Applied") == ["artifactType"])
            }
            #expect(try await subject.list("?artifactType=application/none").manifests.isEmpty)
            for filter in ["", "&artifactType=application/b", "&artifactType=application/a%2Bjson"] {
                for size in [1, 3, 4, 11] {
                    var found: [String] = []
                    var next: String? = "?n=\(size)\(filter)"
                    while let query = next {
                        let page = try await subject.list(query)
                        #expect((1...size).contains(page.manifests.count))
                        if !filter.isEmpty { #expect(page.answer["OCI-Filters-Applied"] == "artifactType") }
                        found += page.manifests.map(\.digest)
                        next = try page.answer.nextPage(of: "/v2/docker/app/referrers/\(subject.subject.digest)")
                    }
                    let type = filter.contains("/b") ? "application/b" : "application/a+json"
                    #expect(found == (filter.isEmpty ? everything : all[type]?.sorted()), "n=\(size) \(filter)")
                }
            }
        }
    }

    @Test func `What old clients wrote under a fallback tag is folded in`() async throws {
        try await withOCI { server in
            let subject = try await Subject(server.image())
            let image = subject.image
            let known = subject.artifact(1)
            #expect(try await image.put(known).status == 201)
            // Pushed without a subject, as a client does that keeps the list itself.
            let listed = OCIDocument.image(config: subject.empty, layers: [], artifactType: "application/old")
            #expect(try await image.put(listed).status == 201)
            var descriptor = listed.descriptor
            descriptor.artifactType = "application/old"
            descriptor.annotations = ["a": "b"]
            let deleted = OCIDescriptor(Array("gone".utf8), mediaType: OCIDocument.manifest)
            let tag = "sha256-" + subject.subject.digest.dropFirst("sha256:".count)
            let fallback = OCIDocument.index([known.descriptor, descriptor, deleted])
            #expect(try await image.put(fallback, at: tag).status == 201)
            let digests = [known.digest, listed.digest].sorted()
            let found = try await subject.list().manifests
            #expect(found.map(\.digest) == digests && found.contains(descriptor))
            #expect(try await subject.list("?artifactType=application/old").manifests == [descriptor])
            let first = try await subject.list("?n=1")
            #expect(first.manifests.map(\.digest) == [digests[0]])
            let next = try #require(
                try first.answer.nextPage(of: "/v2/docker/app/referrers/\(subject.subject.digest)"))
            let second = try await subject.list(next)
            #expect(second.manifests.map(\.digest) == [digests[1]] && second.answer["Link"] == nil)
        }
    }

    @Test func `Of twenty clients that attach at once none is lost`() async throws {
        try await withOCI { server in
            let subject = try await Subject(server.image())
            let artifacts = (0..<20).map { subject.artifact($0) }
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for artifact in artifacts { group.addTask { try await subject.image.put(artifact).status } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses == [Int](repeating: 201, count: 20))
            #expect(try await subject.list().manifests.map(\.digest) == artifacts.map(\.digest).sorted())
        }
    }
}

extension TestAnswer {
    /// The query of the next page; nil where there is none. It must be a path on this server, `path` and a query.
    func nextPage(of path: String) throws -> String? {
        guard let link = self["Link"] else { return nil }
        try #require(link.hasPrefix("<\(path)?") && link.hasSuffix(#">; rel="next""#), "\(link)")
        return String(link.dropFirst(path.count + 1).dropLast(#">; rel="next""#.count))
    }
}
