import GranaryFormat
import GranaryModel
import HTTPTypes
import NIOCore
import Testing

@testable import FormatOCI

@Suite struct ErrorsTests {
    struct ErrorCase: Sendable, CustomTestStringConvertible {
        let problem: Problem
        var method: HTTPRequest.Method = .get
        var path = "team/api/manifests/v1"
        let status: Int
        let code: String
        var testDescription: String { "\(problem) \(method) \(path)" }
    }

    private static let blob = "team/api/blobs/" + Sample.sha256
    private static let session = "team/api/blobs/uploads/" + Sample.upload

    @Test(arguments: [
        ErrorCase(problem: .unknown(.package, ""), status: 404, code: "NAME_UNKNOWN"),
        ErrorCase(problem: .unknown(.repository, ""), status: 404, code: "NAME_UNKNOWN"),
        ErrorCase(problem: .unknown(.file, ""), status: 404, code: "MANIFEST_UNKNOWN"),
        ErrorCase(problem: .unknown(.tag, ""), method: .delete, status: 404, code: "MANIFEST_UNKNOWN"),
        ErrorCase(problem: .unknown(.version, ""), method: .delete, status: 404, code: "MANIFEST_UNKNOWN"),
        ErrorCase(problem: .unknown(.file, ""), path: blob, status: 404, code: "BLOB_UNKNOWN"),
        ErrorCase(problem: .unknown(.file, ""), method: .delete, path: blob, status: 404, code: "BLOB_UNKNOWN"),
        ErrorCase(problem: .unknown(.package, ""), path: blob, status: 404, code: "NAME_UNKNOWN"),
        ErrorCase(problem: .unknown(.upload, ""), path: session, status: 404, code: "BLOB_UPLOAD_UNKNOWN"),
        ErrorCase(problem: .missing(["x"]), method: .put, status: 400, code: "MANIFEST_BLOB_UNKNOWN"),
        ErrorCase(problem: .unauthenticated(""), status: 401, code: "UNAUTHORIZED"),
        ErrorCase(problem: .insufficientScope, status: 401, code: "UNAUTHORIZED"),
        ErrorCase(problem: .denied(""), status: 403, code: "DENIED"),
        ErrorCase(problem: .conflict(""), method: .put, status: 409, code: "DENIED"),
        ErrorCase(problem: .conflict(""), method: .delete, path: blob, status: 405, code: "UNSUPPORTED"),
        ErrorCase(problem: .conflict(""), method: .patch, path: session, status: 409, code: "BLOB_UPLOAD_INVALID"),
        ErrorCase(problem: .conflict(""), method: .delete, path: session, status: 409, code: "BLOB_UPLOAD_INVALID"),
        ErrorCase(problem: .preconditionFailed(""), method: .put, status: 412, code: "DENIED"),
        ErrorCase(problem: .mismatch(expected: "a", actual: "b"), method: .put, status: 400, code: "DIGEST_INVALID"),
        ErrorCase(problem: .tooLarge(ByteCount(1)), method: .put, status: 413, code: "SIZE_INVALID"),
        ErrorCase(problem: .unsupported(""), method: .patch, status: 405, code: "UNSUPPORTED"),
        ErrorCase(problem: .tooMany("", retryAfter: 7), status: 429, code: "TOOMANYREQUESTS"),
        ErrorCase(problem: .unavailable("", retryAfter: 7), status: 503, code: "UNAVAILABLE"),
        ErrorCase(problem: .interrupted(""), method: .put, status: 400, code: "MANIFEST_INVALID"),
        ErrorCase(problem: .interrupted(""), method: .patch, path: session, status: 400, code: "BLOB_UPLOAD_INVALID"),
        ErrorCase(problem: .invalid(.content, ""), method: .put, status: 400, code: "MANIFEST_INVALID"),
        ErrorCase(problem: .invalid(.upload, ""), path: session, status: 400, code: "BLOB_UPLOAD_INVALID")
    ])
    func `A problem has a status and a code`(_ expected: ErrorCase) throws {
        let head = request(expected.method, expected.path)
        let answer = answer(expected.problem, head, try? OCI().parse(head))
        #expect(answer.status == expected.status)
        #expect(answer.code == expected.code)
        #expect(answer.reply.headers[.contentType] == "application/json")
        #expect(answer.reply.headers[.registryVersion] == "registry/2.0")
    }

    @Test func `What is missing is listed by digest`() {
        let problem = Problem.missing(["blobs/" + Sample.sha256, Sample.digest(1)])
        let reply = OCI().reply(to: problem, for: request(.put, "a/manifests/v1"), nil)
        guard case .bytes(let buffer) = reply.body else {
            Issue.record("no body")
            return
        }
        #expect(
            String(buffer: buffer) == """
                {"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","detail":["\(Sample.sha256)","\(Sample.digest(1))"],\
                "message":"the manifest refers to content this image does not have"}]}
                """)
    }

    struct RangeCase: Sendable {
        let offset: Int64
        let range: String
    }

    @Test(arguments: [
        RangeCase(offset: 0, range: "0-0"), RangeCase(offset: 1, range: "0-0"), RangeCase(offset: 17, range: "0-16")
    ])
    func `A chunk out of order is answered with where the upload stands`(_ expected: RangeCase) throws {
        let id = try #require(UploadID(Sample.upload))
        let status = UploadStatus(
            id: id, package: try #require(PackageName("team/api")), offset: expected.offset, length: nil, note: "",
            expiresAt: Timestamp(milliseconds: 0))
        let reply = OCI().reply(to: .outOfOrder(status), for: request(.patch, Self.session), nil)
        #expect(reply.status == .rangeNotSatisfiable)
        #expect(reply.headers[.range] == expected.range)
        #expect(reply.headers[.location] == "/v2/docker/team/api/blobs/uploads/" + Sample.upload)
        #expect(reply.headers[.uploadID] == Sample.upload)
        guard case .empty = reply.body else {
            Issue.record("it has a body")
            return
        }
    }

    struct ChallengeCase: Sendable, CustomTestStringConvertible {
        let name: String
        let head: RequestHead
        var problem = Problem.unauthenticated("")
        let challenge: String
        var testDescription: String { name }
    }

    private static let realm = #"Bearer realm="https://oci.example:8443/v2/_token",service="oci.example:8443""#

    @Test(arguments: [
        ChallengeCase(name: "a ping", head: request(.get, "", prefix: "/v2/"), challenge: realm),
        ChallengeCase(
            name: "the catalog", head: request(.get, "_catalog", prefix: "/v2/"),
            challenge: realm + #",scope="registry:catalog:*""#),
        ChallengeCase(
            name: "a pull", head: request(.get, "team/api/manifests/v1"),
            challenge: realm + #",scope="repository:docker/team/api:pull""#),
        ChallengeCase(
            name: "a pull from the default repository", head: request(.get, "team/api/manifests/v1", prefix: "/v2/"),
            challenge: realm + #",scope="repository:team/api:pull""#),
        ChallengeCase(
            name: "a push", head: request(.put, "team/api/manifests/v1"),
            challenge: realm + #",scope="repository:docker/team/api:pull,push""#),
        ChallengeCase(
            name: "a deletion", head: request(.delete, "team/api/manifests/v1"),
            challenge: realm + #",scope="repository:docker/team/api:pull,delete""#),
        ChallengeCase(
            name: "a token of less", head: request(.get, "a/tags/list", headers: [.authorization: "Bearer x"]),
            problem: .insufficientScope,
            challenge: realm + #",scope="repository:docker/a:pull",error="insufficient_scope""#),
        ChallengeCase(
            name: "a wrong token", head: request(.get, "a/tags/list", headers: [.authorization: "bearer x"]),
            challenge: realm + #",scope="repository:docker/a:pull",error="invalid_token""#),
        ChallengeCase(
            name: "a wrong password", head: request(.get, "a/tags/list", headers: [.authorization: "Basic x"]),
            challenge: realm + #",scope="repository:docker/a:pull""#),
        ChallengeCase(
            name: "the token endpoint", head: request(.get, "_token", prefix: "/v2/"),
            challenge: #"Basic realm="oci.example:8443""#)
    ])
    func `There is one challenge, and it names what to ask for`(_ expected: ChallengeCase) throws {
        let operation = try OCI().parseService(expected.head) ?? OCI().parse(expected.head)
        let reply = OCI().reply(to: expected.problem, for: expected.head, operation)
        #expect(reply.status == .unauthorized)
        #expect(reply.headers[values: .wwwAuthenticate] == [expected.challenge])
    }

    @Test(arguments: [
        ("docker/team/api/manifests/v1", realm + #",scope="repository:docker/team/api:pull""#),
        ("_catalog", realm + #",scope="registry:catalog:*""#), ("_token", #"Basic realm="oci.example:8443""#),
        ("", realm), ("nothing", realm)
    ])
    func `A wrong credential is refused unparsed, with the challenge of the request`(path: String, challenge: String) {
        let reply = OCI().reply(to: .unauthenticated(""), for: request(.get, path, prefix: "/v2/"), nil)
        #expect(reply.headers[values: .wwwAuthenticate] == [challenge])
    }

    @Test func `A server that cannot now says when to come back`() {
        let head = request(.get, "a/tags/list")
        #expect(OCI().reply(to: .unavailable("", retryAfter: 7), for: head, nil).headers[.retryAfter] == "7")
        #expect(OCI().reply(to: .tooMany("", retryAfter: 7), for: head, nil).headers[.retryAfter] == "7")
        #expect(OCI().reply(to: .unavailable("", retryAfter: 0), for: head, nil).headers[.retryAfter] == "1")
    }

    struct AllowCase: Sendable {
        let method: HTTPRequest.Method
        let path: String
        var prefix = "/v2/docker/"
        let allow: String
    }

    @Test(arguments: [
        AllowCase(method: .post, path: "a/manifests/v1", allow: "GET, HEAD, PUT, DELETE"),
        AllowCase(method: .delete, path: "a/manifests/v1", allow: "GET, HEAD, PUT"),
        AllowCase(method: .put, path: "a/blobs/" + Sample.sha256, allow: "GET, HEAD, DELETE"),
        AllowCase(method: .get, path: "a/blobs/uploads/", allow: "POST"),
        AllowCase(method: .put, path: "", prefix: "/v2/", allow: "GET, HEAD"),
        AllowCase(method: .put, path: "_token", prefix: "/v2/", allow: "GET, POST")
    ])
    func `A method that is not supported is answered with those that are`(_ expected: AllowCase) {
        let head = request(expected.method, expected.path, prefix: expected.prefix)
        #expect(OCI().reply(to: .unsupported(""), for: head, nil).headers[.allow] == expected.allow)
    }

    @Test func `Text from elsewhere cannot break out of a challenge`() {
        let head = RequestHead(
            method: .get, prefix: "/v2/", path: "", query: Query(""), headers: [:], origin: #"https://a",scope="b\"#)
        let reply = OCI().reply(to: .unauthenticated(""), for: head, nil)
        #expect(
            reply.headers[.wwwAuthenticate]
                == #"Bearer realm="https://a,scope=b/v2/_token",service="a,scope=b""#)
    }
}
