import GranaryFormat
import GranaryModel
import HTTPTypes
import Testing

@testable import FormatOCI

@Suite struct GrammarTests {
    struct PathCase: Sendable, CustomTestStringConvertible {
        let path: String
        let image: String
        let resource: Route.Resource
        var testDescription: String { path }
    }

    @Test(arguments: [
        PathCase(path: "api/manifests/v1", image: "api", resource: .manifest("v1")),
        PathCase(path: "team/api/manifests/v1", image: "team/api", resource: .manifest("v1")),
        PathCase(path: "a/manifests/b/manifests/v1", image: "a/manifests/b", resource: .manifest("v1")),
        PathCase(path: "manifests/manifests/manifests", image: "manifests", resource: .manifest("manifests")),
        PathCase(path: "a/manifests/uploads", image: "a", resource: .manifest("uploads")),
        PathCase(path: "a/manifests/sha256%3Aabc", image: "a", resource: .manifest("sha256:abc")),
        PathCase(path: "blobs/uploads/manifests/v1", image: "blobs/uploads", resource: .manifest("v1")),
        PathCase(path: "a/blobs/sha256:abc", image: "a", resource: .blob("sha256:abc")),
        PathCase(path: "a/blobs/uploads/blobs/sha256:abc", image: "a/blobs/uploads", resource: .blob("sha256:abc")),
        PathCase(path: "a/blobs/uploads/", image: "a", resource: .uploads),
        PathCase(path: "a/blobs/uploads", image: "a", resource: .uploads),
        PathCase(path: "a/blobs/blobs/uploads/", image: "a/blobs", resource: .uploads),
        PathCase(path: "blobs/uploads/blobs/uploads/", image: "blobs/uploads", resource: .uploads),
        PathCase(path: "a/blobs/uploads/id", image: "a", resource: .upload("id")),
        PathCase(path: "a/blobs/uploads/list", image: "a", resource: .upload("list")),
        PathCase(path: "a/uploads/blobs/uploads/id", image: "a/uploads", resource: .upload("id")),
        PathCase(path: "a/tags/list", image: "a", resource: .tags),
        PathCase(path: "tags/list/tags/list", image: "tags/list", resource: .tags),
        PathCase(path: "a/manifests/tags/list", image: "a/manifests", resource: .tags),
        PathCase(path: "a/referrers/sha256:abc", image: "a", resource: .referrers("sha256:abc")),
        PathCase(path: "manifests/v1", image: "", resource: .manifest("v1")),
        PathCase(path: "blobs/uploads/id", image: "", resource: .upload("id"))
    ])
    func `A path is read from its right end`(_ expected: PathCase) throws {
        let route = try #require(Route(try RequestPath(expected.path)))
        #expect(route.image == expected.image)
        #expect(route.resource == expected.resource)
    }

    @Test(arguments: [
        "", "a", "a/b/c", "a/tags", "a/tags/", "a/tags/list/", "a/tags/all", "a/manifests/", "a/manifests/v1/",
        "a/blobs/sha256:abc/", "a/referrers/", "a/blobs/uploads/id/", "a/uploads/id"
    ])
    func `Any other path is nothing`(_ path: String) {
        #expect(parsed(request(.get, path)) == .failure(.unknown(.path, Self.noPath)))
        #expect(answer(.unknown(.path, ""), request(.get, path)).status == 404)
    }

    private static let noPath = "there is nothing at this path of the distribution API"

    @Test(arguments: [
        "A/manifests/v1", "a_/manifests/v1", "a..b/manifests/v1", "-a/manifests/v1", "a%20b/manifests/v1",
        "a/../b/manifests/v1", "a//b/manifests/v1", "%2e%2e/manifests/v1", "a%2Fb/manifests/v1", "a%2fb/tags/list",
        "a%5Cb/tags/list", "a%00/tags/list", "a%/tags/list", "%ff/tags/list", "é/tags/list",
        "manifests/v1", "tags/list", "blobs/uploads/",
        String(repeating: "a/", count: 127) + "ab/tags/list", String(repeating: "a", count: 249) + "/tags/list"
    ])
    func `A name that breaks the grammar is invalid`(_ path: String) {
        let method: HTTPRequest.Method = path.hasSuffix("/") ? .post : .get
        guard case .failure(let problem) = parsed(request(method, path)) else {
            Issue.record("accepted")
            return
        }
        let answer = answer(problem, request(method, path))
        #expect(answer.status == 400)
        #expect(answer.code == "NAME_INVALID")
    }

    @Test(arguments: [
        "a", "a--b/c__d/e.f", "0", String(repeating: "a", count: 248), String(repeating: "a/", count: 123) + "ab"
    ])
    func `A name within the grammar is taken as it is`(_ name: String) throws {
        let call = try parsed(request(.get, name + "/tags/list")).get()
        #expect(call == .image(try #require(PackageName(name)), .listTags(try Listing(Query("")))))
    }

    @Test func `An image name is asked for where only the repository is given`() {
        guard case .failure(.invalid(.name, let text)) = parsed(request(.get, "manifests/v1")) else {
            Issue.record("not refused as a name")
            return
        }
        #expect(text.contains("/v2/docker/<image>/"))
    }

    struct CallCase: Sendable, CustomTestStringConvertible {
        let method: HTTPRequest.Method
        let path: String
        var query = ""
        var range: String?
        var length: String?
        let name: String
        let rights: Rights
        let action: OCI.Action
        var testDescription: String { "\(method) \(path)?\(query)" }
    }

    static let calls: [CallCase] = {
        guard let tag = TagName("v1"), let other = TagName("v1.2"), let digest = Digest(Sample.sha256),
            let long = Digest(Sample.sha512), let id = UploadID(Sample.upload), let listing = try? Listing(Query("")),
            let short = try? Listing(Query("n=2&last=v1"))
        else { return [] }
        let session = "a/blobs/uploads/\(Sample.upload)"
        return [
            CallCase(
                method: .get, path: "a/manifests/v1", name: "manifest.get", rights: .read,
                action: .getManifest(.tag(tag))),
            CallCase(
                method: .head, path: "a/manifests/\(digest)", name: "manifest.get", rights: .read,
                action: .getManifest(.digest(digest))),
            CallCase(
                method: .put, path: "a/manifests/v1", query: "tag=ignored", name: "manifest.put", rights: .write,
                action: .putManifest(.tag(tag), tags: [])),
            CallCase(
                method: .put, path: "a/manifests/\(long)", query: "tag=v1&tag=v1.2&tag=v1", name: "manifest.put",
                rights: .write, action: .putManifest(.digest(long), tags: [tag, other])),
            CallCase(
                method: .delete, path: "a/manifests/v1", name: "tag.delete", rights: .delete,
                action: .deleteManifest(.tag(tag))),
            CallCase(
                method: .delete, path: "a/manifests/\(digest)", name: "manifest.delete", rights: .delete,
                action: .deleteManifest(.digest(digest))),
            CallCase(
                method: .get, path: "a/blobs/\(digest)", name: "blob.get", rights: .read, action: .getBlob(digest)),
            CallCase(
                method: .delete, path: "a/blobs/\(long)", name: "blob.delete", rights: .delete,
                action: .deleteBlob(long)),
            CallCase(
                method: .post, path: "a/blobs/uploads/", name: "upload.open", rights: .write, action: .openUpload(nil)),
            CallCase(
                method: .post, path: "a/blobs/uploads/", query: "digest-algorithm=sha512", name: "upload.open",
                rights: .write, action: .openUpload(.sha512)),
            CallCase(
                method: .post, path: "a/blobs/uploads/", query: "digest=\(digest)", name: "blob.put", rights: .write,
                action: .putBlob(digest)),
            CallCase(
                method: .post, path: "a/blobs/uploads/", query: "mount=\(digest)&from=docker%2Fteam%2Fapi",
                name: "blob.mount", rights: .write, action: .mount(digest, from: "docker/team/api")),
            CallCase(
                method: .post, path: "a/blobs/uploads/", query: "mount=\(digest)", name: "blob.mount", rights: .write,
                action: .mount(digest, from: nil)),
            CallCase(
                method: .post, path: "a/blobs/uploads/", query: "mount=\(digest)&from=..%2Fsecret",
                name: "upload.open", rights: .write, action: .openUpload(nil)),
            CallCase(
                method: .get, path: session, name: "upload.status", rights: .write, action: .upload(id, .status)),
            CallCase(
                method: .delete, path: session, name: "upload.cancel", rights: .write, action: .upload(id, .cancel)),
            CallCase(
                method: .patch, path: session, name: "upload.append", rights: .write,
                action: .upload(id, .append(nil))),
            CallCase(
                method: .patch, path: session, range: "4-9", length: "6", name: "upload.append", rights: .write,
                action: .upload(id, .append(ContentRange("4-9")))),
            CallCase(
                method: .put, path: session, query: "state=x&digest=\(digest)", name: "upload.finish", rights: .write,
                action: .upload(id, .finish(digest, nil))),
            CallCase(
                method: .put, path: session, query: "digest=\(digest)", range: "bytes 4-9/10", length: "6",
                name: "upload.finish", rights: .write, action: .upload(id, .finish(digest, ContentRange("4-9")))),
            CallCase(
                method: .get, path: "a/tags/list", query: "n=2&last=v1", name: "tags.list", rights: .read,
                action: .listTags(short)),
            CallCase(
                method: .get, path: "a/referrers/\(digest)", query: "artifactType=application/x%2Bjson",
                name: "referrers.list", rights: .read,
                action: .listReferrers(digest, artifactType: "application/x+json", listing)),
            CallCase(
                method: .get, path: "a/referrers/\(digest)", query: "artifactType=application/x+json",
                name: "referrers.list", rights: .read,
                action: .listReferrers(digest, artifactType: "application/x+json", listing))
        ]
    }()

    @Test(arguments: calls)
    func `A request becomes a typed operation`(_ expected: CallCase) throws {
        var headers: HTTPFields = [:]
        headers[.contentRange] = expected.range
        headers[.contentLength] = expected.length
        let operation = try OCI().parse(
            request(expected.method, expected.path, query: expected.query, headers: headers))
        let image = try #require(PackageName("a"))
        #expect(operation.name == expected.name)
        #expect(operation.requirement == .rights(expected.rights, image))
        #expect(operation.call == .image(image, expected.action))
    }

    struct RefusalCase: Sendable, CustomTestStringConvertible {
        let method: HTTPRequest.Method
        let path: String
        var query = ""
        var headers: HTTPFields = [:]
        let status: Int
        let code: String
        var testDescription: String { "\(method) \(path)?\(query)" }
    }

    static let refusals: [RefusalCase] = {
        let session = "a/blobs/uploads/\(Sample.upload)"
        return [
            RefusalCase(method: .get, path: "a/manifests/.bad", status: 404, code: "MANIFEST_UNKNOWN"),
            RefusalCase(method: .head, path: "a/manifests/" + long("t", 129), status: 404, code: "MANIFEST_UNKNOWN"),
            RefusalCase(method: .put, path: "a/manifests/.bad", status: 400, code: "TAG_INVALID"),
            RefusalCase(method: .put, path: "a/manifests/a%20b", status: 400, code: "TAG_INVALID"),
            RefusalCase(method: .get, path: "a/manifests/sha256:abc", status: 400, code: "DIGEST_INVALID"),
            RefusalCase(method: .get, path: "a/blobs/abc", status: 400, code: "DIGEST_INVALID"),
            RefusalCase(method: .get, path: "a/blobs/md5:" + long("a", 32), status: 400, code: "DIGEST_INVALID"),
            RefusalCase(method: .get, path: "a/blobs/sha256:" + long("A", 64), status: 400, code: "DIGEST_INVALID"),
            RefusalCase(method: .get, path: "a/referrers/x", status: 400, code: "DIGEST_INVALID"),
            RefusalCase(
                method: .post, path: "a/blobs/uploads/", query: "digest=x", status: 400, code: "DIGEST_INVALID"),
            RefusalCase(
                method: .post, path: "a/blobs/uploads/", query: "mount=x&from=b", status: 400, code: "DIGEST_INVALID"),
            RefusalCase(
                method: .post, path: "a/blobs/uploads/", query: "digest-algorithm=md5", status: 400,
                code: "DIGEST_INVALID"),
            RefusalCase(method: .put, path: session, status: 400, code: "DIGEST_INVALID"),
            RefusalCase(
                method: .get, path: "a/blobs/uploads/unknown", status: 404, code: "BLOB_UPLOAD_UNKNOWN"),
            RefusalCase(
                method: .patch, path: session, headers: [.contentRange: "x-y"], status: 400, code: "RANGE_INVALID"),
            RefusalCase(
                method: .patch, path: session, headers: [.contentRange: "0-9", .contentLength: "9"], status: 400,
                code: "SIZE_INVALID"),
            RefusalCase(method: .get, path: "a/tags/list", query: "n=-1", status: 400, code: pagination),
            RefusalCase(method: .get, path: "a/tags/list", query: "n=", status: 400, code: pagination),
            RefusalCase(method: .get, path: "a/tags/list", query: "n=ten", status: 400, code: pagination),
            RefusalCase(
                method: .put, path: "a/manifests/\(Sample.sha256)",
                query: (0...64).map { "tag=v\($0)" }.joined(separator: "&"), status: 414, code: "TAG_INVALID"),
            RefusalCase(
                method: .put, path: "a/manifests/\(Sample.sha256)", query: "tag=a%2Fb", status: 400,
                code: "TAG_INVALID"),
            RefusalCase(method: .delete, path: "a/tags/list", status: 405, code: "UNSUPPORTED"),
            RefusalCase(method: .put, path: "a/blobs/\(Sample.sha256)", status: 405, code: "UNSUPPORTED"),
            RefusalCase(method: .get, path: "a/blobs/uploads/", status: 405, code: "UNSUPPORTED")
        ]
    }()

    private static let pagination = "PAGINATION_NUMBER_INVALID"
    private static func long(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    @Test(arguments: refusals)
    func `A malformed request is refused before anything is read`(_ expected: RefusalCase) {
        let head = request(expected.method, expected.path, query: expected.query, headers: expected.headers)
        guard case .failure(let problem) = parsed(head) else {
            Issue.record("accepted")
            return
        }
        let answer = answer(problem, head)
        #expect(answer.status == expected.status)
        #expect(answer.code == expected.code)
    }

    @Test func `Sixty-four tags can be put at once`() throws {
        let query = (0..<64).map { "tag=v\($0)" }.joined(separator: "&")
        let call = try parsed(request(.put, "a/manifests/\(Sample.sha256)", query: query)).get()
        guard case .image(_, .putManifest(_, let tags)) = call else {
            Issue.record("not a manifest")
            return
        }
        #expect(tags.count == 64)
    }

    struct ServiceCase: Sendable {
        let method: HTTPRequest.Method
        let path: String
        let call: OCI.Call?
    }

    @Test(arguments: [
        ServiceCase(method: .get, path: "", call: .ping), ServiceCase(method: .head, path: "", call: .ping),
        ServiceCase(method: .get, path: "_token", call: .token),
        ServiceCase(method: .post, path: "_token", call: .token),
        ServiceCase(method: .get, path: "a/manifests/v1", call: nil), ServiceCase(method: .get, path: "_x", call: nil),
        ServiceCase(method: .get, path: "docker/", call: nil)
    ])
    func `The mount itself has a ping, a catalog and a token endpoint`(_ expected: ServiceCase) throws {
        let operation = try OCI().parseService(request(expected.method, expected.path, prefix: "/v2/"))
        #expect(operation?.call == expected.call)
    }

    @Test func `The catalog is paginated and wants an identity`() throws {
        let head = request(.get, "_catalog", prefix: "/v2/", query: "n=10000")
        let operation = try #require(try OCI().parseService(head))
        #expect(operation.requirement == .identity)
        #expect(operation.call == .catalog(try Listing(Query("n=1000"))))
        #expect(throws: Problem.self) { try OCI().parseService(request(.put, "", prefix: "/v2/")) }
        #expect(throws: Problem.self) { try OCI().parseService(request(.delete, "_token", prefix: "/v2/")) }
    }
}
