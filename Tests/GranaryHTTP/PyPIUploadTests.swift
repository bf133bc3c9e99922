import FormatPyPI
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Python packages over HTTP: uploads")
struct PyPIUploadTests {
    @Test("An upload is served with its metadata, in whatever order its parts come", arguments: [false, true])
    func order(_ isFileFirst: Bool) async throws {
        try await withDistributions { server in
            var wheel = TestDistribution()
            wheel.isFileFirst = isFileFirst
            #expect(try await server.upload(wheel).status == 200)
            #expect(try await server.send("GET", "/pypi/py/\(wheel.url)").body == wheel.bytes)
            let metadata = try await server.send("GET", "/pypi/py/\(wheel.url).metadata")
            #expect(metadata.text == wheel.metadataText)
            #expect(metadata["Content-Type"]?.hasPrefix("text/plain") == true)
            let sources = TestDistribution(isWheel: false)
            #expect(try await server.upload(sources, to: "py/legacy/").status == 200)
            #expect(try await server.upload(sources, to: "py/legacy").status == 200)
            #expect(try await server.upload(sources, to: "py").status == 200)
            let page = try await server.simplePage("my-pkg")
            #expect(page.versions == ["1.0"])
            #expect(Set(page.files.map(\.filename)) == [wheel.file, sources.file])
            #expect(page.files.first { $0.filename == wheel.file }?.size == wheel.bytes.count)
        }
    }

    @Test("The same bytes change nothing, others are refused, also after the file was deleted")
    func duplicates() async throws {
        try await withDistributions { server in
            let first = TestDistribution()
            let other = TestDistribution(content: "x = 2\n")
            try await server.publish(first)
            try await server.publish(first)
            let refused = try await server.upload(other)
            #expect(refused.status == 400)
            #expect(
                refused.text.hasPrefix("File already exists ('my_pkg-1.0-py3-none-any.whl', with "), "\(refused.text)")
            #expect(try await server.send("DELETE", "/pypi/py/\(first.url)").status == 204)
            #expect(try await server.send("GET", "/pypi/py/\(first.url)").status == 404)
            #expect(try await server.send("GET", "/pypi/py/\(first.url).metadata").status == 404)
            #expect(try await server.send("GET", "/pypi/py/simple/my-pkg/").status == 404)
            let revived = try await server.upload(other)
            #expect(revived.status == 400, "\(revived.text)")
            try await server.publish(first)
        }
    }

    @Test("Spellings of one version are one release")
    func equalVersions() async throws {
        try await withDistributions { server in
            try await server.publish(TestDistribution(version: "1.0"))
            let sources = TestDistribution(version: "1.0.0", isWheel: false)
            try await server.publish(sources)
            #expect(try await server.simplePage("my-pkg").versions == ["1.0"])
            #expect(try await server.send("GET", "/pypi/py/\(sources.url)").status == 200)
            #expect(try await server.send("DELETE", "/pypi/py/packages/My.Pkg/1/").status == 204)
            #expect(try await server.send("GET", "/pypi/py/simple/my-pkg/").status == 404)
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let words: String
        let distribution: TestDistribution
        var testDescription: String { words }
    }

    @Test(
        "What does not fit together is refused, and nothing of it stays",
        arguments: [
            Case(words: "SHA-256", distribution: .init(changes: ["sha256_digest": String(repeating: "0", count: 64)])),
            Case(words: "is needed", distribution: .init(changes: ["sha256_digest": nil])),
            Case(words: "not named after", distribution: .init(changes: ["name": "other"])),
            Case(words: "is not the one of", distribution: .init(changes: ["version": "2.0"])),
            Case(words: "of its own name and version", distribution: .init(filename: "my_pkg-1.1-py3-none-any.whl")),
            Case(words: "Metadata-Version", distribution: .init(metadataVersion: "3.0")),
            Case(words: "more than one name", distribution: .init(metadata: "Name: other\n")),
            Case(words: "Invalid file name", distribution: .init(filename: "../my_pkg-1.0.tar.gz")),
            Case(words: "cannot be read", distribution: .init(isWheel: false, filename: "my_pkg-1.0.zip"))
        ])
    func misfits(_ wrong: Case) async throws {
        try await withDistributions { server in
            var distribution = wrong.distribution
            if distribution.filename?.contains("1.1") == true { distribution.changes["version"] = "1.1" }
            let answer = try await server.upload(distribution)
            #expect(answer.status == 400)
            #expect(answer.text.contains(wrong.words), "\(answer.text)")
            #expect(answer["Content-Type"]?.hasPrefix("text/plain") == true)
            #expect(try await server.send("GET", "/pypi/py/simple/my-pkg/").status == 404)
        }
    }

    @Test("A form that is cut off or is none is refused")
    func malformed() async throws {
        try await withDistributions { server in
            let form = TestDistribution().form
            for body in [Array(form.dropLast(40)), Array(form.prefix(200)), [], Array("nonsense".utf8)] {
                let answer = try await server.send("POST", "/pypi/py/", TestDistribution.contentType, body: body)
                #expect(answer.status == 400, "\(answer.text)")
            }
            #expect(try await server.send("POST", "/pypi/py/", body: form).status == 400)
        }
    }

    @Test("A file over the limit is refused")
    func limit() async throws {
        try await withDistributions(format: PyPI(maximumFile: ByteCount(100))) { server in
            let refused = try await server.upload(TestDistribution())
            #expect(refused.status == 413)
        }
    }

    @Test("Uploads need the right to write that project")
    func rights() async throws {
        try await withDistributions { server in
            let wheel = TestDistribution()
            let anonymous = try await server.upload(wheel, authorization: nil)
            #expect(anonymous.status == 401)
            #expect(anonymous["WWW-Authenticate"]?.hasPrefix("Basic realm=\"Granary\"") == true)
            let reader = try await server.user("reader", ("py", "**", .read))
            #expect(try await server.upload(wheel, authorization: reader).status == 403)
            let writer = try await server.user("writer", ("py", "my-pkg", .write))
            #expect(try await server.upload(wheel, authorization: writer).status == 200)
            #expect(try await server.upload(wheel, authorization: writer).status == 200)
            let other = TestDistribution(name: "other")
            #expect(try await server.upload(other, authorization: writer).status == 403)
            #expect(try await server.send("DELETE", "/pypi/py/\(wheel.url)", authorization: writer).status == 403)
            #expect(try await server.send("POST", "/pypi/py/yank/my-pkg/1.0", authorization: reader).status == 403)
        }
    }

    @Test("A large file is stored as it comes")
    func large() async throws {
        try await withDistributions { server in
            let wheel = TestDistribution(content: String(repeating: "x = '\r\n--frontie\r\n-'\n", count: 20_000))
            try await server.publish(wheel)
            let got = try await server.send("GET", "/pypi/py/\(wheel.url)")
            #expect(got.body == wheel.bytes)
        }
    }
}
