import GranaryModel
import GranaryTestKit
import Testing

@Suite("Generic files over HTTP: properties")
struct GenericPropertyTests {
    private struct Document: Decodable { let properties: [String: [String]] }

    private static func properties(_ path: String, _ server: TestServer, _ query: String = "properties") async throws
        -> [String: [String]]
    {
        let answer = try await server.send("GET", "/generic/\(path)?\(query)")
        try #require(answer.status == 200, "\(answer.text)")
        return try answer.json(Document.self).properties
    }

    private static let assignments: [(path: String, headers: [String: String], properties: [String: [String]])] = [
        ("files;a=1/x", [:], ["a": ["1"]]),
        ("files/x;a=1;b=2", [:], ["a": ["1"], "b": ["2"]]),
        ("files;a=1/x;b=2", [:], ["a": ["1"], "b": ["2"]]),
        ("files/x;os=win,linux", [:], ["os": ["linux", "win"]]),
        ("files/x;os=win;os=linux", [:], ["os": ["linux", "win"]]),
        ("files/x;a=1%5C,2", [:], ["a": ["1,2"]]),
        ("files/x;a=%E2%82%AC", [:], ["a": ["€"]]),
        ("files/x;a=", [:], ["a": [""]]),
        ("files/x;a", [:], ["a": [""]]),
        ("files/x;", ["X-Property-Build.Number": "7,8"], ["build.number": ["7,8"]]),
        ("files/x;a=1", ["X-Property-b": "2"], ["a": ["1"], "b": ["2"]])
    ]

    @Test("An upload sets properties, however it names them, and none of them stands in the path")
    func assigning() async throws {
        try await withFiles { server in
            for (path, headers, expected) in Self.assignments {
                let answer = try await server.send("PUT", "/generic/\(path)", headers, body: "text".bytes)
                #expect([200, 201].contains(answer.status), "\(path) \(answer.text)")
                #expect(answer["Location"] == "\(server.origin)/generic/files/x")
                #expect(try await Self.properties("files/x", server) == expected, "\(path)")
            }
            #expect(try await server.list("files/")?.names == ["x"])
        }
    }

    private static let malformed = [
        "files/x;=1", "files/x;a+=1", "files/x;a%20b=1", "files/x;a=%00", "files/x;a=%FF", "files/x;a=%zz",
        "files/x;" + String(repeating: "k", count: 256) + "=1", "files/x;a=" + String(repeating: "v", count: 2401),
        "files/x;" + (0...100).map { "k\($0)=1" }.joined(separator: ";"),
        "files/x;a=" + (0...100).map(String.init).joined(separator: ",")
    ]

    @Test("Malformed properties are refused, and nothing is stored")
    func refusing() async throws {
        try await withFiles { server in
            for path in Self.malformed {
                let status = try await server.rawStatus("PUT /generic/\(path) HTTP/1.1\r\nContent-Length: 0")
                #expect(status == 400, "\(path)")
            }
            #expect(try await server.list("files/")?.names == [])
        }
    }

    @Test("An upload without properties leaves those of the file, one with some replaces them")
    func replacing() async throws {
        try await withFiles { server in
            try await server.put("files/x;a=1", "one")
            try await server.put("files/x", "two")
            #expect(try await Self.properties("files/x", server) == ["a": ["1"]])
            try await server.put("files/x;b=2", "three")
            #expect(try await Self.properties("files/x", server) == ["b": ["2"]])
        }
    }

    @Test("A download may ask for properties")
    func asking() async throws {
        try await withFiles { server in
            try await server.put("files/d/x;a=1;os=win,linux")
            let answers = [
                ";a=1": 200, ";a=2": 404, ";b=1": 200, ";b+=1": 404, ";a+=1": 200, ";a+=2": 404, ";os=linux": 200,
                ";os+=mac": 404, ";a=1;os=win": 200, ";a=1;os=mac": 404
            ]
            for (parameters, status) in answers {
                #expect(
                    try await server.send("GET", "/generic/files/d/x\(parameters)").status == status, "\(parameters)")
                let early = try await server.send("GET", "/generic/files\(parameters)/d/x")
                #expect(early.status == status, "\(parameters)")
            }
        }
    }

    @Test("Properties of a file are set, read and removed on their own")
    func query() async throws {
        try await withFiles { server in
            try await server.put("files/x;a=1")
            func change(_ method: String, _ query: String) async throws -> Int {
                try await server.send(method, "/generic/files/x?properties=\(query)").status
            }
            #expect(try await change("PUT", "b=2,3;c=4") == 204)
            #expect(try await Self.properties("files/x", server) == ["a": ["1"], "b": ["2", "3"], "c": ["4"]])
            #expect(try await change("PUT", "b=5") == 204)
            #expect(try await Self.properties("files/x", server, "properties=b,c") == ["b": ["5"], "c": ["4"]])
            #expect(try await change("DELETE", "b,c,unknown") == 204)
            #expect(try await Self.properties("files/x", server) == ["a": ["1"]])
            #expect(try await change("PUT", "") == 400)
            #expect(try await change("DELETE", "") == 400)
            #expect(try await server.send("GET", "/generic/files/none?properties").status == 404)
            #expect(try await server.send("PUT", "/generic/files/none?properties=a=1").status == 404)
            #expect(try await server.send("GET", "/generic/files/x").text == "content")
        }
    }

    @Test("An encoded semicolon is part of the name")
    func literal() async throws {
        try await withFiles { server in
            try await server.put("files/a%3Bb=1")
            #expect(try await server.list("files/")?.names == ["a;b=1"])
            #expect(try await server.send("GET", "/generic/files/a%3Bb=1").status == 200)
            #expect(try await server.send("GET", "/generic/files/a").status == 404)
        }
    }
}
