import GranaryFormat
import GranaryModel
import GranaryTestKit
import NIOCore
import Testing

@testable import FormatPyPI

@Suite("The inside of distributions")
struct DistributionArchiveTests {
    private typealias Entry = Archives.Entry

    private static let metadata = "Metadata-Version: 2.1\nName: a\nVersion: 1.0\n"
    private static let wheel = [
        Entry("a/__init__.py", "x = 1\n"), Entry("a-1.0.dist-info/METADATA", metadata),
        Entry("a-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n"),
        Entry(
            "a-1.0.dist-info/RECORD",
            "a/__init__.py,sha256=x,6\na-1.0.dist-info/METADATA,,\n\"a-1.0.dist-info/WHEEL\",,\na-1.0.dist-info/RECORD,,\n"
        )
    ]
    private static let sources = [
        Entry("a-1.0/", type: "5"), Entry("a-1.0/PKG-INFO", metadata), Entry("a-1.0/a.egg-info/PKG-INFO", "other"),
        Entry("a-1.0/a.py", "x = 1\n")
    ]

    /// The metadata as text; throws what is wrong.
    private static func read(_ filename: String, _ bytes: [UInt8]) throws -> String {
        let name = try DistributionName(filename, of: try #require(ProjectName("a")))
        let stored = StoredBytes(size: ByteCount(bytes.count)) { range in
            ByteBuffer(bytes: bytes[Int(range.lowerBound)..<Int(range.upperBound)])
        }
        return String(decoding: try DistributionArchive.metadata(of: name, in: stored), as: UTF8.self)
    }

    private static func refuses(_ filename: String, _ bytes: [UInt8], _ words: String) {
        do {
            _ = try read(filename, bytes)
            Issue.record("\(filename) was taken")
        } catch let problem as Problem {
            guard case .invalid(_, let text) = problem else {
                Issue.record("\(problem)")
                return
            }
            #expect(text.contains(words), "\(text)")
        } catch {
            Issue.record(error)
        }
    }

    @Test("The metadata of a wheel is read")
    func readingWheel() throws {
        #expect(try Self.read("a-1.0-py3-none-any.whl", Archives.zip(Self.wheel)) == Self.metadata)
    }

    @Test("The metadata of sources is read from their top")
    func readingSources() throws {
        #expect(try Self.read("a-1.0.tar.gz", Archives.gzip(Archives.tar(Self.sources))) == Self.metadata)
        #expect(try Self.read("a-1.0.zip", Archives.zip(Self.sources.filter { $0.type == "0" })) == Self.metadata)
        let dotted = [
            Entry("./", type: "5"), Entry("./a-1.0/", type: "5"), Entry("./a-1.0/PKG-INFO", Self.metadata)
        ]
        #expect(try Self.read("a-1.0.tar.gz", Archives.gzip(Archives.tar(dotted))) == Self.metadata)
    }

    struct WheelCase: Sendable, CustomTestStringConvertible {
        let words: String
        let entries: [Archives.Entry]
        var testDescription: String { words }
    }

    @Test(
        "A wheel that is not as it should be is refused",
        arguments: [
            WheelCase(words: "no METADATA, WHEEL or RECORD", entries: wheel.filter { !$0.path.hasSuffix("WHEEL") }),
            WheelCase(words: "no METADATA, WHEEL or RECORD", entries: wheel.filter { !$0.path.hasSuffix("RECORD") }),
            WheelCase(words: "exactly one .dist-info", entries: [Archives.Entry("a/__init__.py")]),
            WheelCase(words: "exactly one .dist-info", entries: wheel + [Archives.Entry("b-1.0.dist-info/METADATA")]),
            WheelCase(words: "is not in RECORD", entries: wheel + [Archives.Entry("more.py")]),
            WheelCase(words: "which is not there", entries: Array(wheel.dropFirst())),
            WheelCase(words: "twice", entries: wheel + [wheel[0]]),
            WheelCase(words: "leads out", entries: wheel + [Archives.Entry("../b")]),
            WheelCase(words: "leads out", entries: wheel + [Archives.Entry("/etc/b")]),
            WheelCase(words: "taken for", entries: wheel + [Archives.Entry("a-1.0.dist-info/Metadata")])
        ])
    func brokenWheel(_ broken: WheelCase) {
        Self.refuses("a-1.0-py3-none-any.whl", Archives.zip(broken.entries), broken.words)
    }

    @Test("A wheel is of its own version")
    func otherVersion() {
        Self.refuses("a-1.1-py3-none-any.whl", Archives.zip(Self.wheel), "of its own name and version")
    }

    @Test("Bytes that belong to no record of a zip archive are refused")
    func records() {
        let zip = Archives.zip(Self.wheel)
        let name = "a-1.0-py3-none-any.whl"
        Self.refuses(name, [0] + zip, "Invalid distribution file")
        Self.refuses(name, zip + [0], "before, after or in between")
        Self.refuses(name, Archives.zip(Self.wheel, comment: "hello"), "before, after or in between")
        Self.refuses(name, Array("no archive at all, but long enough".utf8), "Invalid distribution file")
        Self.refuses(name, [], "Invalid distribution file")
        Self.refuses(name, Array(zip.dropLast(30)), "Invalid distribution file")
    }

    struct SourceCase: Sendable, CustomTestStringConvertible {
        let words: String
        let entries: [Archives.Entry]
        var testDescription: String { words }
    }

    @Test(
        "Sources that are not as they should be are refused",
        arguments: [
            SourceCase(words: "one folder", entries: sources + [Archives.Entry("b-1.0/a.py")]),
            SourceCase(words: "one folder", entries: sources + [Archives.Entry("a.py")]),
            SourceCase(words: "no PKG-INFO", entries: sources.filter { $0.path != "a-1.0/PKG-INFO" }),
            SourceCase(words: "leads out", entries: sources + [Archives.Entry("a-1.0/../../x")]),
            SourceCase(words: "elsewhere", entries: sources + [Archives.Entry("a-1.0/./PKG-INFO")]),
            SourceCase(words: "elsewhere", entries: sources + [Archives.Entry("a-1.0//PKG-INFO")]),
            SourceCase(words: "taken for", entries: sources + [Archives.Entry("a-1.0/pkg-info")]),
            SourceCase(
                words: "taken for", entries: sources + [Archives.Entry("a-1.0/Pkg-Info", type: "2", link: "a.py")]),
            SourceCase(
                words: "leads out", entries: sources + [Archives.Entry("a-1.0/x", type: "2", link: "../../etc")]),
            SourceCase(words: "leads out", entries: sources + [Archives.Entry("a-1.0/x", type: "2", link: "/etc")]),
            SourceCase(words: "leads out", entries: sources + [Archives.Entry("a-1.0/x", type: "1", link: "../a")]),
            SourceCase(words: "neither a file", entries: sources + [Archives.Entry("a-1.0/x", type: "3")])
        ])
    func brokenSources(_ broken: SourceCase) {
        Self.refuses("a-1.0.tar.gz", Archives.gzip(Archives.tar(broken.entries)), broken.words)
    }

    @Test("Links within sources are taken")
    func links() throws {
        let entries =
            Self.sources + [
                Entry("a-1.0/docs/b.py", type: "2", link: "../a.py"), Entry("a-1.0/c.py", type: "1", link: "a-1.0/a.py")
            ]
        #expect(try Self.read("a-1.0.tar.gz", Archives.gzip(Archives.tar(entries))) == Self.metadata)
    }

    @Test("Sources are compressed by gzip")
    func compression() {
        Self.refuses("a-1.0.tar.gz", Archives.tar(Self.sources), "not compressed by gzip")
    }
}
