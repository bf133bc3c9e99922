import GranaryTestKit
import Testing

@Suite("Generic files over HTTP: conditions")
struct GenericConditionTests {
    private struct Case {
        let method: String
        let headers: [String: String]
        let status: Int

        init(_ method: String, _ headers: [String: String], _ status: Int) {
            (self.method, self.headers, self.status) = (method, headers, status)
        }
    }

    private static let tag = "\"\(Hash.sha256("content"))\""
    private static let other = "\"\(Hash.sha256("other"))\""
    private static let past = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let future = "Fri, 31 Dec 2100 00:00:00 GMT"

    private static let reads = [
        Case("GET", ["If-None-Match": tag], 304), Case("HEAD", ["If-None-Match": tag], 304),
        Case("GET", ["If-None-Match": "W/\(tag)"], 304), Case("GET", ["If-None-Match": "*"], 304),
        Case("GET", ["If-None-Match": "\(other), \(tag)"], 304), Case("GET", ["If-None-Match": other], 200),
        Case("GET", ["If-Match": tag], 200), Case("GET", ["If-Match": "*"], 200), Case("GET", ["If-Match": other], 412),
        Case("GET", ["If-Match": "W/\(tag)"], 412), Case("GET", ["If-Modified-Since": future], 304),
        Case("GET", ["If-Modified-Since": past], 200), Case("GET", ["If-Modified-Since": "yesterday"], 200),
        Case("GET", ["If-Unmodified-Since": past], 412), Case("GET", ["If-Unmodified-Since": future], 200),
        Case("GET", ["If-None-Match": other, "If-Modified-Since": future], 200),
        Case("GET", ["If-Match": tag, "If-Unmodified-Since": past], 200),
        Case("GET", ["If-Match": other, "If-None-Match": tag], 412),
        Case("GET", ["Range": "bytes=0-1", "If-Range": tag], 206),
        Case("GET", ["Range": "bytes=0-1", "If-Range": other], 200),
        Case("GET", ["Range": "bytes=0-1", "If-Range": "W/\(tag)"], 200),
        Case("GET", ["Range": "bytes=0-1", "If-Range": past], 200),
        Case("GET", ["Range": "bytes=99-", "If-None-Match": tag], 304)
    ]

    @Test("Reads keep to their conditions")
    func reading() async throws {
        try await withFiles { server in
            try await server.put("files/a")
            for example in Self.reads {
                let answer = try await server.send(example.method, "/generic/files/a", example.headers)
                #expect(answer.status == example.status, "\(example)")
                if answer.status == 304 { #expect(answer["ETag"] == Self.tag && answer.body.isEmpty) }
            }
        }
    }

    @Test("The date a file is served with is a condition that holds")
    func dates() async throws {
        try await withFiles { server in
            try await server.put("files/a")
            let date = try #require(try await server.send("HEAD", "/generic/files/a")["Last-Modified"])
            func get(_ headers: [String: String]) async throws -> Int {
                try await server.send("GET", "/generic/files/a", headers).status
            }
            #expect(try await get(["If-Modified-Since": date]) == 304)
            #expect(try await get(["If-Unmodified-Since": date]) == 200)
            #expect(try await get(["If-Range": date, "Range": "bytes=1-1"]) == 206)
        }
    }

    private static let refusedWrites = [
        Case("PUT", ["If-None-Match": "*"], 412), Case("PUT", ["If-Match": other], 412),
        Case("PUT", ["If-Match": "W/\(tag)"], 412), Case("PUT", ["If-Unmodified-Since": past], 412),
        Case("PUT", ["If-None-Match": tag], 400), Case("PUT", ["If-Match": tag, "If-None-Match": "*"], 400),
        Case("PUT", ["If-Match": "unquoted"], 400), Case("PUT", ["Content-Range": "bytes 0-1/10"], 400),
        Case("PUT", ["Content-Encoding": "gzip"], 415), Case("PUT", ["Content-Type": "nonsense"], 400),
        Case("DELETE", ["If-Match": other], 412), Case("DELETE", ["If-Unmodified-Since": past], 412),
        Case("DELETE", ["If-Match": "unquoted"], 400)
    ]

    @Test("Writes whose conditions fail leave the file as it was")
    func refusing() async throws {
        try await withFiles { server in
            try await server.put("files/a")
            for example in Self.refusedWrites {
                let body = example.method == "PUT" ? "new".bytes : nil
                let answer = try await server.send(example.method, "/generic/files/a", example.headers, body: body)
                #expect(answer.status == example.status, "\(example)")
                #expect(try await server.send("GET", "/generic/files/a").text == "content")
            }
            let absent = try await server.send("PUT", "/generic/files/b", ["If-Match": "*"], body: "new".bytes)
            #expect(absent.status == 412)
            #expect(try await server.send("DELETE", "/generic/files/b", ["If-Match": "*"]).status == 404)
        }
    }

    @Test("Writes whose conditions hold are done")
    func writing() async throws {
        try await withFiles { server async throws in
            func put(_ headers: [String: String], _ text: String) async throws -> Int {
                try await server.send("PUT", "/generic/files/a", headers, body: text.bytes).status
            }
            #expect(try await put(["If-None-Match": "*"], "content") == 201)
            #expect(try await put(["If-Match": "\(Self.other), \(Self.tag)"], "other") == 201)
            #expect(try await put(["If-Match": "*"], "third") == 201)
            #expect(try await put(["If-Unmodified-Since": Self.future], "content") == 201)
            #expect(try await put(["If-Unmodified-Since": "yesterday"], "other") == 201)
            #expect(try await server.send("DELETE", "/generic/files/a", ["If-Match": Self.other]).status == 204)
        }
    }

    @Test("Of many who would be first exactly one is")
    func race() async throws {
        try await withFiles { server in
            let answers = try await concurrently(24) { number in
                try await server.send("PUT", "/generic/files/a", ["If-None-Match": "*"], body: "text \(number)".bytes)
            }
            let winners = answers.filter { $0.status == 201 }
            #expect(winners.count == 1 && answers.count { $0.status == 412 } == 23)
            #expect(try await server.send("HEAD", "/generic/files/a")["ETag"] == winners.first?["ETag"])
        }
    }

    @Test("Of many who replace one version exactly one does")
    func replacementRace() async throws {
        try await withFiles { server in
            try await server.put("files/a")
            let answers = try await concurrently(16) { number in
                try await server.send("PUT", "/generic/files/a", ["If-Match": Self.tag], body: "text \(number)".bytes)
            }
            #expect(answers.count { $0.status == 201 } == 1 && answers.count { $0.status == 412 } == 15)
        }
    }

    @Test("Of many who write one path the last wins, each is told what it wrote, and no reader sees a mixture")
    func lastWins() async throws {
        try await withFiles { server in
            let texts = (0..<12).map { String(repeating: String($0, radix: 36), count: 200_000) }
            try await server.put("files/a", texts[0])
            let answers = try await concurrently(texts.count * 2) { number in
                try await number < texts.count
                    ? server.send("PUT", "/generic/files/a", body: texts[number].bytes)
                    : server.send("GET", "/generic/files/a")
            }
            for (number, answer) in answers.enumerated() where number < texts.count {
                #expect([200, 201].contains(answer.status))
                #expect(answer["ETag"] == "\"\(Hash.sha256(texts[number]))\"")
            }
            for read in answers.dropFirst(texts.count) {
                #expect(read.status == 200 && read["ETag"] == "\"\(Hash.sha256(read.text))\"")
            }
            let final = try await server.send("GET", "/generic/files/a")
            #expect(texts.contains(final.text) && final["ETag"] == "\"\(Hash.sha256(final.text))\"")
        }
    }
}

/// What `work` makes of each number below `count`, all at once, in order.
func concurrently<Value: Sendable>(
    _ count: Int, _ work: @escaping @Sendable (Int) async throws -> Value
) async throws -> [Value] {
    try await withThrowingTaskGroup(of: (Int, Value).self) { group in
        for number in 0..<count { group.addTask { (number, try await work(number)) } }
        return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
    }
}
