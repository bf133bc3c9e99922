import GranaryFormat
import GranaryModel
import HTTPTypes
import Testing

@testable import FormatGeneric

@Suite struct ErrorTests {
    struct Case: Sendable {
        let problem: Problem
        let status: Int
        var field: (String, String)?
    }

    static let cases: [Case] = [
        Case(problem: .invalid(.path, "no"), status: 400),
        Case(problem: .missing(["a"]), status: 400),
        Case(
            problem: .unauthenticated("log in"), status: 401,
            field: ("WWW-Authenticate", #"Basic realm="Granary", charset="UTF-8""#)),
        Case(problem: .insufficientScope, status: 403),
        Case(problem: .denied("write policy"), status: 403),
        Case(problem: .unknown(.file, "no"), status: 404),
        Case(
            problem: .unsupported("no"), status: 405, field: ("Allow", "OPTIONS, GET, HEAD, PUT, DELETE, POST")),
        Case(problem: .interrupted("slow"), status: 408),
        Case(problem: .conflict("no"), status: 409),
        Case(problem: .mismatch(expected: "a", actual: "b"), status: 409),
        Case(problem: .preconditionFailed("no"), status: 412),
        Case(problem: .tooLarge(.gibibytes(1)), status: 413),
        Case(problem: .tooMany("wait", retryAfter: 30), status: 429, field: ("Retry-After", "30")),
        Case(problem: .unavailable("full", retryAfter: 30), status: 503, field: ("Retry-After", "30"))
    ]

    @Test("Every problem has a status and problem details", arguments: cases)
    func mapping(_ test: Case) {
        let reply = Generic().reply(to: test.problem, for: head(.put, "a"), nil)
        #expect(reply.status.code == test.status)
        #expect(reply.headers[.contentType] == "application/problem+json")
        #expect(text(of: reply).contains("\"status\":\(test.status)"))
        if let (name, value) = test.field { #expect(reply.headers[named: name] == value) }
    }

    @Test("A part out of order is told where the upload stands")
    func outOfOrder() throws {
        let status = UploadStatus(
            id: UploadID(random: [UInt8](repeating: 1, count: 16)), package: try #require(PackageName("/")), offset: 42,
            length: nil, note: "", expiresAt: Timestamp(milliseconds: 0))
        let reply = Generic().reply(to: .outOfOrder(status), for: head(.patch, ".uploads/\(status.id)"), nil)
        #expect(reply.status == .conflict)
        #expect(reply.headers[named: "Upload-Offset"] == "42")
    }

    @Test("Problem details say what kind, which status and why")
    func document() {
        let reply = Generic().reply(to: .unknown(.file, "there is no file at /a \"b\""), for: head(.get, "a"), nil)
        #expect(
            text(of: reply)
                == #"{"detail":"there is no file at /a \"b\"","status":404,"title":"Not Found","type":"about:blank"}"#)
    }

    @Test("Content in another encoding is no content of this type")
    func contentEncoding() throws {
        let operation = try Generic().parse(head(.put, "a", [("Content-Encoding", "gzip")]))
        guard case .refuseMedia(let detail) = operation.call else {
            Issue.record("taken")
            return
        }
        #expect(operation.requirement == .rights(.write, PackageName("/")))
        #expect(Generic().problemReply(.unsupportedMediaType, detail, for: head(.put, "a")).status.code == 415)
        guard case .write = try Generic().parse(head(.put, "a", [("Content-Encoding", "Identity")])).call else {
            Issue.record("refused")
            return
        }
    }
}
