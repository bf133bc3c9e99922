import GranaryFormat
import GranaryModel
import GranaryTestKit
import HTTPTypes
import Testing

@testable import FormatGeneric

@Suite struct GrammarTests {
    struct Route: Sendable {
        let method: HTTPRequest.Method
        let path: String
        var query = ""
        let name: String
        let requirement: Requirement
    }

    static let routes: [Route] = [
        Route(method: .get, path: "a/b.bin", name: "file.get", requirement: on(.read, "a")),
        Route(method: .head, path: "b.bin", name: "file.get", requirement: on(.read, "/")),
        Route(method: .get, path: "", name: "directory.list", requirement: .rights(.read, nil)),
        Route(method: .get, path: "a/b/", name: "directory.list", requirement: .rights(.read, nil)),
        Route(method: .get, path: "a/b", query: "properties", name: "properties.get", requirement: on(.read, "a")),
        Route(method: .put, path: "a/b/c", name: "file.put", requirement: on(.write, "a/b")),
        Route(
            method: .put, path: "a/b", query: "properties=k=v", name: "properties.put",
            requirement: on([.read, .write], "a")),
        Route(method: .delete, path: "a/b", name: "file.delete", requirement: on(.delete, "a")),
        Route(
            method: .delete, path: "a/b", query: "properties=k", name: "properties.delete",
            requirement: on([.read, .write], "a")),
        Route(
            method: .delete, path: "a/b/", query: "recursive=true", name: "directory.delete",
            requirement: on(.delete, "a/b")),
        Route(
            method: .delete, path: "", query: "recursive=true", name: "directory.delete", requirement: on(.delete, "/")),
        Route(method: .options, path: "a/../b", name: "options", requirement: .none)
    ]

    private static func on(_ rights: Rights, _ package: String) -> Requirement {
        .rights(rights, PackageName(package))
    }

    @Test("A request asks for rights on the directory it touches", arguments: routes)
    func route(_ route: Route) throws {
        let operation = try Generic().parse(head(route.method, route.path, query: route.query))
        #expect(operation.name == route.name)
        #expect(operation.requirement == route.requirement)
    }

    struct Refusal: Sendable {
        let method: HTTPRequest.Method
        let path: String
        var query = ""
        var fields: [(String, String)] = []
        let status: Int
    }

    static let refusals: [Refusal] = [
        Refusal(method: .get, path: "a/../b", status: 400),
        Refusal(method: .get, path: "%2e%2e/etc/passwd", status: 400),
        Refusal(method: .get, path: "a/%2E%2e;x=1/b", status: 400),
        Refusal(method: .get, path: "a%2fb", status: 400),
        Refusal(method: .get, path: "a%5cb", status: 400),
        Refusal(method: .get, path: "a%00", status: 400),
        Refusal(method: .get, path: "a//b", status: 400),
        Refusal(method: .get, path: "a/%c0%ae", status: 400),
        Refusal(method: .get, path: "a/%zz", status: 400),
        Refusal(method: .get, path: String(repeating: "a", count: 256), status: 400),
        Refusal(method: .get, path: String(repeating: "aaaaaaaaa/", count: 103) + "b", status: 400),
        Refusal(method: .put, path: "a/", status: 400),
        Refusal(method: .put, path: "", status: 400),
        Refusal(method: .put, path: ".granary/a", status: 400),
        Refusal(method: .put, path: ".uploads/a", status: 400),
        Refusal(method: .put, path: "%2Euploads/a", status: 400),
        Refusal(method: .put, path: "a", fields: [("Content-Range", "bytes 0-1/10")], status: 400),
        Refusal(method: .put, path: "a", fields: [("If-None-Match", "\"x\"")], status: 400),
        Refusal(method: .put, path: "a", fields: [("If-Match", "x")], status: 400),
        Refusal(method: .put, path: "a", fields: [("If-Match", "*"), ("If-None-Match", "*")], status: 400),
        Refusal(method: .put, path: "a", fields: [("Content-Type", "nonsense")], status: 400),
        Refusal(method: .put, path: "a", fields: [("X-Checksum-Deploy", "perhaps")], status: 400),
        Refusal(method: .put, path: "a;k+=v", status: 400),
        Refusal(method: .put, path: "a", query: "properties", status: 400),
        Refusal(method: .delete, path: "a/", status: 400),
        Refusal(method: .delete, path: "a/", query: "recursive=false", status: 400),
        Refusal(method: .delete, path: "a;k=v", status: 400),
        Refusal(method: .delete, path: "a/", query: "recursive=1", fields: [("If-Match", "*")], status: 412),
        Refusal(method: .delete, path: "a", query: "properties", status: 400),
        Refusal(method: .get, path: "a/", query: "limit=0", status: 400),
        Refusal(method: .get, path: "a/", query: "limit=many", status: 400),
        Refusal(method: .get, path: "a/", query: "after=%00", status: 400),
        Refusal(method: .patch, path: "a", status: 405),
        Refusal(method: .post, path: "a", fields: [("Content-Type", "multipart/form-data; boundary=b")], status: 405)
    ]

    @Test("What could be misread is refused before anything is read", arguments: refusals)
    func refusal(_ refused: Refusal) {
        let status = FormatGenericTests.refusal(
            of: head(refused.method, refused.path, query: refused.query, refused.fields))
        #expect(status == refused.status)
    }

    @Test("WebDAV is not offered", arguments: ["MKCOL", "PROPFIND", "LOCK", "COPY", "MOVE", "TRACE"])
    func otherMethods(_ name: String) throws {
        let method = try #require(HTTPRequest.Method(name))
        let request = head(method, "a")
        let reply = Generic().reply(to: try #require(problem(of: request)), for: request, nil)
        #expect(reply.status == .methodNotAllowed)
        #expect(reply.headers[.allow] == "OPTIONS, GET, HEAD, PUT, DELETE, POST")
    }

    struct Spelling: Sendable {
        let path: String
        let segments: [String]
        var parameters: [String: [String]] = [:]
    }

    static let spellings: [Spelling] = [
        Spelling(path: "a/b.bin", segments: ["a", "b.bin"]),
        Spelling(path: "a+b%20c%23%3F.bin", segments: ["a+b c#?.bin"]),
        Spelling(path: "na%C3%AFve", segments: ["naïve"]),
        Spelling(path: "%252e%252e/x", segments: ["%2e%2e", "x"]),
        Spelling(path: "a%3Bb=1", segments: ["a;b=1"]),
        Spelling(path: "x/y.bin;c=3", segments: ["x", "y.bin"], parameters: ["c": ["3"]]),
        Spelling(
            path: ";b=249/x/y;os=win,linux", segments: ["x", "y"], parameters: ["b": ["249"], "os": ["win", "linux"]]),
        Spelling(path: "x;a=1/y;b=%3B;c", segments: ["x", "y"], parameters: ["a": ["1"], "b": [";"], "c": [""]]),
        Spelling(path: "x;a=1%5C,2,3", segments: ["x"], parameters: ["a": ["1,2", "3"]]),
        Spelling(path: "x;a=b=c", segments: ["x"], parameters: ["a": ["b=c"]]),
        Spelling(path: "x;;", segments: ["x"])
    ]

    @Test("Semicolons are split before segments are decoded", arguments: spellings)
    func spelling(_ spelling: Spelling) throws {
        let path = try ParameterizedPath(spelling.path)
        #expect(path.segments == spelling.segments)
        #expect(Dictionary(uniqueKeysWithValues: path.parameters.map { ($0.key, $0.values) }) == spelling.parameters)
    }

    @Test("A slash may be followed by parameters and still make a directory")
    func directoryWithParameters() throws {
        #expect(try ParameterizedPath("x/;a=1").isDirectory)
        #expect(try ParameterizedPath("x;a=1/").isDirectory)
        #expect(try ParameterizedPath("x;a=1").isDirectory == false)
    }

    @Test("No path that parses leaves its repository")
    func neverCrashes() {
        var generator = Generator(seed: 0x6E72)
        for round in 0..<4000 {
            let noise = generator.text(of: "ab./;=+,%25eEcC0\\ \u{301}é", lengths: 0...24)
            let mutated = generator.mutation(of: Array("a/%2e%2e;k=v/b%3Bc.bin".utf8))
            let raw = round.isMultiple(of: 2) ? noise : String(decoding: mutated, as: UTF8.self)
            guard let path = try? ParameterizedPath(raw) else { continue }
            for segment in path.segments {
                #expect(segment != "." && segment != ".." && !segment.isEmpty)
                #expect(!segment.utf8.contains { $0 < 0x20 || $0 == 0x7F || "/\\".utf8.contains($0) })
            }
            guard let address = try? FileAddress(path.segments) else { continue }
            #expect((try? ParameterizedPath(address.encodedPath))?.segments == path.segments, "\(raw)")
        }
    }

    @Test("The address of a file names its package, its version and its path")
    func address() throws {
        let address = try FileAddress(["a", "b", "c.bin"])
        #expect(address.package == PackageName("a/b"))
        #expect(address.version == VersionName("c.bin"))
        #expect(address.path == FilePath("c.bin"))
        #expect(try FileAddress(["c.bin"]).package == PackageName("/"))
    }

    @Test("A virtual checksum belongs to the file without the extension")
    func checksumOf() throws {
        let base = try #require(try FileAddress(["a", "b.bin.sha512"]).checksumOf)
        #expect(base.0 == (try FileAddress(["a", "b.bin"])))
        #expect(base.1 == .sha512)
        #expect(try FileAddress(["a", ".sha256"]).checksumOf == nil)
        #expect(try FileAddress(["a", "b.bin"]).checksumOf == nil)
    }
}

@Suite struct ConditionTests {
    static let hex = String(repeating: "ab", count: 32)

    struct Case: Sendable {
        let fields: [(String, String)]
        let condition: WriteCondition
    }

    static let cases: [Case] = [
        Case(fields: [], condition: .none),
        Case(fields: [("If-None-Match", "*")], condition: .absent),
        Case(fields: [("If-Match", "*")], condition: .present),
        Case(fields: [("If-Match", "\"\(hex)\"")], condition: .matches(Set([BlobDigest(hex: hex)].compactMap { $0 }))),
        Case(fields: [("If-Match", "\"x\", W/\"\(hex)\"")], condition: .matches([]))
    ]

    @Test("Conditions are strong entity tags, any or none", arguments: cases)
    func tags(_ test: Case) throws {
        #expect(try WriteRequest.Conditions(head(.put, "a", test.fields).headers).tags == test.condition)
    }

    @Test("An HTTP date is written and read back")
    func dates() throws {
        let moment = Timestamp(milliseconds: 784_111_777_000)
        #expect(moment.httpDate == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(Timestamp(httpDate: moment.httpDate) == moment)
        var generator = Generator(seed: 9)
        for _ in 0..<500 {
            let moment = Timestamp(milliseconds: Int64.random(in: 0..<4_000_000_000, using: &generator) * 1000)
            #expect(Timestamp(httpDate: moment.httpDate) == moment)
            _ = Timestamp(
                httpDate: String(decoding: generator.mutation(of: Array(moment.httpDate.utf8)), as: UTF8.self))
        }
    }

    @Test("A date is compared with whole seconds and then pins the file it was compared with")
    func unmodifiedSince() throws {
        let fields = [("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")]
        let conditions = try WriteRequest.Conditions(head(.put, "a", fields).headers)
        let older = try storedFile("/", "a", modified: 784_111_777_999)
        let newer = try storedFile("/", "a", modified: 784_111_778_000)
        #expect(!conditions.refuse(older))
        #expect(conditions.refuse(newer))
        #expect(conditions.condition(over: older) == .matches([older.checksums.sha256]))
        #expect(conditions.condition(over: nil) == .none)
    }
}

/// A file of three bytes as a repository would answer it.
func storedFile(_ package: String, _ name: String, modified: Int64 = 0) throws -> StoredFile {
    StoredFile(
        package: try #require(PackageName(package)), version: VersionName(name), path: try #require(FilePath(name)),
        size: ByteCount(3), mediaType: .octetStream,
        checksums: Checksums(sha256: try #require(BlobDigest(hex: String(repeating: "0f", count: 32)))),
        modified: Timestamp(milliseconds: modified))
}
