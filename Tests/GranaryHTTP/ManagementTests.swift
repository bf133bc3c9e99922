import GranaryCore
import GranaryHTTP
import GranaryModel
import GranaryTestKit
import Testing

@Suite("The management interface: who may do what")
struct ManagementTests {
    private struct Case {
        let method: String
        let path: String
        var body: String?
        /// What somebody unknown, a user, the user who owns the repository, and the administrator are told.
        let statuses: [Int]
    }

    private static let cases = [
        Case(method: "GET", path: "/version", statuses: [200, 200, 200, 200]),
        Case(method: "GET", path: "/whoami", statuses: [401, 200, 200, 200]),
        Case(method: "GET", path: "/repositories", statuses: [200, 200, 200, 200]),
        Case(method: "GET", path: "/repositories/mine", statuses: [401, 404, 200, 200]),
        Case(method: "GET", path: "/repositories/none", statuses: [401, 404, 404, 404]),
        Case(
            method: "PATCH", path: "/repositories/mine", body: #"{"description":"x"}"#, statuses: [401, 404, 200, 200]),
        Case(
            method: "PATCH", path: "/repositories/open", body: #"{"description":"x"}"#, statuses: [401, 403, 403, 200]),
        Case(
            method: "PATCH", path: "/repositories/mine", body: #"{"writePolicy":"maybe"}"#,
            statuses: [401, 400, 400, 400]),
        Case(method: "DELETE", path: "/repositories/mine", statuses: [401, 403, 403, 409]),
        Case(method: "DELETE", path: "/repositories/none", statuses: [401, 403, 403, 404]),
        Case(
            method: "POST", path: "/repositories", body: #"{"name":"mine","format":"generic","kind":"local"}"#,
            statuses: [401, 403, 403, 409]),
        Case(
            method: "POST", path: "/repositories", body: #"{"name":"Bad Name","format":"generic","kind":"local"}"#,
            statuses: [401, 400, 400, 400]),
        Case(
            method: "POST", path: "/repositories", body: #"{"name":"r","format":"nothing","kind":"local"}"#,
            statuses: [401, 403, 403, 400]),
        Case(
            method: "POST", path: "/repositories", body: #"{"name":"r","format":"generic","kind":"remote"}"#,
            statuses: [401, 403, 403, 409]),
        Case(
            method: "POST", path: "/repositories", body: #"{"name":"r","format":"generic","kind":"odd"}"#,
            statuses: [401, 400, 400, 400]),
        Case(method: "POST", path: "/repositories", body: #"{"name":"#, statuses: [401, 400, 400, 400]),
        Case(method: "POST", path: "/repositories", body: "[]", statuses: [401, 400, 400, 400]),
        Case(method: "GET", path: "/users", statuses: [401, 403, 403, 200]),
        Case(method: "GET", path: "/users/user", statuses: [401, 200, 403, 200]),
        Case(method: "GET", path: "/users/none", statuses: [401, 403, 403, 404]),
        Case(method: "POST", path: "/users", body: #"{"name":"user"}"#, statuses: [401, 403, 403, 409]),
        Case(method: "POST", path: "/users", body: #"{"name":"../x"}"#, statuses: [401, 400, 400, 400]),
        Case(method: "POST", path: "/users", body: #"{"name":"x","password":"short"}"#, statuses: [401, 403, 403, 400]),
        Case(method: "PATCH", path: "/users/none", body: #"{"disabled":true}"#, statuses: [401, 403, 403, 404]),
        Case(method: "PATCH", path: "/users/user", body: #"{"administrator":true}"#, statuses: [401, 403, 403, 200]),
        Case(method: "PATCH", path: "/users/user", body: #"{"administrator":false}"#, statuses: [401, 200, 403, 200]),
        Case(method: "DELETE", path: "/users/none", statuses: [401, 403, 403, 404]),
        Case(method: "GET", path: "/tokens", statuses: [401, 403, 403, 200]),
        Case(method: "GET", path: "/tokens?user=user", statuses: [401, 200, 403, 200]),
        Case(method: "GET", path: "/tokens?user=none", statuses: [401, 403, 403, 404]),
        Case(method: "POST", path: "/tokens", body: #"{"name":"t","user":"user"}"#, statuses: [401, 201, 403, 201]),
        Case(method: "POST", path: "/tokens", body: #"{"name":""}"#, statuses: [401, 400, 400, 400]),
        Case(
            method: "POST", path: "/tokens", body: #"{"name":"t","expiresAt":"2001-01-01T00:00:00Z"}"#,
            statuses: [401, 409, 409, 409]),
        Case(
            method: "POST", path: "/tokens", body: #"{"name":"t","expiresAt":"2100-01-01T00:00:00Zx"}"#,
            statuses: [401, 400, 400, 400]),
        Case(method: "DELETE", path: "/tokens/0123456789abcdef", statuses: [401, 404, 404, 404]),
        Case(method: "GET", path: "/grants", statuses: [401, 403, 403, 200]),
        Case(method: "POST", path: "/grants", body: #"{"repository":"x","rights":[]}"#, statuses: [401, 403, 403, 400]),
        Case(
            method: "POST", path: "/grants", body: #"{"repository":"x","rights":["fly"]}"#,
            statuses: [401, 400, 400, 400]),
        Case(
            method: "POST", path: "/grants", body: #"{"user":"none","repository":"x","rights":["read"]}"#,
            statuses: [401, 403, 403, 404]),
        Case(
            method: "POST", path: "/grants", body: #"{"repository":"","rights":["read"]}"#,
            statuses: [401, 400, 400, 400]),
        Case(method: "DELETE", path: "/grants/99999", statuses: [401, 403, 403, 404]),
        Case(method: "DELETE", path: "/grants/x", statuses: [401, 404, 404, 404]),
        Case(method: "GET", path: "/events", statuses: [401, 200, 200, 200]),
        Case(method: "GET", path: "/events?since=-1", statuses: [401, 400, 400, 400]),
        Case(method: "GET", path: "/events?limit=1001", statuses: [401, 400, 400, 400]),
        Case(method: "GET", path: "/events?repository=Bad%20Name", statuses: [401, 400, 400, 400]),
        Case(
            method: "GET", path: "/repositories/mine/tags/history?package=a&tag=b", statuses: [401, 404, 404, 404]),
        Case(method: "GET", path: "/repositories/mine/tags/history", statuses: [401, 400, 400, 400])
    ]

    private func makeUser(_ name: String, from site: String?, _ server: TestServer) async throws -> Int {
        var headers = ["Content-Type": "text/plain"]
        headers["Origin"] = site
        let body = Array(#"{"name":"\#(name)","password":"a long password"}"#.utf8)
        return try await server.send("POST", "/api/v1/users", headers, body: body).status
    }

    @Test("The pages of other sites change nothing with the password that a browser knows")
    func otherSites() async throws {
        try await withFiles { server in
            for site in ["https://evil.example", "null", "http://127.0.0.1", "http://localhost:\(server.port)"] {
                let status = try await makeUser("ann", from: site, server)
                #expect(status == 403, "\(site)")
            }
            let own = try await makeUser("ann", from: "http://127.0.0.1:\(server.port)", server)
            let none = try await makeUser("bob", from: nil, server)
            #expect(own == 201 && none == 201)
        }
    }

    @Test("Everybody is told what becomes them")
    func refusals() async throws {
        try await withFiles(["mine": .init(), "open": .init(anonymousRead: true)]) { server in
            try await server.put("mine/a")
            let user = try await server.user("user")
            let owner = try await server.user("owner", ("mine", "**", .all))
            let admin = TestServer.basic("admin", TestServer.administrator.password)
            for example in Self.cases {
                let statuses = try await [nil, user, owner, admin].asyncMap { caller in
                    try await server.send(
                        example.method, "/api/v1\(example.path)", body: example.body?.bytes, authorization: caller
                    ).status
                }
                #expect(statuses == example.statuses, "\(example)")
            }
        }
    }

    @Test("The last administrator stays, whichever way and however fast one tries")
    func lastAdministrator() async throws {
        try await withFiles { server in
            func patch(_ name: String, _ body: String) async throws -> Int {
                try await server.send("PATCH", "/api/v1/users/\(name)", body: body.bytes).status
            }
            #expect(try await patch("admin", #"{"administrator":false}"#) == 409)
            #expect(try await patch("admin", #"{"disabled":true}"#) == 409)
            #expect(try await server.send("DELETE", "/api/v1/users/admin").status == 409)
            for round in 0..<6 {
                let name = "chief\(round)"
                let body = #"{"name":"\#(name)","password":"\#(TestServer.password)","administrator":true}"#
                #expect(try await server.send("POST", "/api/v1/users", body: body.bytes).status == 201)
                let chief = TestServer.basic(name, TestServer.password)
                #expect(try await server.send("GET", "/api/v1/whoami", authorization: chief).status == 200)
                let statuses = try await concurrently(2) { number in
                    try await server.send(
                        "PATCH", "/api/v1/users/\(number == 0 ? "admin" : name)",
                        body: #"{"administrator":false}"#.bytes,
                        authorization: number == 0
                            ? chief : TestServer.basic("admin", TestServer.administrator.password)
                    ).status
                }
                #expect(statuses.count { $0 == 200 } <= 1, "\(statuses)")
                let left = try server.management.users(for: server.admin).filter {
                    $0.isAdministrator && !$0.isDisabled
                }
                #expect(!left.isEmpty)
                _ = try await server.management.changeUser("admin", .init(isAdministrator: true), by: server.admin)
                try await server.management.deleteUser(name, by: server.admin)
            }
        }
    }

    @Test("Whoever grants is told of their own grant, also when others grant at once")
    func grantAnswers() async throws {
        try await withFiles { server in
            let answers = try await concurrently(12) { number in
                let body = #"{"repository":"files","package":"p\#(number)","rights":["read"]}"#
                return try await server.send("POST", "/api/v1/grants", body: body.bytes).json(JSONValue.self)
            }
            #expect(answers.map { $0["package"]?.text } == (0..<12).map { "p\($0)" })
            #expect(Set(answers.compactMap { $0["id"]?.integer }).count == 12)
            let listed: JSONValue = try await server.send("GET", "/api/v1/grants").json()
            for answer in answers { #expect(listed.elements.contains(answer)) }
        }
    }

    @Test("Changes of different settings at once are all made, and one default is enough")
    func settingsRace() async throws {
        try await withFiles(["one": .init(), "two": .init()]) { server in
            let changes = [#"{"description":"x"}"#, #"{"anonymousRead":true}"#, #"{"writePolicy":"once"}"#]
            _ = try await concurrently(3) { number in
                try await server.send("PATCH", "/api/v1/repositories/one", body: changes[number].bytes)
            }
            let settings = try await server.send("GET", "/api/v1/repositories/one").json(JSONValue.self)["settings"]
            #expect(settings?["description"] == .string("x") && settings?["anonymousRead"] == .boolean(true))
            #expect(settings?["writePolicy"] == .string("once") && settings?["isDefault"] == .boolean(false))
            let statuses = try await concurrently(2) { number in
                try await server.send(
                    "PATCH", "/api/v1/repositories/\(["one", "two"][number])", body: #"{"isDefault":true}"#.bytes
                ).status
            }
            #expect(statuses.sorted() == [200, 409])
        }
    }

    @Test("Lists show what is one's own business")
    func privacy() async throws {
        try await withFiles(["mine": .init(), "secret": .init(), "open": .init(anonymousRead: true)]) { server in
            let ann = try await server.user("ann", ("mine", "x/**", .read))
            let bob = try await server.user("bob")
            func names(_ path: String, _ user: String?) async throws -> [String] {
                let answer = try await server.send("GET", "/api/v1\(path)", authorization: user)
                return try answer.json(JSONValue.self).elements.compactMap { $0["name"]?.text }
            }
            #expect(try await names("/repositories", ann) == ["mine", "open"])
            #expect(try await names("/repositories", nil) == ["open"])
            #expect(
                try await server.send("POST", "/api/v1/tokens", body: #"{"name":"a"}"#.bytes, authorization: ann).status
                    == 201)
            #expect(try await names("/tokens?user=ann", ann) == ["a"])
            let token: JSONValue = try await server.send("GET", "/api/v1/tokens?user=ann").json()
            let id = try #require(token.elements.first?["id"]?.text)
            #expect(token.elements.first?["secret"] == nil)
            #expect(try await server.send("DELETE", "/api/v1/tokens/\(id)", authorization: bob).status == 404)
            #expect(try await server.send("DELETE", "/api/v1/tokens/\(id)", authorization: ann).status == 204)
            #expect(try await server.send("DELETE", "/api/v1/tokens/\(id)", authorization: ann).status == 404)
        }
    }
}
