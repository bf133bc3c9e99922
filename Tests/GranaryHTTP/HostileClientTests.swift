import FoundationEssentials
import GranaryHTTP
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Hostile input: slow, endless and nosy clients")
struct HostileClientTests {
    private static let credentials =
        "Authorization: \(TestServer.basic(TestServer.administrator.user, TestServer.administrator.password))\r\n"

    @Test("A body that trickles is refused, and nothing of it is stored")
    func trickle() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        try await withFiles(in: folder, patience: .milliseconds(500)) { server in
            let answer = try await server.connect { connection in
                try await connection.send(
                    "PUT /generic/files/a HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\(Self.credentials)\r\n")
                for _ in 0..<100 where !connection.isClosed {
                    try? await connection.send("x")
                    try await Task.sleep(for: .milliseconds(50))
                }
                return try await connection.receive { statusCode($0) != 0 }
            }
            #expect(statusCode(answer) == 408)
            #expect(try await server.list("files/")?.names == [])
            #expect(folder.uploads == [] && folder.blobs == [])
        }
    }

    private static let stalls = [
        "", "GET / HT", "GET / HTTP/1.1\r\nHost: h\r\nX-",
        "PUT /generic/files/a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\(credentials)\r\nabc"
    ]

    @Test("Who says nothing more is not waited for", arguments: stalls)
    func stall(_ beginning: String) async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        try await withFiles(in: folder, idleTimeout: .milliseconds(800)) { server in
            let isClosed = try await server.connect { connection in
                // On a busy machine the time may be over before the first byte.
                try? await connection.send(beginning)
                _ = try await connection.receive(patience: .seconds(15))
                return connection.isClosed
            }
            #expect(isClosed)
            for _ in 0..<500 where folder.uploads != [] { try await Task.sleep(for: .milliseconds(10)) }
            #expect(folder.uploads == [] && folder.blobs == [])
        }
    }

    @Test("Headers that trickle are not waited for, either")
    func slowHeaders() async throws {
        try await withFiles(idleTimeout: .milliseconds(800)) { server in
            let isClosed = try await server.connect { connection in
                // On a busy machine the time may be over before the first byte.
                try? await connection.send("GET / HTTP/1.1\r\nHost: h\r\n")
                for number in 0..<150 where !connection.isClosed {
                    try? await connection.send("X-\(number): y\r\n")
                    try await Task.sleep(for: .milliseconds(100))
                }
                return connection.isClosed
            }
            #expect(isClosed)
        }
    }

    @Test("Who goes on sending what was refused is cut off")
    func endless() async throws {
        try await withFiles(patience: .milliseconds(500)) { server in
            let (answer, isClosed) = try await server.connect { connection in
                try await connection.send(
                    "PUT /generic/files/a HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000000\r\n\r\n")
                for _ in 0..<200 where !connection.isClosed {
                    try? await connection.send([UInt8](repeating: 0, count: 1000))
                    try await Task.sleep(for: .milliseconds(50))
                }
                return (try await connection.receive(), connection.isClosed)
            }
            #expect(statusCode(answer) == 401)
            #expect(isClosed)
        }
    }

    @Test("A body that was refused and comes to its end leaves the connection usable")
    func drained() async throws {
        try await withFiles { server in
            try await server.connect { connection in
                let refused = "PUT /generic/files/a HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n".bytes
                try await connection.send(refused + [UInt8](repeating: 120, count: 300_000))
                try await connection.send("GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n")
                let answer = try await connection.receive { String(decoding: $0, as: UTF8.self).hasSuffix("ready\n") }
                let text = String(decoding: answer, as: UTF8.self)
                #expect(statusCode(answer) == 401 && text.contains("HTTP/1.1 200 OK") && text.hasSuffix("ready\n"))
            }
        }
    }

    private static let authorizations = [
        "", "Basic", "Basic ", "Basic !!!", "Basic YWRtaW4=", "Basic OjpAAA", "Basic /////w==", "Basic Og==", "Bearer",
        "Bearer ",
        "Bearer x", "Bearer a.b.c", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
        "Bearer grn_0123456789abcdef_" + String(repeating: "0", count: 48),
        "Bearer grn__", "Negotiate abc", "Digest username=\"admin\"", "admin:secret", "Basic \u{1F}",
        TestServer.basic("admin", ""),
        TestServer.basic("", TestServer.administrator.password),
        TestServer.basic("ADMIN", TestServer.administrator.password),
        TestServer.basic("admin\u{0}", TestServer.administrator.password),
        TestServer.basic("admin", TestServer.administrator.password + "x"),
        TestServer.basic("admin", String(repeating: "x", count: 8000)),
        "Basic " + String(repeating: "QUFB", count: 6000)
    ]

    @Test("Every credential that is not right is refused, and asked for again")
    func authorizations() async throws {
        try await withFiles(["files": .init(anonymousRead: true)], trustsForwarded: true) { server in
            for (number, authorization) in Self.authorizations.enumerated() {
                for path in ["/generic/files/", "/api/v1/whoami", "/api/v1/version"] {
                    // From elsewhere each time, since who guesses is to wait.
                    let request =
                        "GET \(path) HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.\(number)\r\nAuthorization: \(authorization)\r\nConnection: close\r\n\r\n"
                    let answer = try await server.raw(request.bytes)
                    let isMalformed = authorization.utf8.contains { $0 < 0x20 }
                    #expect(statusCode(answer) == (isMalformed ? 400 : 401), "\(authorization.prefix(80)) \(path)")
                    let text = String(decoding: answer, as: UTF8.self).lowercased()
                    #expect(isMalformed || text.contains("www-authenticate: basic"))
                }
            }
            let twice =
                "GET /api/v1/whoami HTTP/1.1\r\nHost: h\r\n\(Self.credentials)Authorization: Basic x\r\nConnection: close\r\n\r\n"
            #expect((400..<500).contains(statusCode(try await server.raw(twice.bytes))))
            let spaced =
                "GET /api/v1/whoami HTTP/1.1\r\nHost: h\r\n\(Self.credentials.replacing("Basic ", with: "bAsIc   "))Connection: close\r\n\r\n"
            #expect(statusCode(try await server.raw(spaced.bytes)) == 200)
        }
    }

    @Test("A body of the management interface may be any rubbish")
    func managementBodies() async throws {
        try await withFiles { server in
            let bodies: [([UInt8], Int)] = [
                ([], 400), ([0xFF, 0xFE], 400), ("null".bytes, 400), ("\"x\"".bytes, 400), ("{".bytes, 400),
                (String(repeating: "[", count: 500_000).bytes, 400),
                (String(repeating: #"{"a":"#, count: 100_000).bytes, 400),
                (#"{"name":1e999}"#.bytes, 400), (#"{"name":"a\u0000b"}"#.bytes, 400),
                (#"{"name":"\ud800"}"#.bytes, 400),
                ([UInt8](repeating: 0x20, count: (1 << 20) + 1), 413)
            ]
            for (body, status) in bodies {
                let answer = try await server.send("POST", "/api/v1/users", body: body)
                #expect(answer.status == status, "\(String(decoding: body.prefix(20), as: UTF8.self))")
                #expect(try await server.send("GET", "/readyz").status == 200)
            }
            let query = (0..<2000).map { "a\($0)=%" }.joined(separator: "&")
            #expect(try await server.rawStatus("GET /api/v1/events?\(query)&limit=1 HTTP/1.1") == 200)
        }
    }

    @Test("No secret that a client sends, or is given, is in the log")
    func secrets() async throws {
        let log = CapturedLog()
        try await withFiles(log: log) { server in
            let ann = try await server.user("ann", ("files", "**", .all))
            let body = #"{"password":"the new long password"}"#.bytes
            #expect(try await server.send("PATCH", "/api/v1/users/ann", body: body, authorization: ann).status == 200)
            let changed = TestServer.basic("ann", "the new long password")
            let answer = try await server.send(
                "POST", "/api/v1/tokens", body: #"{"name":"t"}"#.bytes, authorization: changed)
            let secret = try #require(try answer.json(JSONValue.self)["secret"]?.text)
            for authorization in [
                ann, changed, "Bearer \(secret)", TestServer.basic("ann", "a wrong password"), "Bearer \(secret)x"
            ] {
                _ = try await server.send(
                    "PUT", "/generic/files/a?token=\(secret)", body: [], authorization: authorization)
                _ = try await server.send("GET", "/api/v1/whoami?password=hunter22", authorization: authorization)
            }
            #expect(try await server.raw("GET /?\(secret) HTTP/1.1\r\nX: \(secret)\0\r\n\r\n".bytes).count > 0)
            #expect(log.lines.count > 10)
            let whole = log.lines.joined(separator: "\n")
            let secrets = [
                TestServer.password, "the new long password", "a wrong password", TestServer.administrator.password,
                "hunter22",
                String(secret.suffix(48)), String(ann.dropFirst(6)), String(changed.dropFirst(6))
            ]
            for secret in secrets { #expect(!whole.contains(secret), "\(secret)") }
        }
    }

    @Test("Many who connect and say nothing do not keep others out")
    func silentMany() async throws {
        try await withFiles { server in
            _ = try await concurrently(60) { number in
                try await server.connect { connection in
                    try await connection.send(number.isMultiple(of: 2) ? "GET /" : "")
                    #expect(try await server.send("GET", "/readyz", authorization: nil).status == 200)
                }
            }
        }
    }
}
