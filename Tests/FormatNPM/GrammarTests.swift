import FormatNPM
import GranaryFormat
import GranaryModel
import HTTPTypes
import Testing

private func head(_ method: HTTPRequest.Method, _ path: String, query: String = "") -> RequestHead {
    RequestHead(
        method: method, prefix: "/npm/web/", path: path, query: Query(query), headers: [:], origin: "http://h")
}

@Suite("npm: addresses")
struct GrammarTests {
    private static let left = try? NodePackage("left")
    private static let right = try? NodePackage("@acme/right")

    @Test(
        "Scoped names are read however they are spelled",
        arguments: ["@acme/right", "@acme%2fright", "@acme%2Fright", "%40acme%2Fright"])
    func scoped(_ path: String) throws {
        let right = try #require(Self.right)
        #expect(try NPM().parse(head(.get, path)).call == .packument(right))
        #expect(try NPM().parse(head(.get, path + "/1.0.0")).call == .manifest(right, "1.0.0"))
        let tarball = try #require(FilePath("right-1.0.0.tgz"))
        #expect(try NPM().parse(head(.get, path + "/-/right-1.0.0.tgz")).call == .tarball(right, tarball))
        #expect(try NPM().parse(head(.get, path + "/-/@acme/right-1.0.0.tgz")).call == .tarball(right, tarball))
        #expect(try NPM().parse(head(.get, "-/package/\(path)/dist-tags")).call == .listTags(right))
    }

    @Test("What is written needs the right to write, what is removed the right to remove")
    func rights() throws {
        let left = try #require(Self.left)
        #expect(try NPM().parse(head(.get, "left")).requirement == .rights(.read, left.name))
        #expect(try NPM().parse(head(.put, "left")).requirement == .rights(.write, left.name))
        #expect(try NPM().parse(head(.put, "-/package/left/dist-tags/next")).requirement == .rights(.write, left.name))
        for (method, path) in [
            (HTTPRequest.Method.put, "left/-rev/1-a"), (.delete, "left/-rev/1-a"),
            (.delete, "left/-/left-1.0.0.tgz/-rev/1-a"),
            (.delete, "-/package/left/dist-tags/next")
        ] {
            #expect(try NPM().parse(head(method, path)).requirement == .rights(.delete, left.name), "\(path)")
        }
    }

    @Test("Accounts are asked for before the repository is")
    func accounts() throws {
        #expect(try NPM().parseService(head(.get, "web/-/whoami"))?.call == .account(.whoAmI))
        #expect(try NPM().parseService(head(.put, "web/-/user/org.couchdb.user:ann"))?.call == .account(.logIn))
        #expect(try NPM().parseService(head(.delete, "web/-/user/token/abc"))?.call == .account(.revokeToken("abc")))
        #expect(try NPM().parseService(head(.get, "web/left")) == nil)
        #expect(NPM().isLogin(.put, "web/-/user/org.couchdb.user:ann"))
        #expect(!NPM().isLogin(.put, "web/left"))
    }

    @Test(
        "What no package is called is refused",
        arguments: [
            ".left", "_left", "@acme", "@/left", "left%20pad", "node_modules", "a%2e%2e%2fb", "@acme%252fright",
            "__proto__", "@acme%2f..%2fright", "a%00b", "left%5cright"
        ])
    func names(_ path: String) {
        #expect(throws: Problem.self) { try NPM().parse(head(.get, path)) }
    }

    @Test(
        "A dist-tag is no version and no range",
        arguments: [
            "1.0.0", "1.0.0-rc.1", "1.0.0+5", "1", "1.2", "v2", "v=2", "x", "X", "*", "1.x", "1.*", "1.x.x-rc",
            "^1.2.3", "^ 1", "~1", "~> 1", ">=2", "> 2", "<2", "=2", "1 - 2", ">=1 <3", "1 || 2", "1||", "||", " ",
            "20261127", "__proto__", "constructor"
        ])
    func tags(_ tag: String) {
        #expect(throws: Problem.self) {
            try NPM().parse(head(.put, "-/package/left/dist-tags/\(percentEncoded(tag))"))
        }
    }

    @Test(
        "A dist-tag that only begins as a version does is one",
        arguments: [
            "latest", "v17-lts", "v2-latest", "1-x", "17-lts", "v1.lts", "x-lts", "1.x-lts", "v", "01", "1.2.3.4",
            "1 - 2 3", "1 -2", "stable x"
        ])
    func wordsAsTags(_ tag: String) throws {
        let operation = try NPM().parse(head(.put, "-/package/left/dist-tags/\(percentEncoded(tag))"))
        #expect(operation.call == .setTag(try #require(Self.left), try #require(TagName(tag))))
    }

    @Test("The abbreviated form is for those who ask for it")
    func negotiation() {
        #expect(!NPM.prefersAbbreviated(nil))
        #expect(!NPM.prefersAbbreviated("*/*"))
        #expect(!NPM.prefersAbbreviated("application/json"))
        #expect(NPM.prefersAbbreviated("application/vnd.npm.install-v1+json"))
        #expect(NPM.prefersAbbreviated("application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*"))
        #expect(!NPM.prefersAbbreviated("application/vnd.npm.install-v1+json;q=0.5, application/json"))
    }
}
