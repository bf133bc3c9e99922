import GranaryFormat
import GranaryModel
import GranaryTestKit
import HTTPTypes
import Testing

@testable import FormatGeneric

@Suite struct PropertyParameterTests {
    static let refused = [
        "a;b%20c=1", "a;(x)=1", "a;x%40=1", "a;=1", "a;x=%0d%0a", "a;x=%ff", "a;x=%2", "a;a%2B=1",
        "a;" + String(repeating: "k", count: 256) + "=1", "a;k=" + String(repeating: "v", count: 2401),
        "a" + String(repeating: ";k=v", count: 101)
    ]

    @Test("Keys and values outside the grammar are malformed", arguments: refused)
    func refuses(_ path: String) {
        #expect(refusal(of: head(.put, path)) == 400)
    }

    @Test("Values and keys up to the limits are taken")
    func limits() throws {
        let key = String(repeating: "k", count: 255)
        let value = String(repeating: "v", count: 2400)
        let parameter = try #require(try ParameterizedPath("a;\(key)=\(value)").parameters.first)
        #expect(try parameter.assigned == [try #require(Property(key, value))])
        let many = (0..<100).map { ";k\($0)=v" }.joined()
        #expect(try ParameterizedPath("a" + many).parameters.count == 100)
    }

    struct Match: Sendable {
        let path: String
        let properties: [(String, String)]
        let accepted: Bool
    }

    static let matches: [Match] = [
        Match(path: "a;os=win", properties: [], accepted: true),
        Match(path: "a;os=win", properties: [("os", "win")], accepted: true),
        Match(path: "a;os=win", properties: [("os", "mac")], accepted: false),
        Match(path: "a;os=win", properties: [("os", "mac"), ("os", "win")], accepted: true),
        Match(path: "a;os=win,mac", properties: [("os", "mac")], accepted: true),
        Match(path: "a;os=win;os=mac", properties: [("os", "mac")], accepted: true),
        Match(path: "a;os+=win", properties: [], accepted: false),
        Match(path: "a;os+=win", properties: [("os", "win")], accepted: true),
        Match(path: "a;os+=win;arch=x", properties: [("os", "win"), ("arch", "y")], accepted: false)
    ]

    @Test("A read asks for equal values, and with a plus for their presence", arguments: matches)
    func accepts(_ match: Match) throws {
        let properties = try match.properties.map { try #require(Property($0.0, $0.1)) }
        #expect(try ParameterizedPath(match.path).parameters.accept(properties) == match.accepted)
    }

    struct Assignment: Sendable {
        let text: String
        let properties: [(String, String)]
    }

    static let assignments: [Assignment] = [
        Assignment(text: "k=v", properties: [("k", "v")]),
        Assignment(text: "k=v;k2=v2", properties: [("k", "v"), ("k2", "v2")]),
        Assignment(text: "k=v|k2=v2;", properties: [("k", "v"), ("k2", "v2")]),
        Assignment(text: "k=a,b,a", properties: [("k", "a"), ("k", "b")]),
        Assignment(text: "k=a\\,b\\;c\\=d\\|e\\\\", properties: [("k", "a,b;c=d|e\\")]),
        Assignment(text: "k=a=b", properties: [("k", "a=b")]),
        Assignment(text: "k=", properties: [("k", "")]),
        Assignment(text: "k=c:\\dir", properties: [("k", "c:\\dir")])
    ]

    @Test("The query assigns properties, a backslash makes a separator literal", arguments: assignments)
    func assigns(_ assignment: Assignment) throws {
        let properties = try Generic().parseProperties(assignment.text)
        #expect(properties.map(\.key) == assignment.properties.map(\.0))
        #expect(properties.map(\.value) == assignment.properties.map(\.1))
    }

    @Test("Header fields assign literal values under keys in lower case")
    func fields() throws {
        let fields = [("X-Property-VCS.Revision", "a,b;c=d"), ("x-property-os", "win"), ("X-Property-OS", "mac")]
        let operation = try Generic().parse(head(.put, "a;os=win", fields))
        guard case .write(_, let write) = operation.call else {
            Issue.record("not a write")
            return
        }
        let expected = try [("os", "win"), ("vcs.revision", "a,b;c=d"), ("os", "mac")].map {
            try #require(Property($0.0, $0.1))
        }
        #expect(write.properties == expected)
    }

    @Test("A write without properties leaves those of an existing file")
    func absent() throws {
        guard case .write(_, let write) = try Generic().parse(head(.put, "a")).call else {
            Issue.record("not a write")
            return
        }
        #expect(write.properties == nil)
    }

    @Test("No property that parses is over a limit or has control characters")
    func neverCrashes() {
        var generator = Generator(seed: 0x7072)
        for _ in 0..<3000 {
            let text = String(decoding: generator.mutation(of: Array("k=v,w\\,x;k2=v2|l=\\\\".utf8)), as: UTF8.self)
            for property in (try? Generic().parseProperties(text)) ?? [] {
                #expect(Property(property.key, property.value) == property)
                #expect(!property.key.contains(" ") && !property.key.contains(","))
            }
            _ = Generic().propertyKeys(text)
        }
    }
}
