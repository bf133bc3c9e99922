import Testing

private let maximumFileLines = 500
private let maximumFunctionLines = 60

/// Functions that may be longer, by `path name`, and why. Empty is what it should be.
private let longFunctions: [String: String] = [:]

private struct FunctionSpan: Equatable {
    let name: String
    let start: Int
    let end: Int

    var lines: Int { end - start + 1 }
}

/// Finds the functions, initializers and subscripts that have a body.
private struct FunctionScanner {
    private enum Brace {
        case function(name: String, start: Int)
        case requirements
        case other
    }

    private var braces: [Brace] = []
    private var parentheses = 0
    /// What the next brace outside parentheses opens.
    private var announced: Brace?
    private var spans: [FunctionSpan] = []

    static func functions(in source: SwiftSource) -> [FunctionSpan] {
        var scanner = FunctionScanner()
        for (index, token) in source.tokens.enumerated() {
            let previous = index > 0 ? source.tokens[index - 1].text : ""
            let next = index + 1 < source.tokens.count ? source.tokens[index + 1].text : ""
            scanner.read(token, after: previous, before: next)
        }
        return scanner.spans
    }

    private mutating func read(_ token: SwiftSource.Token, after previous: String, before next: String) {
        switch token.text {
        case "(", "[": parentheses += 1
        case ")", "]": parentheses -= 1
        case "{": if parentheses == 0 { open() } else { braces.append(.other) }
        case "}": close(at: token.line)
        case "func", "subscript", "init", "deinit":
            if previous != ".", parentheses == 0, !isInRequirements {
                announced = .function(name: token.text == "func" ? next : token.text, start: token.line)
            }
        case "protocol": if previous != ".", parentheses == 0 { announced = .requirements }
        case "struct", "class", "enum", "actor", "extension": if previous != "." { announced = nil }
        default: break
        }
    }

    private var isInRequirements: Bool {
        if case .requirements = braces.last { return true }
        return false
    }

    private mutating func open() {
        braces.append(announced ?? .other)
        announced = nil
    }

    private mutating func close(at line: Int) {
        guard case .function(let name, let start) = braces.popLast() else { return }
        spans.append(FunctionSpan(name: name, start: start, end: line))
    }
}

private func tooLongFunctions(_ source: SwiftSource, limit: Int = maximumFunctionLines) -> [Finding] {
    FunctionScanner.functions(in: source).filter { function in
        function.lines > limit && longFunctions["\(source.path) \(function.name)"] == nil
    }.map { Finding(source.path, $0.start, "\($0.name) has \($0.lines) lines; at most \(limit) are allowed") }
}

private func tooLongFile(_ source: SwiftSource, limit: Int = maximumFileLines) -> [Finding] {
    guard source.lines.count - 1 > limit else { return [] }
    return [Finding(source.path, 0, "has \(source.lines.count - 1) lines; at most \(limit) are allowed")]
}

@Suite("Sizes of files and functions")
struct SizeTests {
    @Test("No file is longer than 500 lines")
    func files() throws {
        expectNone(try SourceTree.repository.swiftFiles(below: "Sources", "Tests").flatMap { tooLongFile($0) })
    }

    @Test("No function is longer than 60 lines")
    func functions() throws {
        expectNone(try SourceTree.repository.swiftFiles(below: "Sources", "Tests").flatMap { tooLongFunctions($0) })
    }

    @Test("Every exception is still needed")
    func exceptionsAreNeeded() throws {
        let present = try SourceTree.repository.swiftFiles(below: "Sources", "Tests").flatMap { source in
            FunctionScanner.functions(in: source).filter { $0.lines > maximumFunctionLines }
                .map { "\(source.path) \($0.name)" }
        }
        #expect(Set(longFunctions.keys).subtracting(present) == [])
    }

    @Test("Bodies are measured from the keyword to the closing brace")
    func spans() {
        let text = """
            protocol P { func required(_ a: Int) -> Int }
            struct S {
                init(a: () -> Void = { }) {
                    self.init()
                }
                func f(
                    text: String
                ) -> String {
                    let brace = "}"  // }
                    return text.map { _ in "{" }.joined()
                }
            }
            """
        let functions = FunctionScanner.functions(in: SwiftSource(path: "a.swift", text: text))
        #expect(
            functions == [
                FunctionSpan(name: "init", start: 3, end: 5), FunctionSpan(name: "f", start: 6, end: 11)
            ])
    }

    @Test("What is too long is found")
    func tooLong() {
        let source = SwiftSource(path: "a.swift", text: "func f() {\n    g()\n\n}\n")
        #expect(tooLongFunctions(source, limit: 3).map(\.line) == [1])
        #expect(tooLongFunctions(source, limit: 4) == [])
        #expect(tooLongFile(source, limit: 3).count == 1)
        #expect(tooLongFile(source, limit: 4) == [])
    }
}
