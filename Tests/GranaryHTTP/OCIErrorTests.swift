import FoundationEssentials
import GranaryTestKit
import Testing

@Suite(.serialized) struct OCIErrorTests {
    struct Case: Sendable {
        let method: String
        let path: String
        var headers: [String: String] = [:]
        var body: String?
        let refusal: String

        init(
            _ method: String, _ path: String, _ refusal: String, headers: [String: String] = [:], body: String? = nil
        ) {
            self.method = method
            self.path = path
            self.refusal = refusal
            self.headers = headers
            self.body = body
        }
    }

    private static let zeros = "sha256:" + String(repeating: "0", count: 64)
    private static let session = String(repeating: "0", count: 32)

    /// Asked of the image `docker/app`, which has a manifest `v1` and nothing else.
    static let cases = [
        Case("GET", "manifests/none", "404 MANIFEST_UNKNOWN"),
        Case("GET", "manifests/\(zeros)", "404 MANIFEST_UNKNOWN"),
        Case("GET", "manifests/sha256:abc", "400 DIGEST_INVALID"), Case("GET", "manifests/.x", "404 MANIFEST_UNKNOWN"),
        Case("DELETE", "manifests/none", "404 MANIFEST_UNKNOWN"),
        Case("DELETE", "manifests/\(zeros)", "404 MANIFEST_UNKNOWN"),
        Case("PUT", "manifests/v2", "400 MANIFEST_INVALID", body: "no JSON"),
        Case("PUT", "manifests/v2", "400 MANIFEST_INVALID", headers: ["Content-Type": OCIDocument.index], body: "[]"),
        Case(
            "PUT", "manifests/v2", "400 MANIFEST_BLOB_UNKNOWN", headers: ["Content-Type": OCIDocument.manifest],
            body: #"{"config":{"mediaType":"a/b","digest":"\#(zeros)","size":1},"layers":[]}"#),
        Case("PUT", "manifests/\(zeros)", "400 DIGEST_INVALID", headers: ["Content-Type": "a/b"], body: "{}"),
        Case("GET", "blobs/\(zeros)", "404 BLOB_UNKNOWN"), Case("GET", "blobs/abc", "400 DIGEST_INVALID"),
        Case("DELETE", "blobs/\(zeros)", "404 BLOB_UNKNOWN"), Case("GET", "blobs/SHA256:AB", "400 DIGEST_INVALID"),
        Case("POST", "blobs/uploads/?digest=abc", "400 DIGEST_INVALID", body: "x"),
        Case("POST", "blobs/uploads/?digest=\(zeros)", "400 DIGEST_INVALID", body: "x"),
        Case("POST", "blobs/uploads/?mount=abc", "400 DIGEST_INVALID"),
        Case("GET", "blobs/uploads/\(session)", "404 BLOB_UPLOAD_UNKNOWN"),
        Case("PATCH", "blobs/uploads/\(session)", "404 BLOB_UPLOAD_UNKNOWN", body: "x"),
        Case("PUT", "blobs/uploads/\(session)?digest=\(zeros)", "404 BLOB_UPLOAD_UNKNOWN", body: "x"),
        Case("PUT", "blobs/uploads/\(session)", "400 DIGEST_INVALID", body: "x"),
        Case("DELETE", "blobs/uploads/\(session)", "404 BLOB_UPLOAD_UNKNOWN"),
        Case("GET", "tags/list?n=x", "400 PAGINATION_NUMBER_INVALID"), Case("GET", "tags/none", "404 UNSUPPORTED"),
        Case("GET", "referrers/abc", "400 DIGEST_INVALID"), Case("POST", "tags/list", "405 UNSUPPORTED"),
        Case("GET", "tags%2Flist", "400 NAME_INVALID"),
        Case("GET", "../other/tags/list", "400 NAME_INVALID"), Case("GET", "/tags/list", "400 NAME_INVALID")
    ]

    @Test func `Every refusal has its status and code in the specification's body`() async throws {
        try await withOCI { server in
            let image = server.image()
            try await image.pushImage("1", tag: "v1")
            for expected in Self.cases {
                let answer = try await image.send(
                    expected.method, expected.path, expected.headers, body: expected.body.map { Array($0.utf8) })
                #expect(answer.refusal == expected.refusal, "\(expected.method) \(expected.path)")
                #expect(answer["Docker-Distribution-API-Version"] == "registry/2.0")
                #expect(answer["Content-Length"] == String(answer.body.count))
                let message = try answer.json(OCIErrors.self).errors.first?.message ?? ""
                #expect(!message.isEmpty)
                guard expected.method == "GET" else { continue }
                let head = try await image.send("HEAD", expected.path, expected.headers)
                #expect(head.status == answer.status && head.body.isEmpty, "HEAD \(expected.path)")
            }
        }
    }

    @Test func `Paths that no client library sends are refused in the same words`() async throws {
        try await withOCI { server in
            let paths = [
                "docker/a/manifests/%ff", "docker/a/manifests/%C3%28", "docker/a/blobs/%", "docker/%2e%2e/tags/list"
            ]
            for path in paths {
                let request =
                    "GET /v2/\(path) HTTP/1.1\r\nHost: localhost\r\nAuthorization: \(TestServer.adminBasic)\r\n"
                let answer = try await server.raw(
                    Array("\(request)Connection: close\r\n\r\n".utf8), patience: .seconds(20))
                let text = String(decoding: answer, as: UTF8.self)
                #expect(text.hasPrefix("HTTP/1.1 400 ") && text.contains(#""code":"NAME_INVALID""#), "\(text)")
            }
        }
    }

    @Test func `An image that was never written is an unknown name`() async throws {
        try await withOCI { server in
            let image = server.image("docker/never")
            for path in ["manifests/v1", "manifests/\(Self.zeros)", "blobs/\(Self.zeros)", "tags/list"] {
                let answer = try await image.send("GET", path)
                #expect(answer.refusal == "404 NAME_UNKNOWN", "\(path)")
            }
            for path in ["manifests/v1", "manifests/\(Self.zeros)", "blobs/\(Self.zeros)"] {
                let answer = try await image.send("DELETE", path)
                #expect(answer.refusal == "404 NAME_UNKNOWN", "\(path)")
            }
        }
    }

    @Test func `Without a default repository the first component must name one`() async throws {
        try await withOCI([.oci("prod")]) { server in
            let known = try await server.send("GET", "/v2/nosuch/app/manifests/v1")
            #expect(known.refusal == "404 NAME_UNKNOWN")
            let unknown = try await server.send("GET", "/v2/nosuch/app/manifests/v1", authorization: nil)
            #expect(unknown.refusal == "401 UNAUTHORIZED")
            #expect(try await server.send("GET", "/v2/nosuch").refusal == "404 NAME_UNKNOWN")
        }
    }

    @Test func `Bytes that the server has lost are told as its own fault, in the same words`() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        try await runOCI(in: folder) { server in
            let image = server.image()
            let manifest = try await image.pushImage("1", tag: "v1")
            let hex = manifest.digest.dropFirst("sha256:".count)
            try FileManager.default.removeItem(atPath: "\(folder.path)/blobs/sha256/\(hex.prefix(2))/\(hex)")
            let answer = try await image.send("GET", "manifests/v1")
            #expect(answer.refusal == "503 UNAVAILABLE")
            #expect(answer["Retry-After"] != nil && answer["ETag"] == nil && answer["Docker-Content-Digest"] == nil)
        }
    }
}
