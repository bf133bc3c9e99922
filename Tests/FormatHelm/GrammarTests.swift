import GranaryFormat
import GranaryModel
import HTTPTypes
import Testing

@testable import FormatHelm

@Suite("Addresses of a chart repository")
struct GrammarTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let method: HTTPRequest.Method
        let path: String
        let operation: String
        let rights: Rights
        var package: String?
        var testDescription: String { "\(method) \(path)" }
    }

    @Test(
        "A request is an operation that needs rights",
        arguments: [
            Case(method: .get, path: "", operation: "redirect", rights: .read),
            Case(method: .get, path: "index.yaml", operation: "index.get", rights: .read),
            Case(method: .head, path: "index.yaml", operation: "index.get", rights: .read),
            Case(method: .get, path: "charts/a-1.0.0.tgz", operation: "file.get", rights: .read, package: "a"),
            Case(method: .get, path: "a-1.0.0.tgz", operation: "file.get", rights: .read, package: "a"),
            Case(
                method: .get, path: "charts/a-b-1.2.3+build.7.tgz", operation: "file.get", rights: .read, package: "a-b"
            ),
            Case(
                method: .head, path: "charts/a-b-1.2.3%2Bx.tgz.prov", operation: "file.get", rights: .read,
                package: "a-b"),
            Case(method: .put, path: "charts/a-1.0.0.tgz", operation: "chart.upload", rights: .write, package: "a"),
            Case(method: .put, path: "a-1.0.0.tgz", operation: "chart.upload", rights: .write, package: "a"),
            Case(method: .post, path: "charts/a-1.0.0.tgz", operation: "chart.upload", rights: .write, package: "a"),
            Case(
                method: .put, path: "charts/a-1.0.0.tgz.prov", operation: "provenance.upload", rights: [.read, .write],
                package: "a"),
            Case(method: .delete, path: "charts/a-1.0.0.tgz", operation: "chart.delete", rights: .delete, package: "a"),
            Case(
                method: .delete, path: "charts/a-1.0.0.tgz.prov", operation: "provenance.delete", rights: .delete,
                package: "a"),
            Case(method: .post, path: "api/charts", operation: "chart.upload", rights: .write),
            Case(method: .post, path: "api/prov", operation: "provenance.upload", rights: [.read, .write]),
            Case(method: .get, path: "api/charts", operation: "charts.list", rights: .read),
            Case(method: .get, path: "api/charts/a", operation: "chart.get", rights: .read, package: "a"),
            Case(method: .head, path: "api/charts/a", operation: "chart.get", rights: .read, package: "a"),
            Case(method: .get, path: "api/charts/a/1.0.0", operation: "version.get", rights: .read, package: "a"),
            Case(method: .get, path: "api/charts/a/latest", operation: "version.get", rights: .read, package: "a"),
            Case(
                method: .delete, path: "api/charts/a/1.0.0", operation: "chart.delete", rights: .delete, package: "a")
        ])
    func operation(_ expected: Case) throws {
        let operation = try Helm().parse(head(expected.method, expected.path))
        #expect(operation.name == expected.operation)
        #expect(operation.requirement == .rights(expected.rights, expected.package.flatMap { PackageName($0) }))
    }

    @Test(
        "What is not served is refused",
        arguments: [
            (.get, "charts", 404), (.get, "charts/", 404), (.get, "index.yaml/", 404), (.get, "charts/a.tgz", 404),
            (.get, "charts/a-1.0.tgz", 404), (.get, "charts/a-1.0.0.zip", 404), (.get, "x/a-1.0.0.tgz", 404),
            (.get, "charts/-1.0.0.tgz", 404), (.get, "charts/..%2Fa-1.0.0.tgz", 400), (.get, "api", 404),
            (.get, "api/charts/a/x", 404), (.get, "api/charts/-a", 404), (.get, "api/charts/a/1.0.0/values", 404),
            (.delete, "api/charts/a/latest", 404), (.put, "charts/a.tgz", 400), (.post, "index.yaml", 405),
            (.put, "api/charts", 405), (.get, "api/prov", 405), (.delete, "api/charts/a", 405),
            (.patch, "charts/a-1.0.0.tgz", 405), (.get, "api/charts/a/1.0.0.0", 404)
        ] as [(HTTPRequest.Method, String, Int)])
    func refused(_ method: HTTPRequest.Method, _ path: String, _ expected: Int) {
        #expect(status(head(method, path)) == expected)
    }

    @Test("An upload is a form or an archive, as its type says")
    func upload() throws {
        func boundary(_ type: String?) throws -> String? {
            let fields = type.map { [("Content-Type", $0)] } ?? []
            guard case .upload(let boundary) = try Helm().parse(head(.post, "api/charts", query: "force", fields)).call
            else { return "no upload" }
            return boundary
        }
        #expect(try boundary("multipart/form-data; boundary=x") == "x")
        #expect(try boundary("application/x-www-form-urlencoded") == nil)
        #expect(try boundary(nil) == nil)
        #expect(throws: Problem.self) { try boundary("multipart/form-data") }
        #expect(throws: Problem.self) { try boundary("multipart/mixed; boundary=x") }
    }

    @Test("A page has a place and a length")
    func page() throws {
        guard case .page(offset: 2, limit: .max) = try Helm().parse(head(.get, "api/charts", query: "offset=2")).call
        else {
            Issue.record("no page")
            return
        }
        for query in ["offset=-1", "limit=x", "limit="] {
            #expect(status(head(.get, "api/charts", query: query)) == 400)
        }
    }

    @Test(
        "The name of a file has one reading",
        arguments: [
            ("a-1.0.0", "a", "1.0.0"), ("a-b-1.0.0-rc.1+x-2.0.0", "a-b", "1.0.0-rc.1+x-2.0.0"),
            ("a-1-2.0.0", "a-1", "2.0.0"), ("a-1.0.0-2.0.0", "a", "1.0.0-2.0.0"), ("a.b_c-0.1.0", "a.b_c", "0.1.0"),
            ("7-1.0.0", "7", "1.0.0"), ("a--1.0.0", "a-", "1.0.0")
        ])
    func file(_ stem: String, _ name: String, _ version: String) throws {
        let chart = try #require(ChartID(stem: stem))
        #expect(chart.package.text == name && chart.version.text == version)
        #expect(try ChartID(name: name, version: version) == chart)
        #expect(chart.archive.text == "\(stem).tgz" && chart.provenance.text == "\(stem).tgz.prov")
    }

    @Test(
        "Names and versions that no chart may have",
        arguments: [
            ("", "1.0.0"), ("-a", "1.0.0"), ("a/b", "1.0.0"), ("..", "1.0.0"), ("a b", "1.0.0"), ("ä", "1.0.0"),
            ("a", "1.0"), ("a", "v1.0.0"), ("a", "01.0.0"), ("a", ""), ("a-1.0.0", "2.0.0"), ("a", "1.0.0-a_b"),
            (String(repeating: "a", count: 129), "1.0.0"), ("a", "1.0.0-\(String(repeating: "a", count: 123))")
        ])
    func invalid(_ name: String, _ version: String) {
        #expect(throws: Problem.self) { try ChartID(name: name, version: version) }
    }
}
