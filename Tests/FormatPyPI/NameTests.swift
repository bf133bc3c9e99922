import GranaryFormat
import Testing

@testable import FormatPyPI

@Suite("Names of Python packages")
struct NameTests {
    @Test("All spellings of a name are one", arguments: ["my-pkg", "My.Pkg", "MY__pkg", "my-_.pkg"])
    func normalization(_ text: String) throws {
        let name = try #require(ProjectName(text))
        #expect(name.normalized == "my-pkg")
        #expect(name.display == text)
    }

    @Test(
        "What is no name is refused",
        arguments: ["", "-a", "a-", ".a", "a b", "a/b", "é", "a\u{0}", String(repeating: "a", count: 129)])
    func noName(_ text: String) { #expect(ProjectName(text) == nil) }

    struct VersionCase: Sendable {
        let text: String
        let normal: String
    }

    @Test(
        "A version has one normal spelling",
        arguments: [
            VersionCase(text: "1.0", normal: "1.0"), VersionCase(text: "v1.0", normal: "1.0"),
            VersionCase(text: " 1.0\n", normal: "1.0"), VersionCase(text: "01.002", normal: "1.2"),
            VersionCase(text: "1.0RC1", normal: "1.0rc1"), VersionCase(text: "1.0-alpha.2", normal: "1.0a2"),
            VersionCase(text: "1.0_beta", normal: "1.0b0"), VersionCase(text: "1.0c1", normal: "1.0rc1"),
            VersionCase(text: "1.0pre", normal: "1.0rc0"), VersionCase(text: "1.0-1", normal: "1.0.post1"),
            VersionCase(text: "1.0rev3", normal: "1.0.post3"), VersionCase(text: "1.0-r4", normal: "1.0.post4"),
            VersionCase(text: "1.0.post", normal: "1.0.post0"), VersionCase(text: "1.0dev", normal: "1.0.dev0"),
            VersionCase(text: "1!2.0", normal: "1!2.0"), VersionCase(text: "0!2.0", normal: "2.0"),
            VersionCase(text: "1.0+Ubuntu-1_x.01", normal: "1.0+ubuntu.1.x.1"),
            VersionCase(text: "1.0a1.post2.dev3+local", normal: "1.0a1.post2.dev3+local"),
            VersionCase(text: "2023.12.31", normal: "2023.12.31")
        ])
    func normalVersion(_ expected: VersionCase) throws {
        let version = try #require(PythonVersion(expected.text))
        #expect(version.text == expected.normal)
        #expect(PythonVersion(version.text) == version)
    }

    @Test(
        "What is no version is refused",
        arguments: [
            "", "a", "1.", ".1", "1..2", "1.0+", "1.0+a..b", "1.0-", "1.0 1", "1!", "1.0x", "1.0a1b2", "١.٠",
            "1.9999999999999999999", "1.0rc1rc2", "french toast"
        ])
    func noVersion(_ text: String) { #expect(PythonVersion(text) == nil) }

    @Test(
        "Spellings of one version are equal",
        arguments: [
            ("1.0", "1.0.0"), ("1", "v1.0"), ("1.0-1", "1.0.post1"),
            ("1.0+a-b", "1.0+A.b"), ("0!1.0a", "1.0.0a0")
        ])
    func equality(_ left: String, _ right: String) throws {
        #expect(try #require(PythonVersion(left)) == #require(PythonVersion(right)))
        #expect(Set([PythonVersion(left), PythonVersion(right)]).count == 1)
    }

    @Test("A version knows how else it is spelled")
    func spellings() throws {
        #expect(try #require(PythonVersion("1.0rc1")).spellings == ["1.0rc1", "1rc1", "1.0.0rc1", "1.0.0.0rc1"])
        #expect(try #require(PythonVersion("1.2.3.4.5")).spellings == ["1.2.3.4.5"])
        #expect(try #require(PythonVersion("0.0")).spellings == ["0.0", "0", "0.0.0", "0.0.0.0"])
        #expect(try #require(PythonVersion("1.0.0.0.0")).spellings.first == "1.0.0.0.0")
    }

    @Test("Versions are in the order of PEP 440")
    func order() throws {
        let sorted = [
            "0.9", "1.dev0", "1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456", "1.0b2",
            "1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0", "1.0+abc.5", "1.0+abc.7",
            "1.0+5",
            "1.0.post456.dev34", "1.0.post456", "1.0.15", "1.1.dev1", "1!0.1"
        ]
        let versions = try sorted.map { try #require(PythonVersion($0)) }
        #expect(versions.shuffled().sorted().map(\.text) == versions.map(\.text))
        for (left, right) in zip(versions, versions.dropFirst()) { #expect(left < right && !(right < left)) }
    }

    struct FileCase: Sendable {
        let filename: String
        let project: String
        let version: String
        var tag = "source"
    }

    @Test(
        "A file name tells the version",
        arguments: [
            FileCase(filename: "my_pkg-1.0-py3-none-any.whl", project: "My.Pkg", version: "1.0", tag: "py3"),
            FileCase(filename: "My.Pkg-1.0-7-py2.py3-none-any.whl", project: "my-pkg", version: "1.0", tag: "py2.py3"),
            FileCase(
                filename: "a-1!2.0+cpu-cp311-cp311-linux_x86_64.whl", project: "a", version: "1!2.0+cpu", tag: "cp311"),
            FileCase(filename: "my_pkg-1.0.tar.gz", project: "my-pkg", version: "1.0"),
            FileCase(filename: "My.Pkg-1.0.tar.gz", project: "my-pkg", version: "1.0"),
            FileCase(filename: "a-b-1.0.zip", project: "a-b", version: "1.0"),
            FileCase(filename: "a-1-1.0.tar.gz", project: "a-1", version: "1.0"),
            FileCase(filename: "a-1.0-1.tar.gz", project: "a", version: "1.0.post1")
        ])
    func filename(_ expected: FileCase) throws {
        let name = try DistributionName(expected.filename, of: try #require(ProjectName(expected.project)))
        #expect(name.version == PythonVersion(expected.version))
        #expect(name.pythonTag == expected.tag)
        #expect(name.kind == (expected.filename.hasSuffix(".whl") ? .wheel : .source))
    }

    @Test(
        "A file name of something else is refused",
        arguments: [
            "other-1.0.tar.gz", "a.tar.gz", "a-.tar.gz", "a-1.0.tar.bz2", "a-1.0.egg", "a-1.0.exe", ".a-1.0.tar.gz",
            "../a-1.0.tar.gz", "a-1.0\\x.tar.gz", "a-1.0.tar.gz\n", "a-1.0-py3-none.whl", "a-1.0-x-py3-none-any.whl",
            "a-1.0--none-any.whl", "b-1.0-py3-none-any.whl", "a-x-py3-none-any.whl", "a-1.0 .tar.gz", "", "a-é.tar.gz",
            "a-1.0.tar.gz.metadata", "a-\(String(repeating: "1", count: 250)).tar.gz"
        ])
    func otherFile(_ filename: String) throws {
        let project = try #require(ProjectName("a"))
        #expect(throws: Problem.self) { try DistributionName(filename, of: project) }
    }
}
