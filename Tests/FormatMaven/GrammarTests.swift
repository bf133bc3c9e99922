import GranaryFormat
import GranaryModel
import HTTPTypes
import Testing

@testable import FormatMaven

@Suite("The layout of a repository")
struct GrammarTests {
    struct Name: Sendable {
        let path: String
        var stamp: String?
        var classifier = ""
        let fileExtension: String
    }

    static let names: [Name] = [
        Name(path: "com/acme/lib/1.0/lib-1.0.jar", fileExtension: "jar"),
        Name(path: "com/acme/lib/1.0/lib-1.0-sources.jar", classifier: "sources", fileExtension: "jar"),
        Name(path: "com/acme/lib/1.0/lib-1.0.tar.gz", fileExtension: "tar.gz"),
        Name(path: "com/acme/lib/1.0/lib-1.0-bin.tar.gz", classifier: "bin", fileExtension: "tar.gz"),
        Name(path: "com/acme/lib/1.0/lib-1.0-scala2.12.jar", classifier: "scala2.12", fileExtension: "jar"),
        Name(path: "com/acme/lib/1.0/lib-1.0.pom.asc", fileExtension: "pom.asc"),
        Name(path: "com/acme/lib/1.0/lib-1.0-sources.jar.asc", classifier: "sources", fileExtension: "jar.asc"),
        Name(path: "com/acme/lib/1.0/lib-1.0.jar.sigstore.json", fileExtension: "jar.sigstore.json"),
        Name(path: "com/acme/lib/1.0/lib-1.0.module", fileExtension: "module"),
        Name(path: "com/acme/lib.core/1.0-rc.1/lib.core-1.0-rc.1.7z", fileExtension: "7z"),
        Name(
            path: "com/acme/lib/1.1-SNAPSHOT/lib-1.1-20261120.235507-1.jar", stamp: "20261120.235507-1",
            fileExtension: "jar"),
        Name(
            path: "com/acme/lib/1.1-SNAPSHOT/lib-1.1-20261120.235507-12-javadoc.jar", stamp: "20261120.235507-12",
            classifier: "javadoc", fileExtension: "jar"),
        Name(path: "com/acme/lib/1.1-SNAPSHOT/lib-1.1-SNAPSHOT.jar", fileExtension: "jar"),
        Name(path: "a/b/SNAPSHOT/b-SNAPSHOT.jar", fileExtension: "jar"),
        Name(path: "sbt/sbt-foo_2.12_1.0/1/sbt-foo_2.12_1.0-1.jar", fileExtension: "jar")
    ]

    @Test("The name of a file says what it is", arguments: names)
    func file(_ name: Name) throws {
        let segments = name.path.split(separator: "/").map(String.init)
        let file = try #require(ArtifactFile(segments))
        #expect(file.coordinates.directory == segments.dropLast(2))
        #expect(file.version.text == segments[segments.count - 2])
        #expect(file.path.text == segments.suffix(2).joined(separator: "/"))
        #expect(file.stamp?.text == name.stamp)
        #expect(file.classifier == name.classifier)
        #expect(file.fileExtension == name.fileExtension)
    }

    static let strangers = [
        "lib/1.0/lib-1.0.jar", "com/acme/lib/1.0/lib-2.0.jar", "com/acme/lib/1.0/other-1.0.jar",
        "com/acme/lib/1.0/lib-1.0", "com/acme/lib/1.0/lib-1.0.", "com/acme/lib/1.0/lib-1.0-sources",
        "com/acme/lib/1.0/lib-1.0-.jar", "com/acme/lib/1.0/lib-1.0.1.jar", "com/acme/lib/1.0/lib-1.0x.jar",
        "com.acme/x/lib/1.0/lib-1.0.jar", "com/a:b/1.0/a:b-1.0.jar", "com/acme/lib/1:0/lib-1:0.jar",
        "com/acme/lib/1.1-SNAPSHOT/lib-1.1.jar", "com/acme/lib/1.1-SNAPSHOT/lib-1.1-2026.1-1.jar",
        "com/acme/lib/1.1-SNAPSHOT/lib-1.1-20261120.235507-01.jar",
        "com/acme/lib/1.1-SNAPSHOT/lib-1.1-20261120.235507-99999999999.jar",
        "com/acme/lib/1.1-20261120.235507-1/lib-1.1-20261120.235507-1.jar", ".index/x/1/x-1.jar",
        "com/acme/lib/1.0/maven-metadata.xml.asc", "com/äcme/lib/1.0/lib-1.0.jar"
    ]

    @Test("What is no file of its directory cannot be deployed", arguments: strangers)
    func stranger(_ path: String) {
        #expect(ArtifactFile(path.split(separator: "/").map(String.init)) == nil)
        #expect(refusal(of: head(.put, percentEncoded(path, allowing: "/"))) == 400)
    }

    static let strays = [
        "com/eed3si9n/sbt-assembly_2.12_1.0/1.1.0/sbt-assembly-1.1.0.pom", "com/acme/lib/1.0/other-1.0.jar",
        "com/acme/lib/1.0/lib-1.0.1.jar", "com/acme/lib/1.0/ivy.xml", "com/acme/lib/1.1-SNAPSHOT/lib-1.1.jar"
    ]

    @Test("A file of another name can be read, and its checksum, but not deployed", arguments: strays)
    func stray(_ path: String) throws {
        let file = try #require(StrayFile(path.split(separator: "/").map(String.init)))
        #expect(try Maven().file(of: Maven().parse(head(.get, path)))?.0 == .path(file.path))
        #expect(try Maven().parse(head(.get, path + ".sha1")).requirement == .rights(.read, file.coordinates.package))
        #expect(refusal(of: head(.put, path)) == 400)
    }

    @Test(
        "What may be a directory is looked for as one",
        arguments: [
            "com/acme/lib/1.0", "com/acme/lib/1.0.Final", "com/acme/lib2/1.0.Final", "com/acme/lib2/1.0",
            "com/acme/lib/core.api", "com/acme/lib/1.0/README", "com/acme/lib/1.0/maven-metadata.xml.asc",
            "com/acme/lib/1.0/other-1.0.jar.sha1.md5"
        ])
    func directory(_ path: String) throws {
        #expect(try Maven().parse(head(.get, path)).name == "directory.find")
    }

    struct Route: Sendable {
        let method: HTTPRequest.Method
        let path: String
        let name: String
        let requirement: Requirement
    }

    static let routes: [Route] = [
        Route(method: .get, path: "com/acme/lib/1.0/lib-1.0.jar", name: "file.get", requirement: on(.read)),
        Route(method: .head, path: "com/acme/lib/1.0/lib-1.0.jar.sha1", name: "file.get", requirement: on(.read)),
        Route(method: .put, path: "com/acme/lib/1.0/lib-1.0.jar", name: "file.put", requirement: on(.write)),
        Route(method: .put, path: "com/acme/lib/1.0/lib-1.0.jar.md5", name: "checksum.put", requirement: on(.write)),
        Route(
            method: .get, path: "com/acme/lib/maven-metadata.xml", name: "metadata.get",
            requirement: .rights(.read, nil)),
        Route(
            method: .get, path: "com/acme/lib/1-SNAPSHOT/maven-metadata.xml.sha512", name: "metadata.get",
            requirement: on(.read)),
        Route(
            method: .put, path: "com/acme/maven-metadata.xml", name: "metadata.put", requirement: .rights(.write, nil)),
        Route(method: .get, path: "", name: "directory.list", requirement: .rights(.read, nil)),
        Route(method: .get, path: "com/acme/", name: "directory.list", requirement: .rights(.read, nil)),
        Route(method: .get, path: "com/acme", name: "directory.find", requirement: .rights(.read, nil)),
        Route(method: .get, path: ".meta/prefixes.txt", name: "directory.find", requirement: .rights(.read, nil)),
        Route(method: .delete, path: "com/acme/lib/1.0/lib-1.0.jar", name: "file.delete", requirement: on(.delete)),
        Route(method: .delete, path: "com/acme/lib/1.0/", name: "version.delete", requirement: on(.delete)),
        Route(method: .delete, path: "com/acme/lib/1.0", name: "version.delete", requirement: on(.delete))
    ]

    private static func on(_ rights: Rights) -> Requirement { .rights(rights, PackageName("com.acme:lib")) }

    @Test("A request asks for rights on the artifact it touches", arguments: routes)
    func route(_ route: Route) throws {
        let operation = try Maven().parse(head(route.method, route.path))
        #expect(operation.name == route.name)
        #expect(operation.requirement == route.requirement)
    }

    static let refusals: [(HTTPRequest.Method, String, [(String, String)], Int)] = [
        (.get, "com/../lib", [], 400), (.get, "com/%2e%2e/x", [], 400), (.get, "com%2fx", [], 400),
        (.get, "a//b", [], 400), (.put, "com/acme/lib/1.0/", [], 400), (.put, "archetype-catalog.xml", [], 400),
        (.put, ".meta/prefixes.txt", [], 400), (.put, "com/acme/lib/1.0/lib-1.0.jar.sha1.md5", [], 400),
        (.put, "com/acme/lib/1.0/lib-1.0.jar", [("Content-Range", "bytes 0-1/10")], 400),
        (.put, "com/acme/lib/1.0/lib-1.0.jar", [("Content-Encoding", "gzip")], 400),
        (.delete, "com", [], 400), (.delete, "", [], 400), (.delete, "com/acme/lib/1.0/lib-1.0.jar.sha1", [], 400),
        (.post, "com/acme/lib/1.0/lib-1.0.jar", [], 405)
    ]

    @Test("Malformed requests are refused", arguments: refusals)
    func refused(_ request: (HTTPRequest.Method, String, [(String, String)], Int)) {
        #expect(refusal(of: head(request.0, request.1, request.2)) == request.3)
    }

    @Test("There are no checksums of checksums")
    func checksumOfChecksum() {
        let path = "com/acme/lib/1.0/lib-1.0.jar.sha1.md5".split(separator: "/").map(String.init)
        #expect(MavenPath(path) == .other(path))
    }
}
