import GranaryTestKit
import Testing

@Suite("Generic files over HTTP: paths")
struct GenericPathTests {
    private static let refused = [
        "..", "../files/a", "../../etc/passwd", "a/../b", "%2e%2e/a", "%2E%2E", ".%2e/a", "a/%2e/b", "./a", "a//b",
        "//a",
        "a%2Fb", "a%2fb", "a%5Cb", "a\\b", "%00", "a%00b", "a%0Ab", "a%0D%0ASet-Cookie:%20x", "a%7F", "a%1Fb", "%",
        "a%", "a%2",
        "a%zz", "%FF", "%C0%AF", "%C0%AE%C0%AE/a", "%E0%80%AF", "%ED%A0%80", ".uploads/a", ".granary/a",
        String(repeating: "a", count: 256), Array(repeating: "abcdefghi", count: 110).joined(separator: "/"),
        String(repeating: "%C3%A9", count: 128)
    ]

    @Test("A path that could mean two things is refused, whatever is done to it")
    func refusing() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        try await withFiles(in: folder) { server async throws in
            for path in Self.refused {
                for method in ["PUT", "GET", "DELETE"] {
                    // Sessions are told apart from files, which is no harm.
                    if path.hasPrefix(".uploads"), method != "PUT" { continue }
                    let head = "\(method) /generic/files/\(path) HTTP/1.1\r\nContent-Length: 1"
                    #expect(try await server.rawStatus(head, body: "x".bytes) == 400, "\(method) \(path)")
                }
            }
            #expect(try await server.list("files/", "list&recursive")?.names == [])
            #expect(folder.blobs == [])
        }
    }

    private static let taken: [(path: String, name: String)] = [
        ("a+b", "a+b"), ("a%20b", "a b"), ("a%23b", "a#b"), ("a%3Fb", "a?b"), ("a%3Bb", "a;b"),
        ("%252e%252e", "%2e%2e"),
        ("%C3%A9t%C3%A9", "été"), ("e%CC%81te%CC%81", "e\u{301}te\u{301}"), ("%E6%97%A5%E6%9C%AC", "日本"),
        ("%F0%9F%A6%86", "🦆"), ("%E2%80%AEtxt.exe", "\u{202E}txt.exe"), ("...", "..."), ("..a", "..a"),
        (".hidden", ".hidden"),
        ("a:b@c", "a:b@c"), ("a&b=c", "a&b=c"), ("%22quoted%22", "\"quoted\""), ("%3Ctag%3E", "<tag>"), ("'", "'"),
        ("A", "A"), ("CON", "CON"), (String(repeating: "x", count: 255), String(repeating: "x", count: 255))
    ]

    @Test("Names of every script and sign make the round trip")
    func taking() async throws {
        try await withFiles { server in
            for (path, name) in Self.taken {
                let put = try await server.raw(
                    """
                    PUT /generic/files/d/\(path) HTTP/1.1\r\nHost: h\r\nContent-Length: \(name.utf8.count)\r\n\
                    Authorization: \(TestServer.basic("admin", TestServer.administrator.password))\r\n\
                    Connection: close\r\n\r\n\(name)
                    """.bytes)
                #expect(statusCode(put) == 201, "\(path)")
                let get = try await server.send("GET", "/generic/files/d/\(path)")
                #expect(get.text == name, "\(path)")
                #expect(get["Content-Disposition"]?.utf8.allSatisfy { (0x20..<0x7F).contains($0) } == true)
            }
            let listed = try #require(try await server.list("files/d/"))
            #expect(
                Set(listed.names.map { Array($0.unicodeScalars) })
                    == Set(Self.taken.map { Array($0.name.unicodeScalars) }))
            let bytes = listed.names.map { Array($0.utf8) }
            #expect(zip(bytes, bytes.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
            let page = try await server.send("GET", "/generic/files/d/")
            for (_, name) in Self.taken where !"<>\"'&".contains(where: name.contains) {
                #expect(page.text.unicodeScalars.contains("<bdi>\(name)</bdi>".unicodeScalars), "\(name)")
            }
        }
    }

    @Test("The longest path there may be is taken")
    func longest() async throws {
        try await withFiles { server in
            let path = Array(repeating: "abcdefghi", count: 102).joined(separator: "/") + "/xyz"
            try #require(path.utf8.count == 1023)
            try await server.put("files/\(path)")
            #expect(try await server.send("GET", "/generic/files/\(path)").status == 200)
        }
    }

    @Test("A file's name cannot write headers")
    func headerInjection() async throws {
        try await withFiles { server in
            let name = "a%22%3B%20x=%22%20%5Bb%5D%C2%85"
            try await server.put("files/\(name)")
            let answer = try await server.send("GET", "/generic/files/\(name)")
            #expect(answer["Content-Disposition"]?.contains("filename=\"a\\\"; x=\\\" [b]_\"") == true)
        }
    }
}
