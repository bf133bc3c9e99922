import FoundationEssentials
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

@testable import GranaryCore

@Suite(.serialized) struct OCITokenTests {
    struct Answer: Decodable {
        let token: String
        let access_token: String
        let expires_in: Int
        let issued_at: String
        let scope: String?
    }

    /// The token for scopes, as a header.
    static func bearer(_ server: TestServer, _ scopes: String..., as authorization: String?) async throws -> String {
        let query = scopes.map { "&scope=\($0)" }.joined()
        let answer = try await server.send("GET", "/v2/_token?service=x\(query)", authorization: authorization)
        try #require(answer.status == 200, "\(answer.text)")
        return "Bearer " + (try answer.json(Answer.self)).token
    }

    @Test func `A ping tells the unknown where to get a token, in exact words`() async throws {
        try await withOCI { server in
            let realm = #"Bearer realm="\#(server.origin)/v2/_token",service="127.0.0.1:\#(server.port)""#
            for path in ["/v2/", "/v2"] {
                let answer = try await server.send("GET", path, authorization: nil)
                #expect(answer.refusal == "401 UNAUTHORIZED")
                #expect(answer.all("WWW-Authenticate") == [realm])
                #expect(answer["Docker-Distribution-API-Version"] == "registry/2.0")
            }
            let head = try await server.send("HEAD", "/v2/", authorization: nil)
            #expect(head.status == 401 && head.body.isEmpty && head.all("WWW-Authenticate") == [realm])
            let known = try await server.send("GET", "/v2/")
            #expect(known.status == 200 && known.text == "{}")
            #expect(known["Docker-Distribution-API-Version"] == "registry/2.0")
            let wrong = try await server.send("GET", "/v2/", authorization: TestServer.basic("admin", "wrong"))
            #expect(wrong.refusal == "401 UNAUTHORIZED")
        }
    }

    @Test func `A challenge names the scope that the request needs`() async throws {
        try await withOCI { server in
            let digest = sha256([])
            let cases = [
                ("GET", "docker/team/api/manifests/v1", "repository:docker/team/api:pull"),
                ("GET", "team/api/tags/list", "repository:team/api:pull"),
                ("GET", "team/api/blobs/\(digest)", "repository:team/api:pull"),
                // Who looks for a blob is about to push it.
                ("HEAD", "team/api/blobs/\(digest)", "repository:team/api:pull,push"),
                ("POST", "team/api/blobs/uploads/", "repository:team/api:pull,push"),
                ("PUT", "team/api/manifests/v1", "repository:team/api:pull,push"),
                ("DELETE", "team/api/manifests/v1", "repository:team/api:pull,delete"),
                ("GET", "_catalog", "registry:catalog:*")
            ]
            for (method, path, scope) in cases {
                for authorization in [nil, "Bearer garbage"] {
                    let answer = try await server.send(method, "/v2/\(path)", authorization: authorization)
                    let challenges = answer.all("WWW-Authenticate")
                    #expect(answer.status == 401 && challenges.count == 1)
                    #expect(challenges.first?.contains(#"scope="\#(scope)""#) ?? false, "\(challenges)")
                    let isInvalid = challenges.first?.contains(#"error="invalid_token""#) ?? false
                    #expect(isInvalid == (authorization != nil))
                }
            }
        }
    }

    @Test func `A ping needs no credential when anybody may read everything`() async throws {
        try await withOCI([.oci("docker", isPublic: true, isDefault: true)]) { server in
            #expect(try await server.send("GET", "/v2/", authorization: nil).status == 200)
            try await server.image("app").pushImage("1", tag: "v1")
            #expect(try await server.image("app", as: nil).send("GET", "manifests/v1").status == 200)
            let write = try await server.image("app", as: nil).send("POST", "blobs/uploads/")
            #expect(write.refusal == "401 UNAUTHORIZED")
        }
    }

    @Test func `A token is answered to GET and to POST in the shape clients read`() async throws {
        try await withOCI { server in
            let scope = "repository:docker/app:pull,push"
            let got = try await server.send("GET", "/v2/_token?service=s&account=admin&scope=\(scope)")
            #expect(got.status == 200 && got["Content-Type"] == "application/json")
            let answer = try got.json(Answer.self)
            #expect(answer.token == answer.access_token && answer.expires_in >= 60 && answer.scope == nil)
            let issued = try JSONDecoder.iso.decode(Date.self, from: Data("\"\(answer.issued_at)\"".utf8))
            #expect(abs(issued.timeIntervalSinceNow) < 60)

            let form =
                "grant_type=password&service=s&client_id=containerd&username=admin"
                + "&password=correct%20horse+battery&scope=repository%3Adocker%2Fapp%3Apull%2Cpush"
            let type = ["Content-Type": "application/x-www-form-urlencoded"]
            let posted = try await server.send(
                "POST", "/v2/_token", type, body: Array(form.utf8), authorization: nil)
            #expect(posted.status == 200)
            #expect(try posted.json(Answer.self).scope == scope)
            for token in [answer.token, try posted.json(Answer.self).access_token] {
                try await server.image(as: "Bearer \(token)").push([1, 2, 3])
            }
            let wrong = form.replacing("horse", with: "cow")
            let refused = try await server.send(
                "POST", "/v2/_token", type, body: Array(wrong.utf8), authorization: nil)
            #expect(refused.refusal == "401 UNAUTHORIZED")
            #expect(refused.all("WWW-Authenticate") == [#"Basic realm="127.0.0.1:\#(server.port)""#])
            let unknown = try await server.send(
                "GET", "/v2/_token", authorization: TestServer.basic("nobody", "correct horse battery"))
            #expect(unknown.refusal == "401 UNAUTHORIZED")
        }
    }

    @Test func `A token reaches as far as was asked for and allowed, and no further`() async throws {
        try await withOCI { server in
            try await server.image("docker/app").pushImage("1", tag: "v1")
            try await server.image("docker/other").pushImage("1", tag: "v1")
            let pull = try await Self.bearer(server, "repository:docker/app:pull", as: TestServer.adminBasic)
            #expect(try await server.image(as: pull).send("GET", "manifests/v1").status == 200)
            // The default repository's images have two names; a token for one is good for the other.
            #expect(try await server.image("app", as: pull).send("GET", "manifests/v1").status == 200)
            let attempts = [
                try await server.image(as: pull).send("POST", "blobs/uploads/"),
                try await server.image(as: pull).send("DELETE", "manifests/v1"),
                try await server.image("docker/other", as: pull).send("GET", "manifests/v1"),
                try await server.image("docker/none", as: pull).send("GET", "manifests/v1")
            ]
            for attempt in attempts {
                #expect(attempt.refusal == "401 UNAUTHORIZED")
                let challenge = attempt["WWW-Authenticate"] ?? ""
                #expect(challenge.hasSuffix(#",error="insufficient_scope""#) && challenge.contains("scope="))
            }
            // A token must not fetch one that reaches further.
            let further = try await Self.bearer(server, "repository:docker/other:pull", as: pull)
            #expect(try await server.image("docker/other", as: further).send("GET", "manifests/v1").status == 401)
            // Nor may it manage the server.
            #expect(try await server.send("GET", "/api/v1/users", authorization: pull).status == 401)
        }
    }

    @Test func `What a user may not do is left out of the token, and refused for good`() async throws {
        try await withOCI { server in
            try await server.image().pushImage("1", tag: "v1")
            let reader = try await server.member("reader", .read)
            let stranger = try await server.member("stranger")
            let token = try await Self.bearer(server, "repository:docker/app:pull,push", as: reader)
            #expect(try await server.image(as: token).send("GET", "manifests/v1").status == 200)
            #expect(try await server.image(as: token).send("POST", "blobs/uploads/").refusal == "403 DENIED")
            #expect(try await server.image(as: token).send("DELETE", "manifests/v1").refusal == "403 DENIED")
            let empty = try await Self.bearer(server, "repository:docker/app:pull", as: stranger)
            #expect(try await server.image(as: empty).send("GET", "manifests/v1").refusal == "404 NAME_UNKNOWN")
            let everything = try await Self.bearer(
                server, "repository:docker/app:*", "repository:docker/two:pull", as: TestServer.adminBasic)
            #expect(try await server.image(as: everything).send("DELETE", "manifests/v1").status == 202)
        }
    }

    @Test func `Somebody unknown gets a token that reads what is public`() async throws {
        try await withOCI([.oci("docker", isPublic: true, isDefault: true), .oci("prod")]) { server in
            try await server.image("app").pushImage("1", tag: "v1")
            try await server.image("prod/app").pushImage("1", tag: "v1")
            #expect(try await server.send("GET", "/v2/", authorization: nil).status == 401)
            let token = try await Self.bearer(
                server, "repository:app:pull", "repository:prod/app:pull", as: nil)
            #expect(try await server.send("GET", "/v2/", authorization: token).status == 200)
            #expect(try await server.image("app", as: token).send("GET", "manifests/v1").status == 200)
            let hidden = try await server.image("prod/app", as: token).send("GET", "manifests/v1")
            #expect(hidden.refusal == "401 UNAUTHORIZED")
            #expect(try await server.image("app", as: token).send("POST", "blobs/uploads/").status == 401)
        }
    }

    @Test func `Expired, foreign, changed and malformed credentials are refused`() async throws {
        try await withOCI { server in
            let admin = try #require(UserName("admin"))
            let past = Timestamp(milliseconds: 1_000_000_000_000)
            let random: @Sendable (Int) -> [UInt8] = { [UInt8](repeating: 1, count: $0) }
            let own = [UInt8](repeating: 7, count: 32)
            let expired = try await TokenSigner(key: own, now: { past }, random: random)
                .issue(to: admin, scopes: [], mayList: false, granted: []).token
            let future = Timestamp(milliseconds: 4_000_000_000_000)
            let foreign = try await TokenSigner(
                key: [UInt8](repeating: 8, count: 32), now: { future }, random: random
            ).issue(to: admin, scopes: [], mayList: false, granted: []).token
            let good = try await TokenSigner(key: own, now: { future }, random: random)
                .issue(to: admin, scopes: [], mayList: false, granted: []).token
            #expect(try await server.send("GET", "/v2/", authorization: "Bearer \(good)").status == 200)
            let parts = good.split(separator: ".").map(String.init)
            let unsigned = Data(#"{"alg":"none","typ":"JWT"}"#.utf8).base64EncodedString().prefix { $0 != "=" }
            let bad = [
                "Bearer \(expired)", "Bearer \(foreign)", "Bearer \(parts[0]).\(parts[1]).",
                "Bearer \(unsigned).\(parts[1]).", "Bearer \(unsigned).\(parts[1]).\(parts[2])",
                "Bearer \(parts[0]).e30.\(parts[2])", "Bearer \(good)x", "Bearer a.b.c", "Bearer", "Bearer  ",
                "Basic", "Basic !!!", "Basic YWRtaW4=", "Digest abc", "Basic \(good)",
                "Bearer grn_0123456789abcdef_" + String(repeating: "0", count: 48)
            ]
            for authorization in bad {
                let answer = try await server.send("GET", "/v2/", authorization: authorization)
                #expect(answer.refusal == "401 UNAUTHORIZED", "\(authorization)")
                #expect(answer.all("WWW-Authenticate").count == 1)
            }
        }
    }

    @Test func `An access token stands for its user, until it is revoked`() async throws {
        try await withOCI { server in
            _ = try await server.member("ci", [.read, .write])
            let token = try await server.management.createToken("ci", for: "ci", expiresAt: nil, by: server.admin)
            let ways = [
                TestServer.basic("ci", token.secret), TestServer.basic("token", token.secret), "Bearer \(token.secret)"
            ]
            for way in ways { try await server.image(as: way).push([1]) }
            let jwt = try await Self.bearer(server, "repository:docker/app:pull,push", as: ways[0])
            try await server.image(as: jwt).push([2])
            let other = try await server.send("GET", "/v2/", authorization: TestServer.basic("admin", token.secret))
            #expect(other.refusal == "401 UNAUTHORIZED")

            let revoked = try await server.send("DELETE", "/api/v1/tokens/\(token.token.id)")
            #expect(revoked.status == 204)
            for way in ways {
                #expect(try await server.image(as: way).send("POST", "blobs/uploads/").status == 401)
                #expect(try await server.send("GET", "/v2/_token", authorization: way).status == 401)
            }
        }
    }

    @Test func `An access token is over when its time is`() async throws {
        try await withOCI { server in
            let end = server.services.now().adding(.seconds(2))
            let token = try await server.management.createToken("brief", for: "admin", expiresAt: end, by: server.admin)
            let header = "Bearer \(token.secret)"
            #expect(try await server.send("GET", "/v2/", authorization: header).status == 200)
            while server.services.now() <= end { try await Task.sleep(for: .milliseconds(100)) }
            #expect(try await server.send("GET", "/v2/", authorization: header).refusal == "401 UNAUTHORIZED")
        }
    }

    @Test func `A user who is disabled is refused with every credential`() async throws {
        try await withOCI { server in
            let basic = try await server.member("leaver", [.read, .write])
            let jwt = try await Self.bearer(server, "repository:docker/app:pull,push", as: basic)
            try await server.image(as: jwt).push([1])
            let change = try await server.send(
                "PATCH", "/api/v1/users/leaver", ["Content-Type": "application/json"],
                body: Array(#"{"disabled":true}"#.utf8))
            #expect(change.status == 200)
            for way in [basic, jwt] {
                #expect(try await server.image(as: way).send("POST", "blobs/uploads/").refusal == "401 UNAUTHORIZED")
            }
        }
    }
}

extension JSONDecoder {
    fileprivate static var iso: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            let style = Date.ISO8601FormatStyle(includingFractionalSeconds: text.contains("."))
            return try style.parse(text)
        }
        return decoder
    }
}
