import GranaryModel
import GranaryTestKit
import Testing

@Suite("Generic files over HTTP: up and down")
struct GenericTransferTests {
    @Test("A file goes up, comes down, and goes away")
    func roundTrip() async throws {
        try await withFiles { server in
            let put = try await server.send("PUT", "/generic/files/a/b.bin", body: "hello".bytes)
            #expect(put.status == 201)
            #expect(put["Location"] == "\(server.origin)/generic/files/a/b.bin")
            #expect(put["ETag"] == "\"\(Hash.sha256("hello"))\"")
            #expect(put["X-Checksum-Sha256"] == Hash.sha256("hello"))
            #expect(put.text.contains(#""size":"5""#))
            let again = try await server.send("PUT", "/generic/files/a/b.bin", body: "hello".bytes)
            #expect(again.status == 200)
            let other = try await server.send("PUT", "/generic/files/a/b.bin", body: "other".bytes)
            #expect(other.status == 201)
            let get = try await server.send("GET", "/generic/files/a/b.bin")
            #expect(get.status == 200 && get.text == "other")
            #expect(try await server.send("DELETE", "/generic/files/a/b.bin").status == 204)
            #expect(try await server.send("DELETE", "/generic/files/a/b.bin").status == 404)
            #expect(try await server.send("GET", "/generic/files/a/b.bin").status == 404)
            #expect(try await server.send("GET", "/generic/files/a/?list").status == 404)
        }
    }

    @Test("A download says all that is known of the file, and HEAD says the same")
    func headers() async throws {
        try await withFiles { server in
            try await server.put("files/dir/page.html", "<p>hi</p>")
            let get = try await server.send("GET", "/generic/files/dir/page.html")
            let head = try await server.send("HEAD", "/generic/files/dir/page.html")
            #expect(head.status == 200 && head.body.isEmpty)
            let expected = [
                "Content-Length": "9", "Content-Type": "text/html; charset=utf-8", "Accept-Ranges": "bytes",
                "ETag": "\"\(Hash.sha256("<p>hi</p>"))\"", "X-Checksum-Sha1": Hash.sha1("<p>hi</p>"),
                "X-Checksum-Md5": Hash.md5("<p>hi</p>"), "X-Checksum-Sha512": Hash.sha512("<p>hi</p>"),
                "Content-Disposition": "attachment; filename=\"page.html\"", "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": "no-cache"
            ]
            for (name, value) in expected {
                #expect(get[name] == value, "\(name)")
                #expect(head[name] == value, "\(name)")
            }
            #expect(get["Last-Modified"]?.hasSuffix(" GMT") == true)
        }
    }

    @Test("An empty file is a file")
    func empty() async throws {
        try await withFiles { server in
            #expect(try await server.send("PUT", "/generic/files/empty", body: []).status == 201)
            let get = try await server.send("GET", "/generic/files/empty", ["Range": "bytes=0-"])
            #expect(get.status == 416 && get["Content-Range"] == "bytes */0")
            let head = try await server.send("HEAD", "/generic/files/empty")
            #expect(head["Content-Length"] == "0" && head["ETag"] == "\"\(Hash.sha256(""))\"")
        }
    }

    @Test("A body without a length is taken whole")
    func chunked() async throws {
        try await withFiles { server async throws in
            let head = "PUT /generic/files/c HTTP/1.1\r\nTransfer-Encoding: chunked"
            #expect(
                try await server.rawStatus(head, body: "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n".bytes)
                    == 201)
            #expect(try await server.send("GET", "/generic/files/c").text == "abcde")
        }
    }

    @Test("A file of some megabytes keeps every byte")
    func large() async throws {
        try await withFiles { server in
            var generator = Generator(seed: 5)
            let bytes = generator.bytes(lengths: 3_000_001...3_000_001)
            #expect(try await server.send("PUT", "/generic/files/big", body: bytes).status == 201)
            #expect(try await server.send("GET", "/generic/files/big").body == bytes)
            let part = try await server.send("GET", "/generic/files/big", ["Range": "bytes=262140-1048580"])
            #expect(part.status == 206 && part.body == Array(bytes[262_140...1_048_580]))
        }
    }

    struct RangeCase: Sendable {
        let range: String
        let status: Int
        var contentRange: String?
        let body: String
    }

    private static let ranges: [RangeCase] = [
        RangeCase(range: "bytes=2-4", status: 206, contentRange: "bytes 2-4/10", body: "234"),
        RangeCase(range: "bytes=7-", status: 206, contentRange: "bytes 7-9/10", body: "789"),
        RangeCase(range: "bytes=-3", status: 206, contentRange: "bytes 7-9/10", body: "789"),
        RangeCase(range: "bytes=-99", status: 206, contentRange: "bytes 0-9/10", body: "0123456789"),
        RangeCase(range: "bytes=5-99", status: 206, contentRange: "bytes 5-9/10", body: "56789"),
        RangeCase(range: "bytes=10-", status: 416, contentRange: "bytes */10", body: ""),
        RangeCase(range: "bytes=-0", status: 416, contentRange: "bytes */10", body: ""),
        RangeCase(range: "bytes=4-2", status: 200, body: "0123456789"),
        RangeCase(range: "bytes=a-b", status: 200, body: "0123456789"),
        RangeCase(range: "bytes=", status: 200, body: "0123456789"),
        RangeCase(range: "bytes=-", status: 200, body: "0123456789"),
        RangeCase(range: "lines=1-2", status: 200, body: "0123456789"),
        RangeCase(range: "bytes=99999999999999999999-", status: 200, body: "0123456789"),
        RangeCase(range: "bytes=0-9223372036854775807", status: 206, contentRange: "bytes 0-9/10", body: "0123456789"),
        RangeCase(range: "bytes=-9223372036854775807", status: 206, contentRange: "bytes 0-9/10", body: "0123456789"),
        RangeCase(
            range: "bytes=" + Array(repeating: "0-", count: 900).joined(separator: ","), status: 200,
            body: "0123456789")
    ]

    @Test("A range is served as asked, refused when it lies beyond the end, and ignored when it is nonsense")
    func ranges() async throws {
        try await withFiles { server in
            try await server.put("files/digits", "0123456789")
            for example in Self.ranges {
                let answer = try await server.send("GET", "/generic/files/digits", ["Range": example.range])
                #expect(answer.status == example.status, "\(example)")
                #expect(answer["Content-Range"] == example.contentRange, "\(example)")
                #expect(answer.text == example.body, "\(example)")
                #expect(answer["Content-Length"] == String(example.body.utf8.count), "\(example)")
            }
        }
    }

    @Test("Several ranges come in parts, each with its place")
    func multipart() async throws {
        try await withFiles { server in
            try await server.put("files/digits.txt", "0123456789")
            let answer = try await server.send("GET", "/generic/files/digits.txt", ["Range": "bytes=0-1, 8-8"])
            #expect(answer.status == 206)
            let type = try #require(answer["Content-Type"])
            let boundary = try #require(type.split(separator: "boundary=").last)
            #expect(type.hasPrefix("multipart/byteranges; "))
            let part = "Content-Type: text/plain; charset=utf-8\r\nContent-Range: bytes"
            #expect(
                answer.text
                    == "--\(boundary)\r\n\(part) 0-1/10\r\n\r\n01\r\n--\(boundary)\r\n\(part) 8-8/10\r\n\r\n8\r\n"
                    + "--\(boundary)--\r\n")
            #expect(answer["Content-Length"] == String(answer.body.count))
        }
    }

    @Test("A body is asked for only once it is sure to be wanted")
    func expectations() async throws {
        try await withFiles(["files": RepositorySettings()]) { server in
            let credentials = TestServer.basic(TestServer.administrator.user, TestServer.administrator.password)
            let head = "Host: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n"
            try await server.connect { connection in
                try await connection.send(
                    "PUT /generic/files/e HTTP/1.1\r\n\(head)Authorization: \(credentials)\r\n\r\n")
                let interim = try await connection.receive { $0.count >= 25 }
                #expect(String(decoding: interim, as: UTF8.self) == "HTTP/1.1 100 Continue\r\n\r\n")
                try await connection.send("hello")
                let all = try await connection.receive { statusCode(Array($0.dropFirst(25))) != 0 }
                #expect(statusCode(Array(all.dropFirst(25))) == 201)
            }
            try await server.connect { connection in
                try await connection.send("PUT /generic/files/e HTTP/1.1\r\n\(head)\r\n")
                #expect(statusCode(try await connection.receive { statusCode($0) != 0 }) == 401)
            }
        }
    }

    @Test("Requests in a row on one connection each get their answer")
    func pipelining() async throws {
        try await withFiles(["files": RepositorySettings(anonymousRead: true)]) { server in
            try await server.put("files/one", "first")
            try await server.put("files/two", "second")
            let requests = ["one", "nothing", "two"].map { "GET /generic/files/\($0) HTTP/1.1\r\nHost: h\r\n\r\n" }
            try await server.connect { connection in
                try await connection.send(requests.joined())
                let answer = try await connection.receive { String(decoding: $0, as: UTF8.self).hasSuffix("second") }
                let text = String(decoding: answer, as: UTF8.self)
                #expect(text.contains("first") && text.contains("404 Not Found") && text.hasSuffix("second"))
            }
        }
    }
}
