import GranaryHTTP
import GranaryTestKit
import Testing

@Suite("Limits on clients")
struct LimitTests {
    private static func limits(_ change: (inout Limits) -> Void) -> Limits {
        var limits = Limits()
        change(&limits)
        return limits
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test(
        "Connections beyond the limit are told to come back, and there is room again when others go",
        arguments: [(Limits.Share(ofAddress: 4, total: 3), 503), (Limits.Share(ofAddress: 3, total: 9), 429)])
    func connections(_ share: Limits.Share, _ status: Int) async throws {
        try await withFiles(limits: Self.limits { $0.connections = share }) { server in
            try await server.connect { _ in
                try await server.connect { _ in
                    try await server.connect { third in
                        try await third.send("GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n")
                        #expect(statusCode(try await third.receive { Self.text($0).hasSuffix("ready\n") }) == 200)
                        // It may be closed before anything is asked.
                        let answer = try await server.connect { refused in
                            try? await refused.send("GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n")
                            return try await refused.receive()
                        }
                        #expect(statusCode(answer) == status)
                        #expect(Self.text(answer).contains("Retry-After: 1\r\n"))
                    }
                }
            }
            for _ in 0..<100 {
                if (try? await server.rawStatus("GET /readyz HTTP/1.1")) == 200 { return }
                try await Task.sleep(for: .milliseconds(20))
            }
            Issue.record("no connection is taken any more")
        }
    }

    @Test("Uploads beyond the limit are told to come back; who reads does not notice")
    func uploads() async throws {
        let limits = Self.limits { limits in
            limits.uploads = .init(ofAddress: 2, total: 2)
            limits.patience = .milliseconds(50)
        }
        let head = "PUT /generic/files/a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nAuthorization: "
        let credentials = TestServer.basic(TestServer.administrator.user, TestServer.administrator.password)
        try await withFiles(limits: limits) { server in
            try await server.put("files/b")
            try await server.connect { first in
                try await server.connect { second in
                    for connection in [first, second] {
                        try await connection.send("\(head)\(credentials)\r\nExpect: 100-continue\r\n\r\n")
                        _ = try await connection.receive { Self.text($0).hasPrefix("HTTP/1.1 100") }
                    }
                    let refused = try await server.send("PUT", "/generic/files/c", body: "data".bytes)
                    #expect(refused.status == 429 && refused["Retry-After"] == "1")
                    #expect(refused["Content-Type"] == "application/problem+json")
                    #expect(try await server.send("GET", "/generic/files/b").status == 200)
                    try await second.send("data")
                    #expect(statusCode(try await second.receive { Self.text($0).contains("201 Created") }) == 100)
                }
                #expect(try await server.send("PUT", "/generic/files/c", body: "data".bytes).status == 201)
            }
        }
    }

    @Test("A head that does not end is answered with 408 and closed; one request's time is not the next one's")
    func slowHead() async throws {
        let limits = Self.limits { $0.headTimeout = .milliseconds(400) }
        try await withFiles(limits: limits) { server in
            let (answer, isClosed) = try await server.connect { connection in
                for _ in 0..<3 {
                    try await connection.send("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
                    try await Task.sleep(for: .milliseconds(250))
                }
                for number in 0..<100 where !connection.isClosed {
                    try? await connection.send(number == 0 ? "GET / HTTP/1.1\r\n" : "X-\(number): y\r\n")
                    try await Task.sleep(for: .milliseconds(50))
                }
                return (try await connection.receive(), connection.isClosed)
            }
            let text = Self.text(answer)
            #expect(text.ranges(of: "HTTP/1.1 200 OK").count == 3)
            #expect(text.contains("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"))
            #expect(isClosed)
        }
    }

    @Test("Who does not read the answer is cut off, from memory and from a file", arguments: [1, 40])
    func slowReader(_ megabytes: Int) async throws {
        let log = CapturedLog()
        let limits = Self.limits { $0.stallTimeout = .milliseconds(400) }
        try await withFiles(limits: limits, log: log) { server in
            let size = megabytes << 20
            _ = try await server.send("PUT", "/generic/files/a", body: [UInt8](repeating: 7, count: size))
            let credentials = TestServer.basic(TestServer.administrator.user, TestServer.administrator.password)
            let request = "GET /generic/files/a HTTP/1.1\r\nHost: h\r\nAuthorization: \(credentials)\r\n\r\n"
            // Enough of them that the buffers of the system are full.
            let many = String(repeating: request, count: 40 / megabytes)
            try await server.withDeafConnection(sending: many.bytes) {
                for _ in 0..<1000 where !log.lines.contains(where: { $0.contains("complete=false") }) {
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            #expect(log.lines.contains { $0.contains("complete=false") })
            #expect(try await server.send("GET", "/metrics").text.contains(#"closed_total{reason="slow_reader"} 1"#))
            #expect(try await server.send("GET", "/generic/files/a").body.count == size)
        }
    }

    @Test("Who reads slowly, but reads, gets all of it")
    func steadyReader() async throws {
        let limits = Self.limits { limits in
            limits.stallTimeout = .milliseconds(300)
            limits.minimumRate = 1000
        }
        try await withFiles(limits: limits) { server in
            let size = 24 << 20
            _ = try await server.send("PUT", "/generic/files/a", body: [UInt8](repeating: 7, count: size))
            let credentials = TestServer.basic(TestServer.administrator.user, TestServer.administrator.password)
            let request = "GET /generic/files/a HTTP/1.1\r\nHost: h\r\nAuthorization: \(credentials)\r\n\r\n"
            #expect(try await server.nibble(request.bytes, upTo: size, pause: .milliseconds(5)) > size)
        }
    }
}
