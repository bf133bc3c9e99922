import GranaryFormat
import GranaryModel
import Testing

@testable import FormatMaven

@Suite("XML")
struct XMLTests {
    @Test("Elements, text and references are read; attributes, comments and instructions are passed over")
    func reading() throws {
        let text = """
            \u{FEFF}<?xml version='1.0' encoding="UTF-8"?>
            <!-- <a> -->
            <m:project xmlns:m="http://maven.apache.org/POM/4.0.0" b = '>' >
              <name>  A &amp; B &#60;&#x3e; <![CDATA[<&]]>  </name ><e/><e x="1"/>
              <?go on?>
            </m:project>

            """
        let root = try MavenElement(document: Array(text.utf8))
        #expect(root.name == "project")
        #expect(root.children.map(\.name) == ["name", "e", "e"])
        #expect(root.text("name") == "A & B <> <&")
        #expect(root.text("e") == nil)
    }

    @Test("Latin-1 is read where a document says that it is that")
    func latin() throws {
        let text =
            Array(#"<?xml version="1.0" encoding="ISO-8859-1"?><a><b>J"#.utf8) + [0xF6] + Array("rg</b></a>".utf8)
        #expect(try MavenElement(document: text).text("b") == "Jörg")
    }

    static let malformed = [
        "", "a", "<a>", "<a></b>", "<a></a><b/>", "<a/>text", "text<a/>", "<a b></a>", "<a b=c/>", "<a b='<'/>",
        "<a b='1'c='2'/>", "<1a/>", "< a/>", "<a>&amp</a>", "<a>&#0;</a>", "<a>&#xD800;</a>", "<a>&#x110000;</a>",
        "<a>\u{1}</a>", "<a><![CDATA[</a>", "<!-- ", "<a>&;</a>",
        "<!DOCTYPE a><a/>", #"<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>"#,
        #"<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;">]><a>&z;</a>"#, "<a><!ELEMENT b></a>",
        String(repeating: "<a>", count: 101) + String(repeating: "</a>", count: 101),
        "<a>" + String(repeating: "<b/>", count: 100_000) + "</a>"
    ]

    @Test("What is not well-formed, declares a type or is over a limit is refused", arguments: malformed)
    func refusal(_ text: String) {
        #expect(throws: Problem.self) { try MavenElement(document: Array(text.utf8)) }
    }

    @Test("What is no UTF-8 is refused")
    func encoding() {
        #expect(throws: Problem.self) { try MavenElement(document: Array("<a>".utf8) + [0xFF] + Array("</a>".utf8)) }
        #expect(throws: Problem.self) { try MavenElement(document: [0xFE, 0xFF, 0, 0x3C, 0, 0x61, 0, 0x2F, 0, 0x3E]) }
    }
}

@Suite("POMs and descriptors")
struct DocumentTests {
    private func file(_ path: String) throws -> ArtifactFile {
        try #require(ArtifactFile(path.split(separator: "/").map(String.init)))
    }

    static let right = [
        "<groupId>com.acme</groupId><artifactId>lib</artifactId><version>1.0</version>",
        "<parent><groupId>com.acme</groupId><artifactId>p</artifactId><version>1.0</version></parent>"
            + "<artifactId>lib</artifactId>",
        "<parent><groupId>org</groupId><version>7</version></parent><groupId>com.acme</groupId>"
            + "<artifactId>lib</artifactId><version>1.0</version>",
        "<groupId>com.acme</groupId><artifactId>lib</artifactId><version>${revision}</version>",
        "<groupId> com.acme\n</groupId><artifactId>lib</artifactId><version>1.0</version><packaging>pom</packaging>"
    ]

    @Test("A POM that agrees with its address is taken", arguments: right)
    func agreeing(_ body: String) throws {
        let pom = try POM(Array("<project>\(body)</project>".utf8))
        try pom.check(at: try file("com/acme/lib/1.0/lib-1.0.pom"))
    }

    static let wrong = [
        "<groupId>com.other</groupId><artifactId>lib</artifactId><version>1.0</version>",
        "<groupId>com.acme</groupId><artifactId>other</artifactId><version>1.0</version>",
        "<groupId>com.acme</groupId><artifactId>lib</artifactId><version>1.1</version>",
        "<groupId>com.acme</groupId><artifactId>lib</artifactId>", "<artifactId>lib</artifactId>",
        "<parent><groupId>com.acme</groupId><artifactId>lib</artifactId><version>1.0</version></parent>",
        "<parent><groupId>com.acme</groupId><version>2.0</version></parent><artifactId>lib</artifactId>"
    ]

    @Test("One that does not is refused", arguments: wrong)
    func disagreeing(_ body: String) throws {
        let file = try file("com/acme/lib/1.0/lib-1.0.pom")
        #expect(throws: Problem.self) { try POM(Array("<project>\(body)</project>".utf8)).check(at: file) }
    }

    @Test("The refusal says what differs")
    func wording() throws {
        let file = try file("com/acme/lib/1.0/lib-1.0.pom")
        let expected = Problem.invalid(.content, "the POM's <version> is '1.1' where its address says '1.0'")
        #expect(throws: expected) { try POM(Array("<project>\(Self.wrong[2])</project>".utf8)).check(at: file) }
    }

    @Test("The POM of a snapshot may say the version of its directory or its own")
    func snapshot() throws {
        let file = try file("com/acme/lib/1-SNAPSHOT/lib-1-20260101.120000-1.pom")
        for version in ["1-SNAPSHOT", "1-20260101.120000-1"] {
            let coordinates = "<groupId>com.acme</groupId><artifactId>lib</artifactId><version>\(version)</version>"
            try POM(Array("<project>\(coordinates)</project>".utf8)).check(at: file)
        }
    }

    @Test("A plugin that has not said its prefix gets the one Maven derives")
    func prefixes() {
        #expect(PluginDescriptor.prefix(of: "foo-maven-plugin") == "foo")
        #expect(PluginDescriptor.prefix(of: "maven-foo-plugin") == "foo")
        #expect(PluginDescriptor.prefix(of: "maven-plugin-plugin") == "plugin")
        #expect(PluginDescriptor.prefix(of: "foo-bar") == "foo-bar")
    }

    static let checksums = [
        "d41d8cd98f00b204e9800998ecf8427e", "D41D8CD98F00B204E9800998ECF8427E\n",
        "d41d8cd98f00b204e9800998ecf8427e  lib-1.0.jar", "MD5(lib-1.0.jar)= d41d8cd98f00b204e9800998ecf8427e"
    ]

    @Test("The digits of a checksum are found however it is written", arguments: checksums)
    func checksum(_ text: String) throws {
        #expect(try Maven().checksum(.md5, in: text.utf8) == "d41d8cd98f00b204e9800998ecf8427e")
        #expect(throws: Problem.self) { try Maven().checksum(.sha1, in: text.utf8) }
    }
}
