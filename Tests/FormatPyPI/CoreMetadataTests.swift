import GranaryFormat
import Testing

@testable import FormatPyPI

@Suite("Core metadata")
struct CoreMetadataTests {
    private static let plain = "Metadata-Version: 2.1\nName: my-pkg\nVersion: 1.0\n"

    @Test("Fields, repeated fields and the description are read")
    func fields() throws {
        let text =
            "Metadata-Version: 2.1\r\nNAME: My.Pkg\nVersion: 1.0\nSummary:  one\nLicense: a\n        b\n"
            + "Classifier: x\nClassifier: y\nRequires-Python: >=3.8\n\n# Title\n\nName: other\n"
        let metadata = try CoreMetadata(text.utf8)
        #expect(metadata["name"] == "My.Pkg")
        #expect(metadata["license"] == "a\nb")
        #expect(metadata.all("classifier") == ["x", "y"])
        #expect(metadata["requires-python"] == ">=3.8")
        #expect(metadata.description == "# Title\n\nName: other\n")
    }

    @Test("An old description is a field of its own")
    func description() throws {
        let metadata = try CoreMetadata((Self.plain + "Description: one\n        |two\n        three\n").utf8)
        #expect(metadata.description == "one\ntwo\nthree")
    }

    @Test(
        "Malformed metadata is refused",
        arguments: [
            "", "\n", "Name: a\nVersion: 1\n", "Metadata-Version: 2.1\nVersion: 1\n",
            "Metadata-Version: 2.1\nName: a\n",
            " Name: a\n", plain + "Name: other\n", plain + "Version: 2\n", plain + "no field\n", plain + ": x\n",
            plain + "Na me: x\n", plain + "Summary: \u{1b}[0m\n", plain + "\u{0}",
            "Metadata-Version: 3.0\nName: a\nVersion: 1\n", "Metadata-Version: x\nName: a\nVersion: 1\n",
            plain + "Requires-Python: >=3\nRequires-Python: >=2\n"
        ])
    func malformed(_ text: String) {
        #expect(throws: Problem.self) { try CoreMetadata(text.utf8) }
    }

    @Test("Bytes that are no UTF-8 are refused, and too many of them")
    func bytes() {
        #expect(throws: Problem.self) { try CoreMetadata(Array(Self.plain.utf8) + [0xFF]) }
        let long = Self.plain + "\n" + String(repeating: "x", count: CoreMetadata.maximumBytes)
        #expect(throws: Problem.self) { try CoreMetadata(long.utf8) }
    }

    @Test("Newer minor versions are taken", arguments: ["1.0", "1.2", "2.0", "2.1", "2.4", "2.5", "2.17"])
    func versions(_ version: String) throws {
        let text = "Metadata-Version: \(version)\nName: a\nVersion: 1\n"
        #expect(try CoreMetadata(text.utf8)["version"] == "1")
    }

    struct SourceCase: Sendable {
        let version: String
        let dynamic: String
        let isReliable: Bool
    }

    @Test(
        "Metadata of sources is reliable only where nothing that counts is dynamic",
        arguments: [
            SourceCase(version: "2.1", dynamic: "", isReliable: false),
            SourceCase(version: "1.2", dynamic: "", isReliable: false),
            SourceCase(version: "2.2", dynamic: "", isReliable: true),
            SourceCase(version: "2.4", dynamic: "Dynamic: description\n", isReliable: true),
            SourceCase(version: "2.4", dynamic: "Dynamic: Requires-Dist\n", isReliable: false),
            SourceCase(version: "2.2", dynamic: "Dynamic: license\nDynamic: requires-python\n", isReliable: false)
        ])
    func sources(_ expected: SourceCase) throws {
        let text = "Metadata-Version: \(expected.version)\nName: a\nVersion: 1\n\(expected.dynamic)"
        #expect(try CoreMetadata(text.utf8).isReliableForSources == expected.isReliable)
    }

    @Test("Only addresses of the web are told")
    func urls() throws {
        let text = Self.plain + "Project-URL: Home, https://a.example\nProject-URL: Bad, javascript:alert(1)\n"
        let project = try #require(ProjectName("My.Pkg"))
        let info = try CoreMetadata(text.utf8).info(project, try #require(PythonVersion("1.0")))
        #expect(info["project_urls"]?.text == #"{"Home":"https://a.example"}"#)
        #expect(info["name"]?.string == "My.Pkg")
        #expect(info["summary"]?.isNull == true)
    }
}
