import GranaryModel
import GranaryTestKit
import Testing

@Suite("Generic files over HTTP: rights and rules")
struct GenericRightsTests {
    @Test("A path is a file or a directory, never both")
    func conflicts() async throws {
        try await withFiles { server in
            try await server.put("files/a/b")
            #expect(try await server.send("PUT", "/generic/files/a", body: "x".bytes).status == 409)
            #expect(try await server.send("PUT", "/generic/files/a/b/c", body: "x".bytes).status == 409)
            #expect(try await server.send("PUT", "/generic/files/a/b/c/d/e", body: "x".bytes).status == 409)
            #expect(try await server.send("PUT", "/generic/files/a/", body: "x".bytes).status == 400)
            let blind = try await server.user("blind", ("files", "**", .write))
            for path in ["a", "a/b/c"] {
                let answer = try await server.send(
                    "PUT", "/generic/files/\(path)", body: "x".bytes, authorization: blind)
                #expect(answer.status == 409, "\(path)")
            }
            #expect(try await server.list("files/", "list&recursive")?.names == ["a/b"])
            #expect(try await server.send("DELETE", "/generic/files/a/b").status == 204)
            #expect(try await server.send("PUT", "/generic/files/a", body: "x".bytes).status == 201)
        }
    }

    @Test("A path is a file or a directory even when two would have it at once")
    func conflictRace() async throws {
        try await withFiles { server in
            for round in 0..<8 {
                let answers = try await concurrently(6) { number in
                    let path = number.isMultiple(of: 2) ? "r\(round)/a" : "r\(round)/a/b\(number)/c"
                    return try await server.send("PUT", "/generic/files/\(path)", body: "x".bytes).status
                }
                let files = answers.enumerated().filter { $0.offset.isMultiple(of: 2) && $0.element != 409 }
                let folders = answers.enumerated().filter { !$0.offset.isMultiple(of: 2) && $0.element != 409 }
                #expect(files.isEmpty != folders.isEmpty, "\(answers)")
            }
        }
    }

    @Test("A directory is deleted on purpose only, and by those who may delete all of it")
    func deletingTrees() async throws {
        try await withFiles { server in
            for path in ["a/one", "a/x/two", "a/y/three", "b"] { try await server.put("files/\(path)") }
            let part = try await server.user("part", ("files", "a", .all), ("files", "a/x", .all))
            let all = try await server.user("all", ("files", "a", .all), ("files", "a/**", .all))
            let reader = try await server.user("reader", ("files", "**", .read))
            func delete(_ path: String, _ user: String?) async throws -> Int {
                try await server.send("DELETE", "/generic/files/\(path)", authorization: user).status
            }
            #expect(try await delete("a/", all) == 400)
            #expect(try await delete("a/?recursive=false", all) == 400)
            #expect(try await delete("a/?recursive=true", nil) == 401)
            #expect(try await delete("a/?recursive=true", reader) == 403)
            #expect(try await delete("a/?recursive=true", part) == 403)
            #expect(try await delete("none/?recursive=true", all) == 403)
            #expect(try await server.list("files/", "list&recursive")?.children.count == 4)
            #expect(try await delete("a/x/?recursive=true", part) == 204)
            #expect(try await delete("a/?recursive=true", all) == 204)
            #expect(try await delete("a/?recursive=true", all) == 404)
            #expect(try await server.list("files/", "list&recursive")?.names == ["b"])
        }
    }

    @Test("What is write-once stays, what is closed takes nothing")
    func policies() async throws {
        let once = RepositorySettings(writePolicy: .once)
        try await withFiles(["files": .init(), "once": once, "closed": .init()]) { server in
            func put(_ path: String, _ text: String) async throws -> Int {
                try await server.send("PUT", "/generic/\(path)", body: text.bytes).status
            }
            #expect(try await put("once/a", "one") == 201)
            #expect(try await put("once/a", "one") == 200)
            #expect(try await put("once/a", "two") == 409)
            #expect(try await server.send("DELETE", "/generic/once/a").status == 403)
            #expect(try await server.send("DELETE", "/generic/once/?recursive=true").status == 403)
            #expect(try await server.send("GET", "/generic/once/a").text == "one")
            try await server.put("closed/a", "one")
            let deny = #"{"writePolicy":"deny"}"#.bytes
            #expect(try await server.send("PATCH", "/api/v1/repositories/closed", body: deny).status == 200)
            #expect(try await put("closed/a", "two") == 409)
            #expect(try await put("closed/b", "two") == 409)
            #expect(try await server.send("DELETE", "/generic/closed/a").status == 403)
            #expect(try await server.send("PUT", "/generic/closed/a?properties=a=1").status == 409)
            #expect(try await server.send("GET", "/generic/closed/a").text == "one")
            #expect(try await server.list("closed/")?.names == ["a"])
        }
    }

    @Test("Anybody reads what is open, and nobody unknown writes it")
    func anonymous() async throws {
        try await withFiles(["open": .init(anonymousRead: true), "files": .init()]) { server in
            try await server.put("open/a")
            try await server.put("files/a")
            func status(_ method: String, _ path: String) async throws -> Int {
                let body = method == "PUT" ? "x".bytes : nil
                return try await server.send(method, "/generic/\(path)", body: body, authorization: nil).status
            }
            #expect(try await status("GET", "open/a") == 200)
            #expect(try await status("GET", "open/?list") == 200)
            #expect(try await status("GET", "open/none") == 404)
            #expect(try await status("PUT", "open/b") == 401)
            #expect(try await status("DELETE", "open/a") == 401)
            #expect(try await status("GET", "files/a") == 401)
            #expect(try await status("GET", "files/?list") == 401)
            let challenge = try await server.send("GET", "/generic/files/a", authorization: nil)
            #expect(challenge["WWW-Authenticate"] == "Basic realm=\"Granary\", charset=\"UTF-8\"")
            let wrong = TestServer.basic("admin", "wrong password")
            #expect(try await server.send("GET", "/generic/open/a", authorization: wrong).status == 401)
        }
    }

    @Test("A right is what it says and no more")
    func rights() async throws {
        try await withFiles { server in
            try await server.put("files/d/a")
            let rights: [(String, Rights)] = [
                ("reader", .read), ("writer", .write), ("deleter", .delete), ("chief", .admin)
            ]
            let expected: [String: [Int]] = [
                "reader": [200, 403, 403, 403], "writer": [404, 201, 403, 403], "deleter": [404, 403, 204, 404],
                "chief": [404, 403, 403, 403]
            ]
            for (name, right) in rights {
                let user = try await server.user(name, ("files", "**", right))
                var answers = [try await server.send("GET", "/generic/files/d/a", authorization: user).status]
                let path = "/generic/files/d/\(name)"
                answers.append(try await server.send("PUT", path, body: "x".bytes, authorization: user).status)
                answers.append(try await server.send("DELETE", "/generic/files/d/a", authorization: user).status)
                answers.append(try await server.send("DELETE", "/generic/files/d/none", authorization: user).status)
                #expect(answers == expected[name], "\(name)")
            }
        }
    }

    private static let probes: [(method: String, path: String)] = [
        ("GET", ""), ("GET", "/"), ("GET", "/a"), ("GET", "/none"), ("HEAD", "/a"), ("GET", "/a//b"), ("GET", "/%00"),
        ("PUT", "/a"), ("PUT", "/x"), ("DELETE", "/a"), ("DELETE", "/a/?recursive=true"), ("OPTIONS", "/"),
        ("MKCOL", "/a"),
        ("POST", "/a"), ("GET", "/.uploads/00000000000000000000000000000000"), ("GET", "/;a=/")
    ]

    @Test("A repository that is private to somebody answers like one that does not exist")
    func hidden() async throws {
        try await withFiles(["files": .init(), "secret": .init()]) { server in
            try await server.put("secret/a")
            let ann = try await server.user("ann", ("files", "**", .all))
            for user in [ann, nil] {
                for (method, path) in Self.probes {
                    let answers = try await ["secret", "nobody"].asyncMap { name in
                        let answer = try await server.send(method, "/generic/\(name)\(path)", authorization: user)
                        return "\(answer.status) \(answer.text.replacing(name, with: "…"))"
                            + " \(answer["Allow"] ?? "") \(answer["Content-Type"] ?? "")"
                    }
                    #expect(answers[0] == answers[1], "\(method) \(path)")
                    #expect(answers[0].hasPrefix(user == nil ? "401" : "404"), "\(method) \(path)")
                }
            }
        }
    }

    @Test("What is not offered is said so")
    func methods() async throws {
        try await withFiles { server in
            for method in ["PATCH", "MKCOL", "PROPFIND", "LOCK", "COPY", "TRACE"] {
                let answer = try await server.send(method, "/generic/files/a")
                #expect(answer.status == 405, "\(method)")
                #expect(answer["Allow"] == "OPTIONS, GET, HEAD, PUT, DELETE, POST")
            }
            let form = ["Content-Type": "multipart/form-data; boundary=x"]
            #expect(try await server.send("POST", "/generic/files/a", form, body: "--x--".bytes).status == 405)
            let options = try await server.send("OPTIONS", "/generic/files/")
            #expect(options.status == 204 && options["Tus-Version"] == "1.0.0" && options["Allow"] != nil)
        }
    }
}

extension Array {
    /// `transform` of each element, one after the other.
    func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
