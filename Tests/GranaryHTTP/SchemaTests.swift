import GranaryModel
import Testing

@testable import GranaryHTTP

@Suite("Schemas of the management interface")
struct SchemaTests {
    private static let names = [
        "a", "a.b", "a..b", "a_b", "a__b", "a___b", "a--b", "a-.b", "-a", "a-", "A", "", "é", "a b", "a/b", "a\n", "0",
        String(repeating: "a", count: 64), String(repeating: "a", count: 65)
    ]

    @Test("Names of repositories and users are described as they are taken", arguments: names)
    func components(_ text: String) {
        let validator = SchemaValidator(named: [:])
        let repository = validator.faults(of: .string(text), against: Schema.repositoryName().json)
        #expect(repository.isEmpty == (RepositoryName(text) != nil))
        let user = validator.faults(of: .string(text), against: Schema.userName("").json)
        #expect(user.isEmpty == (UserName(text) != nil))
    }

    private static let texts = [
        "a", "**", "team/*", "é", "e\u{301}", "", "a\nb", "a\r\nb", "\u{0}", "\u{1F}", "\u{7F}", "\u{85}", "\u{A0}",
        String(repeating: "a", count: 255), String(repeating: "a", count: 256)
    ]

    @Test("Patterns and tags are described as they are taken", arguments: texts)
    func printable(_ text: String) {
        let schema = Schema.printable("", limit: Pattern.maximumBytes).json
        let isDescribed = SchemaValidator(named: [:]).faults(of: .string(text), against: schema).isEmpty
        #expect(isDescribed == (Pattern(text) != nil))
        #expect(isDescribed == (TagName(text) != nil))
    }

    @Test("Text for people is described as it is taken", arguments: texts)
    func showable(_ text: String) {
        let validator = SchemaValidator(named: [:])
        let required = validator.faults(of: .string(text), against: Schema.showable("", limit: 255).json)
        #expect(required.isEmpty == text.isShowable(limit: 255))
        let optional = Schema.showable("", limit: 255, mayBeEmpty: true).json
        let isDescribed = validator.faults(of: .string(text), against: optional).isEmpty
        #expect(isDescribed == (text.isEmpty || text.isShowable(limit: 255)))
    }

    private struct Case {
        let body: JSONValue
        /// What the fault tells; nil where there is none.
        let told: String?
    }

    private static let named: [String: Schema] = [
        "Outer": .request([.required("name", .string("")), .optional("inner", .named("Inner"))]),
        "Inner": .request([.optional("flag", .boolean(""))])
    ]

    private static let cases = [
        Case(body: .object(["name": "a"]), told: nil),
        Case(body: .object(["name": "a", "inner": .object([:])]), told: nil),
        Case(body: .object(["name": "a", "inner": .object(["flag": .boolean(true)])]), told: nil),
        Case(body: .object(["name": .null]), told: "'name' is null; leave it out instead"),
        Case(body: .object(["name": "a", "inner": .null]), told: "'inner' is null; leave it out instead"),
        Case(body: .object(["nam": "a"]), told: "there is no 'nam'; there are: name, inner"),
        Case(
            body: .object(["name": "a", "inner": .object(["flags": .boolean(true)])]),
            told: "there is no 'flags'; there are: flag"),
        Case(
            body: .object(["name": "a", "inner": .object(["flag": .null])]),
            told: "'flag' is null; leave it out instead")
    ]

    @Test("A request has the members it is described with, none of them null", arguments: cases)
    private func strangers(_ example: Case) {
        #expect(Schema.named("Outer").fault(in: example.body, among: Self.named) == example.told)
    }
}
