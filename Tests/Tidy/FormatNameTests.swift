import Testing

/// Mentions of formats in code and strings; what comments say is free.
private func formatNames(_ formats: [String], in source: SwiftSource) -> [Finding] {
    let words = formats.flatMap { ["Format\($0)", $0.lowercased()] }
    let code = source.tokens.filter { words.contains($0.text) }
    let strings = source.literals.filter { words.contains($0.text.lowercased()) }
    return (code + strings).map {
        Finding(source.path, $0.line, "'\($0.text)' is the name of a format, which only its own folder may know")
    }
}

@Suite("Names of formats")
struct FormatNameTests {
    /// Beside the formats' own folders, the composition root lists them. The benchmark is a client, and no part of the server.
    private static let knowing = ["Sources/Formats/", "Sources/granary/", "Sources/granary-bench/"]

    @Test("Formats are named in their folders, the composition root and the benchmark only")
    func confined() throws {
        let formats = SourceTree.repository.folders(in: "Sources/Formats")
        for source in try SourceTree.repository.swiftFiles(below: "Sources") {
            guard !Self.knowing.contains(where: source.path.hasPrefix) else { continue }
            expectNone(formatNames(formats, in: source))
        }
    }

    @Test("A format names no other format")
    func apart() throws {
        let formats = SourceTree.repository.folders(in: "Sources/Formats")
        for format in formats {
            let others = formats.filter { $0 != format }
            for source in try SourceTree.repository.swiftFiles(below: "Sources/Formats/\(format)") {
                expectNone(formatNames(others, in: source))
            }
        }
    }

    @Test(
        "A mention in code or in a string is found",
        arguments: ["if format == \"oci\" {}", "import FormatOCI", "case .oci: break", "name(\"OCI\")"])
    func mention(_ text: String) {
        #expect(formatNames(["OCI"], in: SwiftSource(path: "a.swift", text: text)).count == 1)
    }

    @Test("Comments and longer words pass")
    func innocent() {
        let text = "/// OCI calls this oci.\nlet social = \"a generic word\""
        #expect(formatNames(["OCI", "Generic"], in: SwiftSource(path: "a.swift", text: text)) == [])
    }
}
