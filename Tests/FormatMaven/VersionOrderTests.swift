import GranaryTestKit
import Testing

@testable import FormatMaven

@Suite("The order of versions")
struct VersionOrderTests {
    /// Each before all that follow; from Maven's own tests.
    static let chains: [[String]] = [
        [
            "1-alpha2snapshot", "1-alpha2", "1-alpha-123", "1-beta-2", "1-beta123", "1-m2", "1-m11", "1-rc", "1-cr2",
            "1-rc123", "1-SNAPSHOT", "1", "1-sp", "1-sp2", "1-sp123", "1-abc", "1-def", "1-pom-1", "1-1-snapshot",
            "1-1", "1-2", "1-123"
        ],
        ["2.0", "2.0.a", "2-1", "2.0.2", "2.0.123", "2.1.0", "2.1-a", "2.1b", "2.1-c", "2.1-1", "2.1.0.1", "2.2"],
        ["11.a2", "11.a11", "11.b2", "11.b11", "11.m2", "11.m11", "11", "11.a", "11b", "11c", "11m"],
        ["1.0-alpha-1", "1.0-SNAPSHOT", "1.0", "1.0-sp", "1.0-foo", "1.0.1"],
        ["1.0.RC2", "1.0-RC3", "1.0.1"],
        ["1.0-alpha-1-SNAPSHOT", "1.0-alpha-1", "1.0-alpha-2", "1.0-beta-1", "1.0-beta-1.1", "1.0", "1.0-1", "1.0-2"],
        ["2.0-1", "2.0.1", "2.0.1-klm", "2.0.1-lmn", "2.0.1-123"],
        ["6.1.0rc3", "6.1.0", "6.1H.5-beta"],
        ["20190126.230843", "1234567890.12345", "123456789012345.1", "12345678901234567890.1"],
        ["0.2", "0.7", "1.0.7", "2"],
        ["1-0.alpha", "1-0.beta", "1"],
        ["1.0.0.X1", "1.0.0-X2"],
        ["1.1-20261120.235507-1", "1.1-20261120.235507-2", "1.1-20261120.235507-10", "1.1-20261120.235510-1"]
    ]

    @Test("Earlier versions are before later ones", arguments: chains)
    func order(_ chain: [String]) {
        for (index, first) in chain.enumerated() {
            for second in chain[(index + 1)...] {
                #expect(MavenVersion(first) < MavenVersion(second), "\(first) < \(second)")
                #expect(!(MavenVersion(second) < MavenVersion(first)), "\(first) < \(second)")
            }
        }
    }

    static let equals: [[String]] = [
        ["1", "1.0", "1.0.0", "1-0", "1-ga", "1-final", "1-release", "1.00"], ["1x", "1.0.0-x", "1.0.0x", "1-x", "1X"],
        ["1a1", "1-alpha-1"], ["1b2", "1-beta-2"], ["1m3", "1-milestone-3"], ["1-cr", "1-rc", "1.0.0-rc", "1.rc"],
        ["01.02", "1.2"]
    ]

    @Test("What means the same is equal", arguments: equals)
    func equal(_ texts: [String]) {
        for first in texts {
            for second in texts { #expect(MavenVersion(first) == MavenVersion(second), "\(first) == \(second)") }
        }
    }

    @Test("A list of equal versions has one order")
    func ties() {
        #expect(Metadata.ordered(["1.0", "1", "1.0.0", "0.9"]) == ["0.9", "1", "1.0", "1.0.0"])
        #expect(Metadata.ordered(["1.0.0", "0.9", "1", "1.0"]) == ["0.9", "1", "1.0", "1.0.0"])
    }

    @Test("The order of any versions is one, and none takes long")
    func total() {
        var generator = Generator(seed: 0x5E)
        let versions = (0..<60).map { _ in MavenVersion(generator.text(of: "019.-_abfgmrcxSPü", lengths: 0...12)) }
        for first in versions {
            #expect(first == first)
            for second in versions {
                #expect((first < second) == (second > first) && !(first < second && second < first))
            }
        }
        let long = String(repeating: "1-a.", count: 5000)
        #expect(MavenVersion(long) == MavenVersion(long))
    }

    @Test("Snapshots are told from releases by their end", arguments: [("1-SNAPSHOT", true), ("SNAPSHOT", true)])
    func snapshots(_ version: (String, Bool)) {
        #expect(MavenVersion.isSnapshot(version.0) == version.1)
        #expect(!MavenVersion.isSnapshot("1-SNAPSHOT-1"))
        #expect(!MavenVersion.isSnapshot("1.0"))
    }
}
