import Testing

/// Something that must not be called, as the tokens it is written with.
private struct Ban {
    let name: String
    let tokens: [String]
    let why: String
    /// Folders that may.
    let except: [String]

    init(_ name: String, _ tokens: [String], except: [String] = [], _ why: String) {
        self.name = name
        self.tokens = tokens
        self.why = why
        self.except = except
    }
}

private let bans = [
    Ban("try!", ["try", "!"], "throw on, or handle it"),
    Ban("as!", ["as", "!"], "use a conditional cast"),
    Ban("fatalError", ["fatalError", "("], "use precondition for programmers' errors, and errors for input"),
    Ban("print", ["print", "("], except: ["Sources/granary/", "Tests/"], "use the logger"),
    Ban("Task", ["Task", "{"], except: ["Tests/"], "use structured concurrency, or a service"),
    Ban("Task", ["Task", "("], except: ["Tests/"], "use structured concurrency, or a service"),
    Ban("Task", ["Task", ".", "detached"], except: ["Tests/"], "use structured concurrency, or a service"),
    Ban("@unchecked Sendable", ["@", "unchecked", "Sendable"], "let the compiler check it"),
    Ban("nonisolated(unsafe)", ["nonisolated", "(", "unsafe"], "let the compiler check it")
]

/// Files that may use what is banned, and why.
private struct Allowance: Hashable {
    let path: String
    let ban: String
    let why: String

    init(_ path: String, _ ban: String, _ why: String) {
        self.path = path
        self.ban = ban
        self.why = why
    }
}

private let allowances: [Allowance] = []

private func bannedCalls(_ source: SwiftSource) -> [(ban: Ban, line: Int)] {
    let words = source.tokens.map(\.text)
    return bans.filter { ban in !ban.except.contains(where: source.path.hasPrefix) }.flatMap { ban in
        words.indices.filter { index in
            words[index...].starts(with: ban.tokens) && (index == 0 || !followsMember(words[index - 1]))
        }.map { (ban, source.tokens[$0].line) }
    }
}

/// `.print(…)` and `func print(…)` are somebody's own.
private func followsMember(_ previous: String) -> Bool { previous == "." || previous == "func" }

private func findings(_ source: SwiftSource) -> [Finding] {
    bannedCalls(source).filter { call in !allowances.contains { $0.path == source.path && $0.ban == call.ban.name } }
        .map { Finding(source.path, $0.line, "\($0.ban.name) is banned: \($0.ban.why)") }
}

@Suite("Banned calls")
struct BannedCallTests {
    @Test("Nothing banned is called without a reason")
    func nothingBanned() throws {
        expectNone(try SourceTree.repository.swiftFiles(below: "Sources", "Tests").flatMap(findings))
    }

    @Test("Every allowance is still needed")
    func allowancesAreNeeded() throws {
        let sources = try SourceTree.repository.swiftFiles(below: "Sources", "Tests")
        for allowance in allowances {
            let isUsed = sources.contains { source in
                source.path == allowance.path && bannedCalls(source).contains { $0.ban.name == allowance.ban }
            }
            #expect(isUsed, "\(allowance.path) does not use \(allowance.ban) any more")
        }
    }

    @Test(
        "A banned call is found",
        arguments: [
            "let a = try! f()", "let a = b as! C", "fatalError(\"no\")", "print(1)", "Task { await f() }",
            "Task(priority: .low) { }", "Task.detached { }", "final class C: @unchecked Sendable {}",
            "nonisolated(unsafe) var a = 1", "let text = \"\\(try! f())\""
        ])
    func found(_ text: String) {
        #expect(findings(SwiftSource(path: "Sources/GranaryModel/A.swift", text: text)).count == 1)
    }

    @Test(
        "Namesakes pass",
        arguments: ["// print(1)", "\"print(1)\"", "log.print(1)", "withTaskGroup { }", "let a = try f() != b"])
    func passes(_ text: String) {
        #expect(findings(SwiftSource(path: "Sources/GranaryModel/A.swift", text: text)) == [])
    }
}
