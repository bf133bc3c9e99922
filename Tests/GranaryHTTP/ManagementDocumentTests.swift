import FoundationEssentials
import GranaryModel
import GranaryTestKit
import HTTPTypes
import Testing

@testable import GranaryHTTP

@Suite("The management interface and its description")
struct ManagementDocumentTests {
    /// A call that must succeed, in an order in which all do. `{x}` in a path stands for what an earlier answer gave.
    private struct Call {
        let operation: String
        let method: String
        let path: String
        var body: String?
        /// What of the answer later paths need.
        var keeps: String?
    }

    private static let calls = [
        Call(operation: "getVersion", method: "GET", path: "/version"),
        Call(operation: "whoAmI", method: "GET", path: "/whoami"),
        Call(
            operation: "createRepository", method: "POST", path: "/repositories",
            body:
                #"{"name":"made","format":"generic","kind":"local","settings":{"description":"x","anonymousRead":true}}"#
        ),
        Call(operation: "listRepositories", method: "GET", path: "/repositories"),
        Call(operation: "getRepository", method: "GET", path: "/repositories/made"),
        Call(
            operation: "changeRepository", method: "PATCH", path: "/repositories/made", body: #"{"writePolicy":"once"}"#
        ),
        Call(operation: "explainPackage", method: "GET", path: "/repositories/made/explanation?package=a/b"),
        Call(
            operation: "createRepository", method: "POST", path: "/repositories",
            body:
                #"{"name":"far","format":"generic","kind":"remote","settings":{"upstream":{"url":"https://far.example/"}}}"#
        ),
        Call(
            operation: "createWaiver", method: "POST", path: "/repositories/far/waivers",
            body: #"{"package":"a/*","versions":"1.*","until":"2100-01-31T12:00:00Z","reason":"an outage"}"#,
            keeps: "id"),
        Call(operation: "listWaivers", method: "GET", path: "/repositories/far/waivers"),
        Call(operation: "getRepository", method: "GET", path: "/repositories/far"),
        Call(operation: "deleteWaiver", method: "DELETE", path: "/repositories/far/waivers/{id}"),
        Call(
            operation: "createUser", method: "POST", path: "/users",
            body: #"{"name":"ann","password":"a long password","administrator":false}"#),
        Call(operation: "listUsers", method: "GET", path: "/users"),
        Call(operation: "getUser", method: "GET", path: "/users/ann"),
        Call(operation: "changeUser", method: "PATCH", path: "/users/ann", body: #"{"disabled":false}"#),
        Call(
            operation: "createToken", method: "POST", path: "/tokens",
            body: #"{"name":"ci","user":"ann","expiresAt":"2100-01-31T12:00:00Z"}"#, keeps: "id"),
        Call(operation: "listTokens", method: "GET", path: "/tokens"),
        Call(operation: "listTokens", method: "GET", path: "/tokens?user=ann"),
        Call(operation: "revokeToken", method: "DELETE", path: "/tokens/{id}"),
        Call(operation: "listTokens", method: "GET", path: "/tokens"),
        Call(
            operation: "createGrant", method: "POST", path: "/grants",
            body: #"{"user":"ann","repository":"made","package":"a/**","rights":["read","write"]}"#, keeps: "id"),
        Call(
            operation: "createGrant", method: "POST", path: "/grants", body: #"{"repository":"**","rights":["read"]}"#),
        Call(operation: "listGrants", method: "GET", path: "/grants"),
        Call(operation: "deleteGrant", method: "DELETE", path: "/grants/{id}"),
        Call(operation: "deleteUser", method: "DELETE", path: "/users/ann"),
        Call(operation: "deleteRepository", method: "DELETE", path: "/repositories/made"),
        Call(operation: "listEvents", method: "GET", path: "/events?limit=1000"),
        Call(operation: "startSweep", method: "POST", path: "/sweeps", body: #"{"graceSeconds":60,"dryRun":true}"#),
        Call(operation: "startCheck", method: "POST", path: "/checks", keeps: "id"),
        Call(operation: "getJob", method: "GET", path: "/jobs/{id}"),
        Call(operation: "listJobs", method: "GET", path: "/jobs?limit=10")
    ]

    @Test("Every answer is what the served document says it is")
    func conformance() async throws {
        try await withFiles { server in
            let document: JSONValue = try await server.send("GET", "/api/v1/openapi.json", authorization: nil).json()
            let validator = SchemaValidator(named: document["components", "schemas"]?.members ?? [:])
            try await server.put("files/a/b;x=1")
            try await server.put("files/a/b;x=2", "other")
            var kept = ""
            for call in Self.calls {
                let path = "/api/v1" + call.path.replacing("{id}", with: kept)
                let answer = try await server.send(call.method, path, body: call.body?.bytes)
                let operation = try #require(Self.operation(call.operation, in: document), "\(call)")
                let faults = Self.faults(of: answer, to: operation, validator)
                #expect(faults == [], "\(call)")
                if let body = call.body, let schema = Self.schema(operation["requestBody"]) {
                    let sent = try JSONDecoder().decode(JSONValue.self, from: Data(body.utf8))
                    #expect(validator.faults(of: sent, against: schema) == [], "\(call)")
                }
                if let key = call.keeps {
                    let value = try answer.json(JSONValue.self)[key]
                    kept = value?.text ?? value?.integer.map(String.init) ?? ""
                }
            }
            // Tags are of other formats; the refusal is described, too.
            let history = try await server.send("GET", "/api/v1/repositories/files/tags/history?package=a&tag=b")
            #expect(history.status == 404)
            // Nor does a server for tests know where to.
            let backup = try await server.send("POST", "/api/v1/backups", body: #"{"keep":3}"#.bytes)
            #expect(backup.status == 409)
            let called = Set(Self.calls.map(\.operation)).union(["getTagHistory", "startBackup"])
            #expect(called == Set(ManagementInterface.endpoints(version: "").map(\.name)))
        }
    }

    @Test("Every refusal is a problem as the document says")
    func problems() async throws {
        try await withFiles { server in
            let document: JSONValue = try await server.send("GET", "/api/v1/openapi.json").json()
            let validator = SchemaValidator(named: document["components", "schemas"]?.members ?? [:])
            for operation in Self.operations(document) {
                let schema = try #require(Self.schema(operation["responses", "default"]))
                #expect(schema["$ref"]?.text == "#/components/schemas/Problem")
                #expect(operation["responses", "default", "content", "application/problem+json"] != nil)
            }
            for operation in Self.operations(document) {
                #expect(Self.schema(operation["responses", "429"])?["$ref"]?.text == "#/components/schemas/Problem")
                #expect(operation["responses", "429", "headers", "Retry-After"] != nil)
            }
            let guesses = try await concurrently(6) { number in
                try await server.send("GET", "/api/v1/users", authorization: TestServer.basic("ann", "\(number)"))
            }
            let tooMany = try #require(guesses.first { $0.status == 429 })
            #expect(tooMany["Content-Type"] == "application/problem+json" && tooMany["Retry-After"] == "1")
            for (method, path, user) in Self.refusals {
                let answer = try await server.send(method, path, authorization: user)
                #expect((400..<500).contains(answer.status), "\(method) \(path)")
                #expect(answer["Content-Type"] == "application/problem+json", "\(method) \(path)")
                let problem: JSONValue = try answer.json()
                #expect(
                    validator.faults(of: problem, against: .object(["$ref": .string("#/components/schemas/Problem")]))
                        == [])
                #expect(problem["status"]?.integer == answer.status)
                #expect((problem["detail"]?.text ?? "").count > 5, "\(method) \(path)")
            }
        }
    }

    private static let refusals: [(String, String, String?)] = [
        ("GET", "/api/v1", nil), ("GET", "/api/v1/", nil), ("GET", "/api/v1/nothing", nil), ("GET", "/nothing", nil),
        ("GET", "/api/v2/version", nil), ("GET", "/api/v1/users", nil), ("GET", "/api/v1/users", "Basic x"),
        ("POST", "/api/v1/users", TestServer.basic("admin", TestServer.administrator.password)),
        ("POST", "/api/v1/version", nil), ("PATCH", "/api/v1/openapi.json", nil), ("GET", "/api/v1/users/%00", nil),
        ("GET", "/api/v1/repositories/a%2Fb", TestServer.basic("admin", TestServer.administrator.password)),
        ("GET", "/api/v1/events?limit=x", TestServer.basic("admin", TestServer.administrator.password))
    ]

    private static let strangeBodies: [(String, String, String)] = [
        ("POST", "/repositories", #"{"name":"a","format":"generic","kind":"local","descripton":"x"}"#),
        ("POST", "/repositories", #"{"name":"a","format":"generic","kind":"local","settings":{"anonymusRead":true}}"#),
        ("POST", "/repositories", #"{"name":"a","format":"generic","kind":"local","settings":null}"#),
        ("PATCH", "/repositories/files", #"{"anonymusRead":true}"#),
        ("PATCH", "/repositories/files", #"{"writePolicy":null}"#),
        ("POST", "/users", #"{"name":"a","password":null}"#), ("POST", "/users", #"{"name":"a","admin":true}"#),
        ("PATCH", "/users/admin", #"{"administrator":null}"#), ("PATCH", "/users/admin", #"{"secret":"x"}"#),
        ("POST", "/tokens", #"{"name":"a","expires":"2100-01-31T12:00:00Z"}"#),
        ("POST", "/tokens", #"{"name":"a","expiresAt":null}"#),
        ("POST", "/grants", #"{"repository":"files","rights":["read"],"user":null}"#),
        ("POST", "/grants", #"{"repository":"files","rights":["read"],"name":"ann"}"#),
        ("POST", "/sweeps", #"{"dry":true}"#), ("POST", "/sweeps", #"{"graceSeconds":null}"#),
        ("POST", "/backups", #"{"keeping":3}"#)
    ]

    @Test("What a request is not described with is refused, and changes nothing")
    func strangers() async throws {
        try await withFiles { server in
            let before = try await server.send("GET", "/api/v1/events?limit=1000").json(JSONValue.self)
            for (method, path, body) in Self.strangeBodies {
                let answer = try await server.send(method, "/api/v1\(path)", body: body.bytes)
                #expect(answer.status == 400, "\(method) \(path) \(body)")
                #expect(answer.text.contains("there is no '") || answer.text.contains("is null"), "\(answer.text)")
            }
            let after = try await server.send("GET", "/api/v1/events?limit=1000").json(JSONValue.self)
            #expect(after == before)
        }
    }

    @Test("The document names the formats that are served, and open paths take credentials, too")
    func served() async throws {
        try await withFiles { server in
            let document: JSONValue = try await server.send("GET", "/api/v1/openapi.json", authorization: nil).json()
            let new = document["components", "schemas", "NewRepository", "properties"]
            #expect(new?["format", "enum"]?.elements == ["generic"])
            #expect(new?["kind", "enum"]?.elements == ["local", "remote", "virtual"])
            for endpoint in ManagementInterface.endpoints(version: "") {
                let security = Self.operation(endpoint.name, in: document)?["security"]?.elements ?? []
                #expect(security.contains(.object([:])) == endpoint.isOpen, "\(endpoint.name)")
                #expect(security.contains { $0["basic"] != nil } && security.contains { $0["token"] != nil })
            }
        }
    }

    @Test("Every path and method of the table is in the document, once, and nothing else")
    func completeness() async throws {
        try await withFiles { server in
            let answer = try await server.send("GET", "/api/v1/openapi.json", authorization: nil)
            #expect(answer.status == 200 && answer["Content-Type"] == "application/json")
            let document: JSONValue = try answer.json()
            #expect(document["openapi"]?.text == "3.1.0" && document["info", "version"]?.text == "test")
            var described: Set<String> = []
            for (path, methods) in document["paths"]?.members ?? [:] {
                for (method, operation) in methods.members {
                    described.insert("\(method) \(path)")
                    let named = operation["parameters"]?.elements.filter { $0["in"]?.text == "path" }.compactMap {
                        $0["name"]?.text
                    }
                    let inPath = path.matches(of: /\{([a-z]+)\}/).map { String($0.1) }
                    #expect(named == inPath, "\(method) \(path)")
                }
            }
            let table = ManagementInterface.endpoints(version: "").map {
                "\($0.method.rawValue.lowercased()) /api/v1\($0.path)"
            }
            #expect(described == Set(table) && described.count == table.count)
            let names = Self.operations(document).compactMap { $0["operationId"]?.text }
            #expect(Set(names).count == table.count)
        }
    }

    @Test("A path says which methods it takes, and keeps to it")
    func methods() async throws {
        try await withFiles { server in
            let table = Dictionary(grouping: ManagementInterface.endpoints(version: ""), by: \.path)
            for (path, endpoints) in table {
                let address = "/api/v1" + path.replacing("{name}", with: "x").replacing("{id}", with: "1")
                let answer = try await server.send("PUT", address, body: [])
                #expect(answer.status == 405, "\(path)")
                let allowed = Set((answer["Allow"] ?? "").split(separator: ", ").map(String.init))
                var expected = Set(endpoints.map(\.method.rawValue))
                if expected.contains("GET") { expected.insert("HEAD") }
                #expect(allowed == expected, "\(path)")
            }
            let document = try await server.send("DELETE", "/api/v1/openapi.json")
            #expect(document.status == 405 && document["Allow"] == "GET, HEAD")
            let head = try await server.send("HEAD", "/api/v1/version", authorization: nil)
            #expect(head.status == 200 && head.body.isEmpty && head["Content-Length"] == "18")
        }
    }

    // MARK: The document

    private static func operations(_ document: JSONValue) -> [JSONValue] {
        (document["paths"]?.members ?? [:]).values.flatMap { $0.members.values }
    }

    private static func operation(_ name: String, in document: JSONValue) -> JSONValue? {
        operations(document).first { $0["operationId"]?.text == name }
    }

    /// The schema of the only content of a body or an answer.
    private static func schema(_ part: JSONValue?) -> JSONValue? { part?["content"]?.members.values.first?["schema"] }

    private static func faults(of answer: TestAnswer, to operation: JSONValue, _ validator: SchemaValidator) -> [String]
    {
        guard let response = operation["responses", String(answer.status)] else {
            return ["\(answer.status) is not described: \(answer.text)"]
        }
        guard let content = response["content"]?.members.first else {
            return answer.body.isEmpty ? [] : ["an answer that is not described"]
        }
        guard answer["Content-Type"] == content.key else {
            return ["\(answer["Content-Type"] ?? "nothing") is no \(content.key)"]
        }
        guard let schema = content.value["schema"], let value = try? answer.json(JSONValue.self) else {
            return ["no JSON"]
        }
        return validator.faults(of: value, against: schema)
    }
}
