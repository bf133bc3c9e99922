import GranaryTestKit
import Testing

@Suite(.serialized) struct OCIBlobTests {
    static let content = (0..<1000).map { UInt8($0 % 251) }

    @Test func `A blob is described by HEAD as GET serves it`() async throws {
        try await withOCI { server in
            let image = server.image()
            let digest = try await image.push(Self.content).digest
            let got = try await image.send("GET", "blobs/\(digest)")
            let head = try await image.send("HEAD", "blobs/\(digest)", ["Accept-Encoding": "zstd, gzip, deflate"])
            #expect(got.body == Self.content && head.body.isEmpty)
            for answer in [got, head] {
                #expect(answer.status == 200)
                #expect(answer.all("Docker-Content-Digest") == [digest])
                #expect(answer.all("Content-Length") == ["1000"])
                #expect(answer["ETag"] == "\"\(digest)\"")
                #expect(answer["Accept-Ranges"] == "bytes")
                #expect(answer["Content-Type"] == "application/octet-stream")
                #expect(answer["Docker-Distribution-API-Version"] == "registry/2.0")
                #expect(answer["Content-Encoding"] == nil && answer["Transfer-Encoding"] == nil)
                #expect(answer["Last-Modified"]?.hasSuffix(" GMT") ?? false)
            }
        }
    }

    struct RangeCase: Sendable {
        let range: String
        let status: Int
        let contentRange: String?
        let bytes: Range<Int>
    }

    static let ranges = [
        RangeCase(range: "bytes=0-1", status: 206, contentRange: "bytes 0-1/1000", bytes: 0..<2),
        RangeCase(range: "bytes=0-", status: 206, contentRange: "bytes 0-999/1000", bytes: 0..<1000),
        RangeCase(range: "bytes=990-2000", status: 206, contentRange: "bytes 990-999/1000", bytes: 990..<1000),
        RangeCase(range: "bytes=999-999", status: 206, contentRange: "bytes 999-999/1000", bytes: 999..<1000),
        RangeCase(range: "bytes=-5", status: 206, contentRange: "bytes 995-999/1000", bytes: 995..<1000),
        RangeCase(range: "bytes=-5000", status: 206, contentRange: "bytes 0-999/1000", bytes: 0..<1000),
        RangeCase(range: "bytes=1000-", status: 416, contentRange: "bytes */1000", bytes: 0..<0),
        RangeCase(range: "bytes=-0", status: 416, contentRange: "bytes */1000", bytes: 0..<0),
        // Malformed, or of another unit: ignored.
        RangeCase(range: "bytes=5-1", status: 200, contentRange: nil, bytes: 0..<1000),
        RangeCase(range: "lines=0-1", status: 200, contentRange: nil, bytes: 0..<1000),
        RangeCase(range: "bytes=a-b", status: 200, contentRange: nil, bytes: 0..<1000)
    ]

    @Test func `Ranges of a blob are served exactly`() async throws {
        try await withOCI { server in
            let image = server.image()
            let digest = try await image.push(Self.content).digest
            for expected in Self.ranges {
                for method in ["GET", "HEAD"] {
                    let answer = try await image.send(method, "blobs/\(digest)", ["Range": expected.range])
                    #expect(answer.status == expected.status, "\(method) \(expected.range)")
                    #expect(answer["Content-Range"] == expected.contentRange)
                    #expect(answer.body == (method == "GET" ? Array(Self.content[expected.bytes]) : []))
                    #expect(answer["Content-Length"] == String(expected.bytes.count))
                    #expect(answer["Docker-Content-Digest"] == digest)
                }
            }
        }
    }

    @Test func `Several ranges come as parts of one body`() async throws {
        try await withOCI { server in
            let image = server.image()
            let content = Array("0123456789".utf8)
            let digest = try await image.push(content).digest
            let answer = try await image.send("GET", "blobs/\(digest)", ["Range": "bytes=0-1,4-5, -1"])
            #expect(answer.status == 206)
            let prefix = "multipart/byteranges; boundary="
            let type = try #require(answer["Content-Type"])
            try #require(type.hasPrefix(prefix))
            let boundary = String(type.dropFirst(prefix.count))
            func part(_ range: String, _ text: String) -> String {
                "--\(boundary)\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes \(range)/10\r\n\r\n\(text)\r\n"
            }
            #expect(answer.text == part("0-1", "01") + part("4-5", "45") + part("9-9", "9") + "--\(boundary)--\r\n")
            #expect(answer["Content-Length"] == String(answer.body.count))
        }
    }

    @Test func `Conditions on a blob are honoured`() async throws {
        try await withOCI { server in
            let image = server.image()
            let digest = try await image.push(Self.content).digest
            let tag = "\"\(digest)\""
            let cases: [(headers: [String: String], status: Int, count: Int)] = [
                (["If-None-Match": tag], 304, 0), (["If-None-Match": "\"a\", W/\(tag)"], 304, 0),
                (["If-None-Match": "*"], 304, 0), (["If-None-Match": "\"other\""], 200, 1000),
                (["If-Match": "\"other\""], 412, 0), (["If-Match": tag], 200, 1000),
                (["Range": "bytes=0-1", "If-Range": tag], 206, 2),
                (["Range": "bytes=0-1", "If-Range": "\"other\""], 200, 1000)
            ]
            for expected in cases {
                let answer = try await image.send("GET", "blobs/\(digest)", expected.headers)
                #expect(answer.status == expected.status && answer.body.count == expected.count, "\(expected)")
                #expect(answer["ETag"] == tag)
                #expect(answer["Docker-Content-Digest"] == digest)
            }
        }
    }

    @Test func `A blob of no bytes is a blob`() async throws {
        try await withOCI { server in
            let image = server.image()
            let digest = try await image.push([]).digest
            for method in ["GET", "HEAD"] {
                let answer = try await image.send(method, "blobs/\(digest)")
                #expect(answer.status == 200 && answer.all("Content-Length") == ["0"] && answer.body.isEmpty)
            }
            #expect(try await image.send("GET", "blobs/\(digest)", ["Range": "bytes=0-"]).status == 416)
            let session = try await image.openUpload()
            #expect(try await image.follow("PUT", "\(session)?digest=\(digest)").status == 201)
        }
    }

    @Test func `A blob larger than any buffer comes back whole`() async throws {
        try await withOCI { server in
            let image = server.image()
            var generator = Generator(seed: 5)
            let block = generator.bytes(lengths: 70_001...70_001)
            let content = (0..<45).flatMap { _ in block }
            let digest = try await image.push(content).digest
            #expect(try await image.send("GET", "blobs/\(digest)").body == content)
            let range = try await image.send("GET", "blobs/\(digest)", ["Range": "bytes=262143-2097153"])
            #expect(range.body == Array(content[262_143...2_097_153]))
        }
    }

    @Test func `A whole blob in one request is checked against its digest`() async throws {
        try await withOCI { server in
            let image = server.image()
            let digest = sha256(Self.content)
            let wrong = try await image.send("POST", "blobs/uploads/?digest=\(sha256([]))", body: Self.content)
            #expect(wrong.refusal == "400 DIGEST_INVALID")
            #expect(try await image.send("HEAD", "blobs/\(sha256([]))").status == 404)
            #expect(try await image.send("HEAD", "blobs/\(digest)").status == 404)
            // Clients send all kinds of types with it.
            let pushed = try await image.send(
                "POST", "blobs/uploads/?digest=\(digest)", ["Content-Type": "application/json"], body: Self.content)
            #expect(pushed.status == 201 && pushed.body.isEmpty)
            #expect(pushed["Docker-Content-Digest"] == digest)
            let location = try #require(pushed["Location"])
            #expect(location == "/v2/docker/app/blobs/\(digest)")
            #expect(try await image.follow("GET", location).body == Self.content)
        }
    }

    @Test func `SHA-512 holds from end to end`() async throws {
        try await withOCI { server in
            let image = server.image()
            let digest = sha512(Self.content)
            let session = try await image.openUpload("?digest-algorithm=sha512")
            #expect(try await image.follow("PATCH", session, body: Self.content).status == 202)
            let put = try await image.follow("PUT", "\(session)?digest=\(digest)")
            #expect(put.status == 201 && put["Docker-Content-Digest"] == digest)
            for method in ["HEAD", "GET"] {
                let answer = try await image.send(method, "blobs/\(digest)")
                #expect(answer.status == 200 && answer["Docker-Content-Digest"] == digest)
                #expect(answer["ETag"] == "\"\(digest)\"")
            }
            // The hint is a hint: any session can end with any algorithm.
            let hinted = try await image.openUpload("?digest-algorithm=sha512")
            #expect(try await image.follow("PUT", "\(hinted)?digest=\(sha256([1]))", body: [1]).status == 201)
            let plain = try await image.openUpload()
            #expect(try await image.follow("PATCH", plain, body: [2]).status == 202)
            #expect(try await image.follow("PUT", "\(plain)?digest=\(sha512([2]))").status == 201)
            let wrong = try await image.send("POST", "blobs/uploads/?digest=\(sha512([4]))", body: [3])
            #expect(wrong.refusal == "400 DIGEST_INVALID")
            let unknown = try await image.send("POST", "blobs/uploads/?digest-algorithm=md5")
            #expect(unknown.refusal == "400 DIGEST_INVALID")

            let other = server.image("docker/other")
            let mounted = try await other.send("POST", "blobs/uploads/?mount=\(digest)&from=docker/app")
            #expect(mounted.status == 201 && mounted["Docker-Content-Digest"] == digest)
            #expect(try await other.send("GET", "blobs/\(digest)").body == Self.content)
        }
    }
}
