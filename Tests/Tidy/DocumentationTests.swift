import Testing

/// A declaration that other modules see, or that a protocol of ours requires.
private struct Declaration {
    let keyword: String
    let name: String
    let line: Int
    let isRequirement: Bool
    let isDocumented: Bool
}

/// Finds the types, functions and protocol requirements that are `package`, `public` or `open`.
private struct DeclarationScanner {
    private static let visible: Set = ["package", "public", "open"]
    private static let modifiers: Set = [
        "static", "final", "mutating", "nonmutating", "nonisolated", "indirect", "override", "borrowing",
        "consuming", "isolated", "unsafe", "(", ")", "prefix", "postfix", "infix"
    ]
    private static let types: Set = ["struct", "enum", "class", "actor", "protocol"]

    /// For each open brace, whether it is that of a visible protocol.
    private var braces: [Bool] = []
    private var announcesProtocol = false
    private var found: [Declaration] = []

    static func declarations(in source: SwiftSource) -> [Declaration] {
        var scanner = DeclarationScanner()
        for (line, tokens) in source.tokensByLine { scanner.read(tokens, line: line, in: source) }
        return scanner.found
    }

    private mutating func read(_ tokens: [String], line: Int, in source: SwiftSource) {
        if let (keyword, name) = declared(by: tokens) {
            let isRequirement = braces.last == true
            found.append(
                Declaration(
                    keyword: keyword, name: name, line: line, isRequirement: isRequirement,
                    isDocumented: Self.hasComment(above: line, in: source)))
            announcesProtocol = keyword == "protocol"
        }
        for token in tokens {
            if token == "{" {
                braces.append(announcesProtocol)
                announcesProtocol = false
            } else if token == "}" {
                _ = braces.popLast()
            }
        }
    }

    private func declared(by tokens: [String]) -> (keyword: String, name: String)? {
        let rest = Self.withoutAttributes(tokens)
        let keywordIndex = rest.indices.first { !Self.visible.contains(rest[$0]) && !isModifier(at: $0, of: rest) }
        guard let keywordIndex, keywordIndex + 1 < rest.count else { return nil }
        let isVisible = rest[..<keywordIndex].contains(where: Self.visible.contains) || braces.last == true
        let keyword = rest[keywordIndex]
        let wanted = Self.types.union(["func", "subscript"]).union(braces.last == true ? ["var"] : [])
        return isVisible && wanted.contains(keyword) ? (keyword, rest[keywordIndex + 1]) : nil
    }

    /// `class` is a modifier in `class func`, and a declaration in `class Name`.
    private func isModifier(at index: Int, of tokens: [String]) -> Bool {
        guard tokens[index] == "class" else { return Self.modifiers.contains(tokens[index]) }
        return index + 1 < tokens.count && ["func", "var", "subscript"].contains(tokens[index + 1])
    }

    private static func withoutAttributes(_ tokens: [String]) -> [String] {
        var rest = tokens[...]
        while rest.first == "@" {
            rest = rest.dropFirst(2)
            guard rest.first == "(" else { continue }
            var depth = 0
            while let token = rest.popFirst() {
                depth += token == "(" ? 1 : token == ")" ? -1 : 0
                if depth == 0 { break }
            }
        }
        return Array(rest)
    }

    private static func hasComment(above line: Int, in source: SwiftSource) -> Bool {
        for text in source.lines[..<(line - 1)].reversed() {
            let trimmed = text.drop { $0 == " " }
            if trimmed.hasPrefix("@") { continue }
            return trimmed.hasPrefix("///") || trimmed.hasSuffix("*/")
        }
        return false
    }
}

/// What these do is said where the standard library, or the framework that calls them, requires them.
private let knownWitnesses: Set = [
    "encode", "hash", "next", "makeAsyncIterator", "run", "handle", "channelActive", "channelInactive", "channelRead",
    "channelReadComplete", "errorCaught", "handlerAdded", "handlerRemoved", "triggerUserOutboundEvent",
    "userInboundEventTriggered", "write"
]

/// Our own protocols' requirements by name: a witness need not repeat what stands there.
private func requirementNames(_ declarations: [Declaration]) -> Set<String> {
    Set(declarations.filter { $0.isRequirement && $0.keyword == "func" }.map(\.name))
}

private func undocumented(_ source: SwiftSource, witnesses: Set<String>) -> [Finding] {
    DeclarationScanner.declarations(in: source).filter { declaration in
        guard !declaration.isDocumented else { return false }
        guard declaration.keyword == "func", !declaration.isRequirement else { return true }
        let isOperator = !declaration.name.contains { $0.isLetter }
        return !isOperator && !witnesses.contains(declaration.name) && !knownWitnesses.contains(declaration.name)
    }.map { Finding(source.path, $0.line, "\($0.keyword) \($0.name) has no documentation") }
}

@Suite("Documentation")
struct DocumentationTests {
    @Test("Types, functions and requirements that other modules see are documented")
    func everythingVisible() throws {
        let sources = try SourceTree.repository.swiftFiles(below: "Sources")
        let witnesses = requirementNames(sources.flatMap(DeclarationScanner.declarations))
        expectNone(sources.flatMap { undocumented($0, witnesses: witnesses) })
    }

    @Test(
        "A visible declaration without documentation is found",
        arguments: [
            "package struct S {}", "public final class C {}", "package enum E {", "@frozen package actor A {}",
            "package func f() {}", "package static func f() {}", "package class func f()",
            "@discardableResult package mutating func f() -> Int {",
            "struct S {\n    // No doc comment.\n    package subscript(i: Int) -> Int { i }\n}",
            "/// A.\npackage protocol P {\n    func f()\n}",
            "/// A.\npackage protocol P {\n    /// F.\n    func f()\n    var v: Int { get }\n}"
        ])
    func found(_ text: String) {
        #expect(undocumented(SwiftSource(path: "a.swift", text: text), witnesses: []).count == 1)
    }

    @Test(
        "What needs no documentation passes",
        arguments: [
            "struct S { func f() {} }", "package let a = 1", "package init() {}", "package func open() {}",
            "package func hash(into h: inout Hasher) {}", "package static func < (a: A, b: A) -> Bool { true }",
            "/// Says what it is.\n@available(*, deprecated)\npackage struct S {}",
            "/// A.\n@discardableResult package func f() -> Int { 1 }"
        ])
    func passes(_ text: String) {
        #expect(undocumented(SwiftSource(path: "a.swift", text: text), witnesses: ["open"]) == [])
    }
}
