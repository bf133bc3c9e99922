import FoundationEssentials
import GranaryHTTP
import GranaryModel
import GranaryTestKit
import Testing

@Suite("The management interface: what a change does, and when")
struct ManagementEffectTests {
    private static func patch(_ server: TestServer, _ name: String, _ body: String) async throws -> Int {
        try await server.send("PATCH", "/api/v1/users/\(name)", body: body.bytes).status
    }

    private static func whoami(_ server: TestServer, _ authorization: String) async throws -> Int {
        try await server.send("GET", "/api/v1/whoami", authorization: authorization).status
    }

    @Test("A new password counts at once, and the old one no longer")
    func password() async throws {
        try await withFiles { server in
            let old = try await server.user("ann")
            #expect(try await Self.whoami(server, old) == 200)
            let body = #"{"password":"another long one"}"#.bytes
            #expect(try await server.send("PATCH", "/api/v1/users/ann", body: body, authorization: old).status == 200)
            #expect(try await Self.whoami(server, old) == 401)
            #expect(try await Self.whoami(server, TestServer.basic("ann", "another long one")) == 200)
        }
    }

    @Test("An old password is not remembered by a log-in that was under way when it changed")
    func passwordRace() async throws {
        try await withFiles { server in
            let old = try await server.user("ann")
            for round in 0..<4 {
                // Everything remembered is forgotten, so that the log-ins hash, and the change comes in their midst.
                #expect(try await Self.patch(server, "ann", #"{"password":"\#(TestServer.password)"}"#) == 200)
                _ = try await concurrently(12) { number in
                    try await number == 6
                        ? Self.patch(server, "ann", #"{"password":"another long one"}"#) : Self.whoami(server, old)
                }
                #expect(try await Self.whoami(server, old) == 401, "\(round)")
            }
        }
    }

    @Test("A user who is disabled or deleted is refused at once, with whatever they show")
    func disabling() async throws {
        try await withFiles(["files": .init(anonymousRead: true)]) { server in
            let ann = try await server.user("ann", ("files", "**", .all))
            let body = #"{"name":"t"}"#.bytes
            let made: JSONValue = try await server.send("POST", "/api/v1/tokens", body: body, authorization: ann).json()
            let secret = try #require(made["secret"]?.text)
            let credentials = [
                ann, "Bearer \(secret)", TestServer.basic("ann", secret), TestServer.basic("token", secret)
            ]
            for credential in credentials { #expect(try await Self.whoami(server, credential) == 200) }
            #expect(try await Self.patch(server, "ann", #"{"disabled":true}"#) == 200)
            for credential in credentials {
                #expect(try await Self.whoami(server, credential) == 401)
                #expect(try await server.send("GET", "/generic/files/", authorization: credential).status == 401)
            }
            #expect(try await Self.patch(server, "ann", #"{"disabled":false}"#) == 200)
            for credential in credentials { #expect(try await Self.whoami(server, credential) == 200) }
            #expect(try await server.send("DELETE", "/api/v1/users/ann").status == 204)
            for credential in credentials { #expect(try await Self.whoami(server, credential) == 401) }
            _ = try await server.user("ann")
            #expect(try await Self.whoami(server, ann) == 200)
            #expect(try await Self.whoami(server, "Bearer \(secret)") == 401)
            let put = try await server.send("PUT", "/generic/files/a", body: body, authorization: ann)
            #expect(put.status == 403)
        }
    }

    @Test("A token ends when it expires, and when it is revoked")
    func tokens() async throws {
        try await withFiles { server in
            func now() -> Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
            let soon = now().adding(.seconds(5))
            func make(_ more: String) async throws -> (id: String, bearer: String) {
                let body = #"{"name":"t"\#(more)}"#.bytes
                let made: JSONValue = try await server.send("POST", "/api/v1/tokens", body: body).json()
                return (try #require(made["id"]?.text), "Bearer \(try #require(made["secret"]?.text))")
            }
            let short = try await make(#","expiresAt":"\#(soon)""#)
            let long = try await make("")
            let early = try await Self.whoami(server, short.bearer)
            #expect(early == 200 || now() >= soon)
            #expect(try await Self.whoami(server, long.bearer) == 200)
            #expect(try await server.send("DELETE", "/api/v1/tokens/\(long.id)").status == 204)
            #expect(try await Self.whoami(server, long.bearer) == 401)
            #expect(try await Self.whoami(server, long.bearer.dropLast() + "x") == 401)
            while now() < soon { try await Task.sleep(for: .milliseconds(50)) }
            #expect(try await Self.whoami(server, short.bearer) == 401)
        }
    }

    @Test("A grant counts at once, and so does its end")
    func grants() async throws {
        try await withFiles { server in
            let ann = try await server.user("ann")
            try await server.put("files/d/a")
            func get() async throws -> Int {
                try await server.send("GET", "/generic/files/d/a", authorization: ann).status
            }
            #expect(try await get() == 404)
            let body = #"{"repository":"fi*","package":"d","rights":["read"]}"#.bytes
            let made: JSONValue = try await server.send("POST", "/api/v1/grants", body: body).json()
            #expect(try await get() == 200)
            let id = try #require(made["id"]?.integer)
            #expect(try await server.send("DELETE", "/api/v1/grants/\(id)").status == 204)
            #expect(try await get() == 404)
            #expect(try await server.send("DELETE", "/api/v1/grants/\(id)").status == 404)
        }
    }

    @Test("Settings count at once, and survive a restart with everything else")
    func settings() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let ann = try await withFiles(in: folder) { server in
            try await server.put("files/a")
            #expect(try await server.send("GET", "/generic/files/a", authorization: nil).status == 401)
            let body = #"{"anonymousRead":true}"#.bytes
            #expect(try await server.send("PATCH", "/api/v1/repositories/files", body: body).status == 200)
            #expect(try await server.send("GET", "/generic/files/a", authorization: nil).status == 200)
            return try await server.user("ann", ("files", "**", .write))
        }
        try await withFiles(in: folder) { server async throws in
            #expect(try await server.send("GET", "/generic/files/a", authorization: nil).text == "content")
            #expect(try await server.send("PUT", "/generic/files/b", body: [], authorization: ann).status == 201)
            #expect(try await server.send("DELETE", "/api/v1/repositories/files").status == 409)
            #expect(try await server.send("DELETE", "/generic/files/?recursive=true").status == 204)
            #expect(try await server.send("DELETE", "/api/v1/repositories/files").status == 204)
            #expect(try await server.send("GET", "/generic/files/a").status == 404)
            #expect(try await server.send("GET", "/api/v1/repositories/files").status == 404)
        }
    }

    @Test("The history is read page by page, and everybody reads their part of it")
    func events() async throws {
        try await withFiles(["files": .init(), "other": .init()]) { server in
            let ann = try await server.user("ann", ("files", "a", .read))
            for path in ["files/a/one", "files/b/two", "other/a/three", "files/a/sub/four"] {
                try await server.put(path)
            }
            #expect(try await server.send("DELETE", "/generic/files/a/?recursive=true").status == 204)
            func page(_ query: String, _ user: String) async throws -> (events: [JSONValue], next: Int) {
                let tree: JSONValue = try await server.send("GET", "/api/v1/events?\(query)", authorization: user)
                    .json()
                return (tree["events"]?.elements ?? [], try #require(tree["next"]?.integer))
            }
            let admin = TestServer.basic("admin", TestServer.administrator.password)
            let all = try await page("", admin).events
            var paged: [JSONValue] = []
            var since = 0
            while true {
                let next = try await page("since=\(since)&limit=2", admin)
                guard !next.events.isEmpty else { break }
                #expect(next.events.count <= 2)
                paged += next.events
                since = next.next
            }
            #expect(paged == all)
            let numbers = all.compactMap { $0["sequence"]?.integer }
            #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
            #expect(
                Set(try await page("repository=other", admin).events.compactMap { $0["repository"]?.text }) == ["other"]
            )
            let seen = try await page("limit=1000", ann)
            #expect(seen.events.compactMap { $0["target"]?.text } == ["one"])
            #expect(seen.next == numbers.last)
            #expect(!"\(seen.events)".contains("four"))
            #expect(!"\(all)".contains(TestServer.password))
        }
    }
}
