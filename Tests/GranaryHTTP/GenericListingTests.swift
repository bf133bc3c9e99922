import GranaryModel
import GranaryTestKit
import Testing

@Suite("Generic files over HTTP: listings")
struct GenericListingTests {
    @Test("A directory is listed for programs, page by page")
    func json() async throws {
        try await withFiles { server in
            for path in ["x/b", "x/a/deep/one", "x/c", "x/a.txt", "top"] { try await server.put("files/\(path)") }
            let whole = try #require(try await server.list("files/x/"))
            #expect(whole.path == "/x/" && whole.names == ["a.txt", "a/", "b", "c"] && whole.next == nil)
            #expect(whole.children[0].size == 7 && whole.children[0].sha256 == Hash.sha256("content"))
            var names: [String] = []
            var after: String?
            repeat {
                let query = "list&limit=1" + (after.map { "&after=\($0)" } ?? "")
                let page = try #require(try await server.list("files/x/", query))
                #expect(page.children.count == 1)
                names += page.names
                after = page.next
            } while after != nil
            #expect(names == whole.names)
            #expect(try await server.list("files/")?.names == ["top", "x/"])
            #expect(try await server.list("files/none/") == nil)
        }
    }

    @Test("A tree is listed at every depth, page by page")
    func recursive() async throws {
        try await withFiles { server in
            for path in ["x/b", "x/a/deep/one", "x/a/two", "x/a.txt", "xy/no", "top"] {
                try await server.put("files/\(path)")
            }
            let expected = ["a.txt", "b", "a/two", "a/deep/one"]
            #expect(try await server.list("files/x/", "list&recursive=1")?.names == expected)
            var names: [String] = []
            var after: String?
            repeat {
                let query = "list&recursive=true&limit=2" + (after.map { "&after=\($0)" } ?? "")
                let page = try #require(try await server.list("files/x/", query))
                names += page.names
                after = page.next
            } while after != nil
            #expect(names == expected)
            #expect(try await server.list("files/", "list&recursive")?.children.count == 6)
        }
    }

    @Test("A page of nonsense is refused", arguments: ["limit=0", "limit=-1", "limit=x", "after=%00"])
    func nonsense(_ query: String) async throws {
        try await withFiles { server async throws in
            #expect(try await server.send("GET", "/generic/files/?list&\(query)").status == 400)
        }
    }

    @Test("A directory is listed for people, and names cannot break out of the page")
    func html() async throws {
        try await withFiles { server in
            try await server.put("files/x/%3Cscript%3Ealert(1)%3C%2Fscript%3E".replacing("%2F", with: "-"))
            try await server.put("files/x/%22%20onclick=%22x")
            try await server.put("files/x/javascript:alert(1)")
            let page = try await server.send("GET", "/generic/files/x/")
            #expect(page.status == 200 && page["Content-Type"] == "text/html; charset=utf-8")
            #expect(page["X-Robots-Tag"] == "noindex" && page["Vary"] == "Accept")
            #expect(page["Content-Security-Policy"]?.hasPrefix("default-src 'none'; style-src 'sha256-") == true)
            #expect(!page.text.contains("<script>") && page.text.contains("&lt;script&gt;alert(1)&lt;-script&gt;"))
            #expect(page.text.contains("href=\"%22%20onclick%3D%22x\""))
            #expect(page.text.contains("href=\"javascript%3Aalert%281%29\""))
            #expect(page.text.contains("href=\"../\""))
            let json = try await server.send("GET", "/generic/files/x/", ["Accept": "application/json"])
            #expect(json["Content-Type"] == "application/json")
            #expect(try await server.send("HEAD", "/generic/files/x/").body.isEmpty)
        }
    }

    @Test("A directory without its slash leads to the one with it", arguments: ["x", "x/a", ""])
    func redirect(_ path: String) async throws {
        try await withFiles { server in
            try await server.put("files/x/a/b")
            let address = "/generic/files" + (path.isEmpty ? "" : "/\(path)")
            let answer = try await server.send("GET", "\(address)?list&limit=3")
            #expect(answer.status == 301)
            #expect(answer["Location"] == "\(address)/?list&limit=3")
        }
    }

    @Test("Everybody sees what they may read, and nothing of the rest")
    func rights() async throws {
        try await withFiles { server in
            for path in ["a/x/one", "a/y/two", "b/z/three", "four", "a/five"] { try await server.put("files/\(path)") }
            let ann = try await server.user("ann", ("files", "a/**", .read))
            let bob = try await server.user("bob", ("files", "b/z", [.read]))
            let eve = try await server.user("eve", ("files", "**", .write))
            func names(_ path: String, _ user: String, _ query: String = "list") async throws -> [String]? {
                try await server.list("files/\(path)", query, authorization: user)?.names
            }
            #expect(try await names("", ann) == ["a/"])
            #expect(try await names("a/", ann) == ["x/", "y/"])
            #expect(try await names("", ann, "list&recursive") == ["a/x/one", "a/y/two"])
            #expect(try await names("b/", ann) == nil)
            #expect(try await names("", bob) == ["b/"])
            #expect(try await names("b/z/", bob) == ["three"])
            #expect(try await names("a/", bob) == nil)
            #expect(try await names("", eve) == nil)
            #expect(try await server.send("GET", "/generic/files/four", authorization: ann).status == 404)
            #expect(try await server.send("GET", "/generic/files/b", authorization: ann).status == 404)
            #expect(try await server.send("GET", "/generic/files/a/x/one", authorization: ann).status == 200)
        }
    }
}
