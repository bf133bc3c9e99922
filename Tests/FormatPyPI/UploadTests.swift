import GranaryFormat
import GranaryModel
import Testing

@testable import FormatPyPI

@Suite("Forms of uploads")
struct UploadTests {
    private static let sha256 = String(repeating: "07", count: 32)
    private static let md5 = "00112233445566778899aabbccddeeff"

    /// A right form, changed: nil takes a field away, two values say it twice.
    private static func form(_ changes: [String: [String]?] = [:], filename: String = "my_pkg-1.0-py3-none-any.whl")
        throws
        -> UploadForm
    {
        var form = UploadForm()
        form.filename = filename
        let digest = try #require(BlobDigest(hex: sha256))
        form.content = StagedBlob(checksums: Checksums(sha256: digest, md5: md5), size: ByteCount(3))
        form.fields = [
            ":action": ["file_upload"], "protocol_version": ["1"], "name": ["My.Pkg"], "version": ["1.0"],
            "filetype": ["bdist_wheel"], "pyversion": ["py3"], "metadata_version": ["2.1"], "sha256_digest": [sha256],
            "classifiers": ["a", "b"]
        ]
        for (name, values) in changes { form.fields[name] = values }
        return form
    }

    @Test("A right form is taken")
    func right() throws {
        let upload = try Upload(try Self.form())
        #expect(upload.project.package.text == "my-pkg")
        #expect(upload.distribution.version.text == "1.0")
        #expect(
            try Upload(try Self.form(filename: "my_pkg-1.0.0-py3-none-any.whl")).distribution.version.text == "1.0.0")
    }

    @Test(
        "A digest is taken in every form in which clients send it",
        arguments: [
            ["sha256_digest": sha256.uppercased()], ["md5_digest": md5], ["md5_digest": "ABEiM0RVZneImaq7zN3u_w"],
            ["md5_digest": "ABEiM0RVZneImaq7zN3u_w=="],
            ["blake2_256_digest": sha256]
        ])
    func digests(_ fields: [String: String]) throws {
        _ = try Upload(try Self.form(fields.mapValues { [$0] }))
    }

    @Test("MD5 alone is enough")
    func md5Alone() throws {
        _ = try Upload(try Self.form(["sha256_digest": nil, "md5_digest": [Self.md5]]))
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let words: String
        var changes: [String: [String]?] = [:]
        var filename = "my_pkg-1.0-py3-none-any.whl"
        var testDescription: String { words }
    }

    @Test(
        "A form that is not right is refused in a sentence",
        arguments: [
            Case(words: "':action'", changes: [":action": ["submit"]]),
            Case(words: "':action'", changes: [":action": nil]),
            Case(words: "'protocol_version'", changes: ["protocol_version": ["2"]]),
            Case(words: "'name' is missing", changes: ["name": nil]),
            Case(words: "'name' comes more than once", changes: ["name": ["a", "a"]]),
            Case(words: "name of a project", changes: ["name": ["-"]]),
            Case(words: "PEP 440", changes: ["version": ["one"]]),
            Case(words: "is not the one of", changes: ["version": ["1.1"]]),
            Case(words: "not named after", changes: ["name": ["other"]]),
            Case(words: "'filetype'", changes: ["filetype": ["sdist"]]),
            Case(words: "'filetype' is missing", changes: ["filetype": nil]),
            Case(words: "is needed", changes: ["sha256_digest": nil]),
            Case(words: "is needed", changes: ["sha256_digest": nil, "blake2_256_digest": [sha256]]),
            Case(words: "SHA-256 digest", changes: ["sha256_digest": [String(repeating: "08", count: 32)]]),
            Case(words: "no digest of 32 bytes", changes: ["sha256_digest": ["zz"]]),
            Case(words: "MD5 digest", changes: ["md5_digest": [String(repeating: "0", count: 32)]]),
            Case(words: "no digest of 16 bytes", changes: ["md5_digest": ["!!"]]),
            Case(words: "no digest of 32 bytes", changes: ["blake2_256_digest": ["x"]]),
            Case(words: "Invalid file name", filename: "../a"),
            Case(words: "neither a wheel", filename: "my_pkg-1.0.egg"),
            Case(words: "'filetype'", filename: "my_pkg-1.0.tar.gz")
        ])
    func wrong(_ wrong: Case) throws {
        let form = try Self.form(wrong.changes, filename: wrong.filename)
        let text = refusal { () throws(Problem) in _ = try Upload(form) }
        #expect(text?.contains(wrong.words) == true, "\(text ?? "taken")")
        #expect(text?.hasSuffix(".") == true)
    }

    @Test("A form without a file is refused")
    func noFile() throws {
        var form = try Self.form()
        form.content = nil
        let text = refusal { () throws(Problem) in _ = try Upload(form) }
        #expect(text == "The file 'content' is missing.")
    }
}
