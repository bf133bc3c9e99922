import GranaryFormat
import GranaryModel
import HTTPTypes
import Testing

@testable import FormatPyPI

@Suite("Addresses of a Python package index")
struct GrammarTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let method: HTTPRequest.Method
        let path: String
        let operation: String
        let rights: Rights
        let package: String?
        var testDescription: String { "\(method) \(path)" }
    }

    @Test(
        "A request is an operation that needs rights",
        arguments: [
            Case(method: .get, path: "", operation: "redirect", rights: .read, package: nil),
            Case(method: .get, path: "simple", operation: "redirect", rights: .read, package: nil),
            Case(method: .get, path: "simple/", operation: "projects.list", rights: .read, package: nil),
            Case(method: .get, path: "simple/my-pkg/", operation: "project.get", rights: .read, package: "my-pkg"),
            Case(method: .head, path: "simple/my-pkg/", operation: "project.get", rights: .read, package: "my-pkg"),
            Case(method: .get, path: "simple/my-pkg", operation: "redirect", rights: .read, package: "my-pkg"),
            Case(method: .get, path: "simple/My.Pkg/", operation: "redirect", rights: .read, package: "my-pkg"),
            Case(
                method: .get, path: "packages/my-pkg/1.0/my_pkg-1.0-py3-none-any.whl", operation: "file.get",
                rights: .read, package: "my-pkg"),
            Case(
                method: .get, path: "packages/my-pkg/1.0%2Bcpu/my_pkg-1.0%2Bcpu.tar.gz", operation: "file.get",
                rights: .read, package: "my-pkg"),
            Case(
                method: .get, path: "packages/a/1/a-1.0.tar.gz.metadata", operation: "file.get", rights: .read,
                package: "a"),
            Case(
                method: .delete, path: "packages/a/1.0/a-1.0.tar.gz", operation: "file.delete", rights: .delete,
                package: "a"),
            Case(
                method: .delete, path: "packages/a/1.0/", operation: "release.delete", rights: [.read, .delete],
                package: "a"),
            Case(method: .get, path: "pypi/A/json", operation: "project.json", rights: .read, package: "a"),
            Case(method: .get, path: "pypi/a/1.0/json", operation: "project.json", rights: .read, package: "a"),
            Case(method: .post, path: "yank/a/1.0", operation: "release.yank", rights: [.read, .write], package: "a"),
            Case(
                method: .delete, path: "yank/a/1.0", operation: "release.unyank", rights: [.read, .write], package: "a")
        ])
    func operation(_ expected: Case) throws {
        let operation = try PyPI().parse(head(expected.method, expected.path))
        #expect(operation.name == expected.operation)
        #expect(operation.requirement == .rights(expected.rights, expected.package.flatMap { PackageName($0) }))
    }

    @Test("An upload is a form to the root or to legacy/", arguments: ["", "legacy", "legacy/"])
    func upload(_ path: String) throws {
        let operation = try PyPI().parse(head(.post, path, [("Content-Type", "multipart/form-data; boundary=x")]))
        #expect(operation.requirement == .rights(.write, nil))
        guard case .upload(boundary: "x") = operation.call else {
            Issue.record("\(operation)")
            return
        }
        #expect(problem(of: head(.post, path)) != nil)
    }

    @Test(
        "What is not there is 404",
        arguments: [
            "simple/a/b/", "simple/-a/", "simple/a%2Fb/", "packages/a/1.0/b-1.0.tar.gz", "packages/a/1.1/a-1.0.tar.gz",
            "packages/a/1.0/a-1.0.tar.gz.metadata.metadata", "packages/a/1.0/a-1.0.tar.gz.asc",
            "packages/a/x/a-x.tar.gz",
            "pypi/a/xml", "pypi", "search", "packages/a/1.0/a-1.0.tar.gz/"
        ])
    func unknown(_ path: String) throws {
        let head = head(.get, path)
        let found = try #require(problem(of: head))
        #expect([400, 404].contains(PyPI().reply(to: found, for: head, nil).status.code))
    }

    @Test(
        "A method that is not offered is 405",
        arguments: [
            (.put, ""), (.get, "legacy/"), (.post, "simple/"), (.put, "simple/a/"), (.get, "packages/a/1.0/"),
            (.put, "packages/a/1.0/a-1.0.tar.gz"), (.get, "yank/a/1.0"), (.delete, "pypi/a/json"),
            (.delete, "packages/a/1.0/a-1.0.tar.gz.metadata")
        ] as [(HTTPRequest.Method, String)])
    func method(_ method: HTTPRequest.Method, _ path: String) throws {
        let head = head(method, path)
        let found = try #require(problem(of: head))
        let reply = PyPI().reply(to: found, for: head, nil)
        #expect(reply.status == .methodNotAllowed)
        #expect(reply.headers[.allow] != nil)
    }

    struct AcceptCase: Sendable {
        let accept: String?
        let form: SimpleForm
        var query = ""
    }

    private static let v1 = "application/vnd.pypi.simple.v1"

    @Test(
        "The form is negotiated",
        arguments: [
            AcceptCase(accept: nil, form: .html), AcceptCase(accept: "*/*", form: .html),
            AcceptCase(accept: "\(v1)+json, \(v1)+html; q=0.1, text/html; q=0.01", form: .json),
            AcceptCase(accept: "\(v1)+json, \(v1)+html;q=0.2, text/html;q=0.01", form: .json),
            AcceptCase(accept: "\(v1)+json, */*;q=0.1", form: .json),
            AcceptCase(accept: "\(v1)+html", form: .versionedHTML), AcceptCase(accept: "text/html", form: .html),
            AcceptCase(accept: "\(v1)+json;q=0.1, text/html;q=0.9", form: .html),
            AcceptCase(accept: "\(v1)+json;q=0, */*", form: .html),
            AcceptCase(accept: "application/vnd.pypi.simple.latest+json", form: .json),
            AcceptCase(accept: "APPLICATION/vnd.pypi.simple.latest+HTML", form: .versionedHTML),
            AcceptCase(accept: "text/*", form: .html), AcceptCase(accept: "application/json", form: .html),
            AcceptCase(accept: "image/png, ;;, q=", form: .html), AcceptCase(accept: "\(v1)+json;q=x", form: .html),
            AcceptCase(accept: "\(v1)+json, text/html", form: .json),
            AcceptCase(accept: "text/html", form: .json, query: "format=\(v1)%2Bjson"),
            AcceptCase(accept: "text/html", form: .json, query: "format=\(v1)+json"),
            AcceptCase(accept: "\(v1)+json", form: .html, query: "format=text/html"),
            AcceptCase(accept: "\(v1)+json", form: .json, query: "format=something")
        ])
    func negotiation(_ expected: AcceptCase) {
        let fields = expected.accept.map { [("Accept", $0)] } ?? []
        #expect(SimpleForm(head(.get, "simple/", query: expected.query, fields)) == expected.form)
    }

    @Test("Somebody who should log in is told how")
    func challenge() {
        let head = head(.get, "simple/")
        let reply = PyPI().reply(to: .unauthenticated("a credential is needed"), for: head, nil)
        #expect(reply.status == .unauthorized)
        #expect(reply.headers[.wwwAuthenticate]?.hasPrefix("Basic realm=\"Granary\"") == true)
        #expect(text(of: reply) == "A credential is needed.")
        #expect(reply.headers[.contentType]?.hasPrefix("text/plain") == true)
    }

    @Test("An upload that meets another file is a bad request, everything else a conflict")
    func conflict() throws {
        let upload = head(.post, "", [("Content-Type", "multipart/form-data; boundary=x")])
        let problem = Problem.conflict("File already exists ('a').")
        #expect(PyPI().reply(to: problem, for: upload, try PyPI().parse(upload)).status == .badRequest)
        #expect(PyPI().reply(to: problem, for: upload, nil).status == .conflict)
    }
}
