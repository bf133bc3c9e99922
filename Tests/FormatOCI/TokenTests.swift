import GranaryFormat
import GranaryModel
import HTTPTypes
import NIOCore
import Testing

@testable import FormatOCI

@Suite struct TokenTests {
    struct ScopeCase: Sendable, CustomTestStringConvertible {
        let text: String
        var type = "repository"
        let name: String
        let rights: Rights
        var testDescription: String { text }
    }

    @Test(arguments: [
        ScopeCase(text: "repository:docker/team/api:pull", name: "docker/team/api", rights: .read),
        ScopeCase(text: "repository:a:pull,push", name: "a", rights: [.read, .write]),
        ScopeCase(text: "repository:a:delete", name: "a", rights: .delete),
        ScopeCase(text: "repository:a:*", name: "a", rights: [.read, .write, .delete]),
        ScopeCase(text: "repository:a:pull,unheard-of", name: "a", rights: .read),
        ScopeCase(text: "repository:a:", name: "a", rights: []),
        ScopeCase(text: "repository(plugin):a:pull", name: "a", rights: .read),
        ScopeCase(text: "repository:host.example:5000/a:pull", name: "host.example:5000/a", rights: .read),
        ScopeCase(
            text: "registry:catalog:*", type: "registry", name: "catalog", rights: [.read, .write, .delete])
    ])
    func `A scope is type, name and actions`(_ expected: ScopeCase) throws {
        let scope = try #require(TokenScope(expected.text))
        #expect(scope.type == expected.type)
        #expect(scope.name == expected.name)
        #expect(scope.rights == expected.rights)
    }

    @Test(arguments: ["", ":", "::", "repository", "repository:a", "repository::pull", ":a:pull", "(x):a:pull"])
    func `Anything else is no scope`(_ text: String) {
        #expect(TokenScope(text) == nil)
    }

    @Test func `Scopes are repeated or joined, and each image is asked for once`() {
        let query = Query(
            "service=x&scope=repository:a:pull&scope=repository:b:pull+junk+repository:a:push&scope=registry:catalog:*"
                + "&scope=repository:host:5000/c:pull&scope=other:d:pull")
        #expect(
            TokenScope.requests(TokenScope.all(in: query)) == [
                ScopeRequest(address: "a", rights: [.read, .write]), ScopeRequest(address: "b", rights: .read)
            ])
    }

    @Test func `A token has so many scopes and no more`() {
        let query = Query("scope=" + (0..<200).map { "repository:a\($0):pull" }.joined(separator: "+"))
        #expect(TokenScope.all(in: query).count == OCI.maximumScopes)
    }

    @Test func `A form grants by password only`() throws {
        let login = try OCI().login(Query("grant_type=password&username=ann&password=s%26cret+&service=x"))
        #expect(login.user == "ann")
        #expect(login.secret == "s&cret ")
        for form in [
            "", "grant_type=refresh_token&refresh_token=x", "grant_type=password&username=ann",
            "grant_type=password&password=x", "grant_type=password&username=&password=x"
        ] {
            let problem = #expect(throws: Problem.self) { try OCI().login(Query(form)) }
            let reply = answer(try #require(problem), request(.post, "_token", prefix: "/v2/"))
            #expect(reply.status == 400)
            #expect(reply.code == "UNSUPPORTED")
        }
    }

    @Test func `The answer carries the token twice, its lifetime and for forms what was granted`() throws {
        let issued = IssuedToken(
            token: "t.o.k", issuedAt: Timestamp(milliseconds: 1_700_000_000_000), expiresInSeconds: 300,
            granted: [
                ScopeRequest(address: "docker/a", rights: [.write, .read]), ScopeRequest(address: "b", rights: [])
            ])
        #expect(
            try text(OCI().answer(issued, showsScope: true)) == """
                {"access_token":"t.o.k","expires_in":300,"issued_at":"2023-11-14T22:13:20.000Z",\
                "scope":"repository:docker/a:pull,push","token":"t.o.k"}
                """)
        #expect(!(try text(OCI().answer(issued, showsScope: false)).contains("scope")))
        let short = IssuedToken(token: "t", issuedAt: issued.issuedAt, expiresInSeconds: 5, granted: [])
        #expect(try text(OCI().answer(short, showsScope: false)).contains(#""expires_in":60"#))
    }

    private func text(_ reply: Reply) throws -> String {
        guard case .bytes(let buffer) = reply.body else { throw Problem.unsupported("no body") }
        return String(buffer: buffer)
    }
}
