import Testing

private func missingPages(formats: [String], pages: [String]) -> [Finding] {
    formats.map { "\($0.lowercased()).md" }.filter { !pages.contains($0) }.map {
        Finding("docs/formats/\($0)", 0, "every format has its page")
    }
}

/// Decisions are `NNNN-title.md`, numbered from 0001 without gaps.
private func misnumberedDecisions(_ names: [String]) -> [Finding] {
    names.sorted().enumerated().compactMap { index, name in
        let number = String(index + 1)
        let expected = String(repeating: "0", count: 4 - min(number.count, 4)) + number + "-"
        let isWellNamed = name.hasPrefix(expected) && name.hasSuffix(".md") && name.count > expected.count + 3
        return isWellNamed ? nil : Finding("docs/decisions/\(name)", 0, "should be named \(expected)title.md")
    }
}

@Suite("Papers")
struct PaperTests {
    @Test("Every format has a page")
    func formatPages() {
        let tree = SourceTree.repository
        expectNone(
            missingPages(formats: tree.folders(in: "Sources/Formats"), pages: tree.files(in: "docs/formats")))
    }

    @Test("Decisions are numbered without gaps")
    func decisions() {
        expectNone(misnumberedDecisions(SourceTree.repository.files(in: "docs/decisions")))
    }

    @Test("A format without a page is found")
    func missingPage() {
        let found = missingPages(formats: ["OCI", "Generic"], pages: ["generic.md"])
        #expect(found.map(\.path) == ["docs/formats/oci.md"])
    }

    @Test("A gap, a double and a bad name among decisions are found")
    func misnumbered() {
        #expect(misnumberedDecisions(["0001-a.md", "0002-b.md"]) == [])
        #expect(misnumberedDecisions(["0001-a.md", "0003-b.md"]).count == 1)
        #expect(misnumberedDecisions(["0001-a.md", "0001-b.md"]).count == 1)
        #expect(misnumberedDecisions(["first.md"]).count == 1)
        #expect(misnumberedDecisions(["0001-.md"]).count == 1)
    }
}
