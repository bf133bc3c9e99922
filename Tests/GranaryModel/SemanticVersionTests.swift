import GranaryModel
import Testing

@Suite("Semantic versions")
struct SemanticVersionTests {
    /// Section 11 of the specification, and what is beyond an integer.
    private static let ordered = [
        "0.0.0-0", "0.0.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
        "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.9", "1.0.10", "1.2.0", "2.0.0", "10.0.0",
        "99999999999999999999999.0.0", "100000000000000000000000.0.0"
    ]

    @Test("They are ordered as the specification says")
    func order() throws {
        let versions = try Self.ordered.map { try #require(SemanticVersion($0)) }
        for (index, version) in versions.enumerated() {
            for (place, other) in versions.enumerated() {
                #expect((version < other) == (index < place), "\(version) and \(other)")
            }
        }
        #expect(versions.map(\.description) == Self.ordered)
    }

    @Test("Build metadata does not count")
    func build() throws {
        let version = try #require(SemanticVersion("1.0.0-rc.1+build-5.001"))
        #expect(version.core == "1.0.0-rc.1")
        #expect(version.build == "build-5.001")
        #expect(version == SemanticVersion("1.0.0-rc.1"))
        #expect(version.isPrerelease)
    }

    @Test(
        "Everything else is none",
        arguments: [
            "", "1", "1.2", "1.2.3.4", "v1.2.3", "=1.2.3", "01.2.3", "1.02.3", "1.2.3-", "1.2.3-01", "1.2.3-a..b",
            "1.2.3+", "1.2.3+a+b", "1.2.3 ", "1.2.3-é", "-1.2.3", "1.2.x", "1.2.3-a_b"
        ])
    func refused(_ text: String) {
        #expect(SemanticVersion(text) == nil)
    }
}
