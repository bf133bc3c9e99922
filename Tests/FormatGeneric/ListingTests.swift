import GranaryFormat
import GranaryModel
import GranaryTestKit
import HTTPTypes
import Testing

@testable import FormatGeneric

@Suite struct ListingTests {
    private func listing(_ selection: Selection, _ entries: [IndexRows.Entry], hasMore: Bool = false) throws -> Listing
    {
        let index = Generic().make(selection, from: IndexRows(entries: entries, hasMore: hasMore))
        guard case .listing(let listing) = index else { throw Problem.invalid(.path, "not a listing") }
        return listing
    }

    private func page(_ listing: Listing, query: String = "") throws -> String {
        Generic().encodeHTML(listing, try ListingRequest(head(.get, "x/", query: query)), repository: "raw")
    }

    @Test("JSON lists files with what is known of them and folders by name")
    func document() throws {
        let entries = [
            IndexRows.Entry(name: "y.bin", file: try storedFile("x", "y.bin", modified: 1_059_169_150_129)),
            IndexRows.Entry(name: "z", isFolder: true)
        ]
        let sha256 = String(repeating: "0f", count: 32)
        let file = """
            {"folder":false,"mediaType":"application/octet-stream","modified":"2003-07-25T21:39:10.129Z",\
            "name":"y.bin","sha256":"\(sha256)","size":3}
            """
        #expect(
            Generic().encodeJSON(try listing(.directory("x"), entries, hasMore: true))
                == #"{"children":[\#(file),{"folder":true,"name":"z"}],"next":"z/","path":"/x/"}"#)
    }

    @Test("The empty root is an empty list")
    func empty() throws {
        #expect(Generic().encodeJSON(try listing(.directory("/"), [])) == #"{"children":[],"path":"/"}"#)
    }

    @Test("A recursive listing names files relative to the directory, however its rows are named")
    func recursive() throws {
        let entries = [
            IndexRows.Entry(name: "x/a.bin", file: try storedFile("x", "a.bin")),
            IndexRows.Entry(name: "x/y/b.bin", file: try storedFile("x/y", "b.bin"))
        ]
        let below = try listing(.tree("x"), entries, hasMore: true)
        #expect(below.entries.map(\.path) == ["a.bin", "y/b.bin"])
        #expect(below.next == "x/y/b.bin")
        #expect(try listing(.tree("/"), entries).entries.map(\.path) == ["x/a.bin", "x/y/b.bin"])
    }

    @Test("Names are escaped in a page and encoded in its addresses")
    func hostileNames() throws {
        let names = ["<script>alert(1)</script>", "a\"b'&c", "javascript:x", "a;b=1", "50% ü"]
        let entries = names.map { IndexRows.Entry(name: $0, isFolder: true) }
        let page = try page(try listing(.directory("x"), entries))
        #expect(!page.contains("<script"))
        #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
        #expect(page.contains(#"href="%3Cscript%3Ealert%281%29%3C/script%3E/""#))
        #expect(page.contains("a&quot;b&#39;&amp;c"))
        #expect(page.contains(#"href="a%22b%27%26c/""#))
        #expect(page.contains(#"href="javascript%3Ax/""#))
        #expect(page.contains(#"href="a%3Bb%3D1/""#))
        #expect(page.contains(#"href="50%25%20%C3%BC/""#))
    }

    @Test("Every page but the root's leads up, a page cut short leads on")
    func links() throws {
        let entries = [IndexRows.Entry(name: "b&c", isFolder: true)]
        #expect(!(try page(try listing(.directory("/"), entries))).contains("../"))
        let page = try page(try listing(.directory("x"), entries, hasMore: true), query: "limit=1&recursive")
        #expect(page.contains(#"<a href="../">"#))
        #expect(page.contains(#"href="?recursive=1&amp;limit=1&amp;after=b%26c%2F""#))
    }

    struct Form: Sendable {
        var accept: String?
        var query = ""
        let isJSON: Bool
    }

    static let forms: [Form] = [
        Form(isJSON: false), Form(accept: "*/*", isJSON: false), Form(accept: "application/json", isJSON: true),
        Form(accept: "text/html,application/xhtml+xml,*/*;q=0.8", isJSON: false), Form(query: "list", isJSON: true),
        Form(accept: "text/html", query: "list=1", isJSON: true),
        Form(accept: "text/html, application/json", isJSON: false)
    ]

    @Test("Who asks for JSON gets it, browsers get a page", arguments: forms)
    func form(_ form: Form) throws {
        let request = head(.get, "x/", query: form.query, form.accept.map { [("Accept", $0)] } ?? [])
        #expect(try ListingRequest(request).isJSON == form.isJSON)
    }

    @Test("A page is as long as asked for, up to the limit")
    func paging() throws {
        let request = try ListingRequest(head(.get, "x/", query: "limit=5000&after=a/b&recursive=true"))
        #expect(request.page == Page(after: "a/b", limit: 1000))
        #expect(request.isRecursive)
        #expect(try ListingRequest(head(.get, "x/", query: "after=")).page == Page())
    }

    @Test("No name gets markup into a page")
    func neverBreaksOut() throws {
        var generator = Generator(seed: 0x11)
        let plain = try page(try listing(.directory("x"), [IndexRows.Entry(name: "a", isFolder: true)]))
        for _ in 0..<500 {
            let name = generator.text(of: "<>\"'&;:/ab\u{301}\u{202E}", lengths: 1...20)
            let page = try page(try listing(.directory("x"), [IndexRows.Entry(name: name, isFolder: true)]))
            for mark in ["<", ">", "\""] {
                #expect(page.utf8.count { [$0] == Array(mark.utf8) } == plain.utf8.count { [$0] == Array(mark.utf8) })
            }
        }
    }
}
