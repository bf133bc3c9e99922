import Testing

@Suite("Reading Swift")
struct SwiftSourceTests {
    struct Case: CustomTestStringConvertible {
        let testDescription: String
        let text: String
        let tokens: [String]
        let literals: [String]

        init(_ description: String, _ text: String, tokens: [String], literals: [String] = []) {
            testDescription = description
            self.text = text
            self.tokens = tokens
            self.literals = literals
        }
    }

    static let cases = [
        Case("line comments are no code", "a // { b\nc", tokens: ["a", "c"]),
        Case("block comments nest", "a /* { /* } */ b */ c", tokens: ["a", "c"]),
        Case("braces in strings are no code", #"f("{\"}")"#, tokens: ["f", "(", ")"], literals: [#"{\"}"#]),
        Case(
            "interpolations are code", #""x\(f("y") + (2))z""#, tokens: ["f", "(", ")", "+", "(", "2", ")"],
            literals: ["x", "y", "z"]),
        Case("raw strings end at their fence", "#\"a\"b\\(c)\"# d", tokens: ["d"], literals: ["a\"b\\(c)"]),
        Case("multi-line strings hold quotes", "\"\"\"\n{\"\n\"\"\" d", tokens: ["d"], literals: ["\n{\"\n"]),
        Case("compiler directives are no strings", "#if DEBUG", tokens: ["#", "if", "DEBUG"])
    ]

    @Test("Code, comments and strings are told apart", arguments: cases)
    func separation(_ testCase: Case) {
        let source = SwiftSource(path: "a.swift", text: testCase.text)
        #expect(source.tokens.map(\.text) == testCase.tokens)
        #expect(source.literals.map(\.text) == testCase.literals)
    }

    @Test("Tokens know their lines")
    func lines() {
        let source = SwiftSource(path: "a.swift", text: "a\n/*\n*/ b\n\"\"\"\n\n\"\"\"\nc")
        #expect(source.tokens.map(\.line) == [1, 3, 7])
    }
}
