import Testing

/// Put together here, so that this file does not find itself.
private let markers = [["TO", "DO"], ["FIX", "ME"], ["X", "XX"], ["HA", "CK"]].map { $0.joined() }

private func leftovers(path: String, text: String) -> [Finding] {
    text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap { index, line in
        let words = line.split { !($0.isLetter || $0.isNumber) }
        return words.filter { markers.contains(String($0)) }.map {
            Finding(path, index + 1, "'\($0)' marks what is left to do: do it, or open an issue")
        }
    }
}

@Suite("Leftover markers")
struct MarkerTests {
    private static let folders = ["Sources", "Tests", "docs", "packaging", "scripts"]
    private static let files = ["Package.swift", "Makefile", "README.md"]

    @Test("Nothing is marked as left to do")
    func none() throws {
        let tree = SourceTree.repository
        for path in Self.folders.flatMap(tree.filesBelow) + Self.files.filter(tree.exists) {
            expectNone(leftovers(path: path, text: try tree.text(of: path)))
        }
    }

    @Test("Each marker is found, with its line", arguments: markers)
    func found(_ marker: String) {
        #expect(leftovers(path: "a.swift", text: "let a = 1\n// \(marker): later\n").map(\.line) == [2])
        #expect(leftovers(path: "a.swift", text: "let \(marker)2 = a.\(marker.lowercased())").isEmpty)
    }
}
