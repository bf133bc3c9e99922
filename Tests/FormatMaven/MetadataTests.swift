import GranaryFormat
import GranaryModel
import Testing

@testable import FormatMaven

@Suite("Metadata made of rows")
struct MetadataTests {
    private let package = PackageName("com.acme:lib")

    private func entry(_ version: String, _ files: [(String, note: String)], at time: Int64 = 0) throws
        -> IndexRows.Entry
    {
        let package = try #require(package)
        let name = try #require(VersionName(version))
        let stored = try files.map { file in
            StoredFile(
                package: package, version: name, path: try #require(FilePath("\(version)/\(file.0)")), size: .zero,
                mediaType: .octetStream,
                checksums: Checksums(sha256: BlobDigest(bytes: [UInt8](repeating: 1, count: 32))),
                modified: Timestamp(milliseconds: time), metadata: file.note)
        }
        let indexed = IndexedVersion(
            name: name, mediaType: .octetStream, artifactType: "", metadata: "{}", size: .zero,
            createdAt: Timestamp(milliseconds: 0), properties: [])
        return IndexRows.Entry(name: version, version: indexed, files: stored)
    }

    private func artifact(_ entries: [IndexRows.Entry]) throws -> Artifact? {
        let index = Maven().make(
            .package(try #require(package)), from: IndexRows(entries: entries, hasMore: false))
        guard case .artifact(let artifact) = index else { return nil }
        return artifact
    }

    @Test("An artifact's names its versions in Maven's order, the newest and the newest release")
    func versions() throws {
        let artifact = try artifact([
            entry("1.10", [("lib-1.10.jar", "")], at: 1_764_229_713_000), entry("1.2", [("lib-1.2.jar", "")]),
            entry("2.0-SNAPSHOT", [("lib-2.0-20261127.080000-1.jar", "")]), entry("1.2-rc1", [("lib-1.2-rc1.pom", "")]),
            entry("9.9", [])
        ])
        #expect(
            artifact?.metadata.text == """
                <?xml version="1.0" encoding="UTF-8"?>
                <metadata modelVersion="1.1.0">
                  <groupId>com.acme</groupId>
                  <artifactId>lib</artifactId>
                  <versioning>
                    <latest>2.0-SNAPSHOT</latest>
                    <release>1.10</release>
                    <versions>
                      <version>1.2-rc1</version>
                      <version>1.2</version>
                      <version>1.10</version>
                      <version>2.0-SNAPSHOT</version>
                    </versions>
                    <lastUpdated>20251127074833</lastUpdated>
                  </versioning>
                </metadata>

                """)
    }

    @Test("An artifact without files has none, and one without releases names none")
    func absent() throws {
        #expect(try artifact([]) == nil)
        #expect(try artifact([entry("1.0", [])]) == nil)
        let snapshots = try #require(try artifact([entry("1-SNAPSHOT", [("lib-1-SNAPSHOT.jar", "")])]))
        #expect(snapshots.metadata.release == nil)
        let version = try #require(VersionName("1-SNAPSHOT"))
        #expect(snapshots.metadata(of: version) == nil)
    }

    @Test("A snapshot's names the newest file of every kind")
    func snapshot() throws {
        let artifact = try artifact([
            entry(
                "1.1-SNAPSHOT",
                [
                    ("lib-1.1-20261120.235507-1.jar", ""), ("lib-1.1-20261120.235507-1.pom", ""),
                    ("lib-1.1-20261120.235510-10.pom", ""), ("lib-1.1-20261120.235510-9.pom", ""),
                    ("lib-1.1-20261120.235510-9-sources.jar", ""), ("lib-1.1-SNAPSHOT.jar", "")
                ])
        ])
        let version = try #require(VersionName("1.1-SNAPSHOT"))
        let metadata = try #require(artifact?.metadata(of: version))
        #expect(
            metadata.text == """
                <?xml version="1.0" encoding="UTF-8"?>
                <metadata modelVersion="1.1.0">
                  <groupId>com.acme</groupId>
                  <artifactId>lib</artifactId>
                  <version>1.1-SNAPSHOT</version>
                  <versioning>
                    <snapshot>
                      <timestamp>20261120.235510</timestamp>
                      <buildNumber>10</buildNumber>
                    </snapshot>
                    <lastUpdated>20261120235510</lastUpdated>
                    <snapshotVersions>
                      <snapshotVersion>
                        <extension>jar</extension>
                        <value>1.1-20261120.235507-1</value>
                        <updated>20261120235507</updated>
                      </snapshotVersion>
                      <snapshotVersion>
                        <extension>pom</extension>
                        <value>1.1-20261120.235510-10</value>
                        <updated>20261120235510</updated>
                      </snapshotVersion>
                      <snapshotVersion>
                        <classifier>sources</classifier>
                        <extension>jar</extension>
                        <value>1.1-20261120.235510-9</value>
                        <updated>20261120235510</updated>
                      </snapshotVersion>
                    </snapshotVersions>
                  </versioning>
                </metadata>

                """)
        #expect(try Metadata(Array(metadata.text.utf8)) == metadata)
    }

    @Test("A plugin is one by its newest version that is one")
    func plugin() throws {
        let note = jsonText(FileNote(name: "Foo & Co", goalPrefix: "foo"))
        let named = try artifact([
            entry("1.0", [("lib-1.0.pom", jsonText(FileNote(name: "Old", goalPrefix: "old")))]),
            entry("1.1", [("lib-1.1.pom", jsonText(FileNote(name: nil, goalPrefix: nil))), ("lib-1.1.jar", note)])
        ])
        #expect(named?.plugin == Metadata.Plugin(name: "Foo & Co", prefix: "foo", artifactID: "lib"))
        #expect(try artifact([entry("1.0", [("lib-1.0.pom", "")])])?.plugin == nil)
        var group = Metadata()
        group.plugins = [try #require(named?.plugin)]
        #expect(group.text.contains("<name>Foo &amp; Co</name>\n      <prefix>foo</prefix>"))
        #expect(!group.text.contains("versioning"))
    }

    @Test("Documents of two repositories are one with all versions")
    func merging() throws {
        var first = Metadata()
        (first.groupID, first.artifactID, first.versions) = ("g", "a", ["1.0", "1.10"])
        first.lastUpdated = "20260101000000"
        first.snapshot = SnapshotStamp(timestamp: "20260101.000000", buildNumber: 2)
        first.snapshotVersions = [
            .init(classifier: "", fileExtension: "jar", value: "1-20260101.000000-2", updated: "20260101000000"),
            .init(classifier: "", fileExtension: "pom", value: "1-20260103.000000-3", updated: "20260103000000")
        ]
        first.plugins = [.init(name: nil, prefix: "b", artifactID: "b")]
        var second = first
        second.versions = ["1.2", "1.10", "2-SNAPSHOT"]
        second.lastUpdated = "20260102000000"
        second.snapshot = SnapshotStamp(timestamp: "20260101.000000", buildNumber: 10)
        second.snapshotVersions = [
            .init(classifier: "", fileExtension: "jar", value: "1-20260101.000000-10", updated: "20260101000000")
        ]
        second.plugins = [
            .init(name: nil, prefix: "b", artifactID: "b"), .init(name: nil, prefix: "a", artifactID: "a")
        ]
        let merged = first.merged(with: second)
        #expect(merged.versions == ["1.0", "1.2", "1.10", "2-SNAPSHOT"])
        #expect(merged.latest == "2-SNAPSHOT" && merged.release == "1.10")
        #expect(merged.lastUpdated == "20260102000000")
        #expect(merged.snapshot?.buildNumber == 10)
        #expect(merged.snapshotVersions.map(\.value) == ["1-20260101.000000-10", "1-20260103.000000-3"])
        #expect(merged.plugins.map(\.artifactID) == ["a", "b"])
        #expect(second.merged(with: first) == merged)
    }

    @Test("Uploaded metadata agrees with its address")
    func agreement() throws {
        let artifact = try #require(MetadataAddress(directory: ["com", "acme", "lib"]))
        let snapshot = try #require(MetadataAddress(directory: ["com", "acme", "lib", "1-SNAPSHOT"]))
        let right = "<metadata><groupId>com.acme</groupId><artifactId>lib</artifactId></metadata>"
        for address in [artifact, snapshot] { try Metadata(Array(right.utf8)).check(at: address) }
        try Metadata(Array("<metadata><plugins/></metadata>".utf8)).check(at: artifact)
        let wrong = "<metadata><groupId>com.acme</groupId><artifactId>other</artifactId></metadata>"
        for address in [artifact, snapshot] {
            #expect(throws: Problem.self) { try Metadata(Array(wrong.utf8)).check(at: address) }
        }
    }

    @Test("A version is not any number of bytes long")
    func longVersion() {
        let version = String(repeating: "1-", count: 1_000_000)
        let text = "<metadata><versioning><versions><version>\(version)</version></versions></versioning></metadata>"
        #expect(throws: Problem.self) { try Metadata(Array(text.utf8)) }
    }

    @Test("Names cannot break out of a listing")
    func listing() {
        let listing = MavenListing(segments: ["a"], folders: ["<b>&\"'"], files: [])
        let page = Maven().encodeHTML(listing, repository: "libs")
        #expect(page.contains("<a href=\"%3Cb%3E%26%22%27/\"><bdi>&lt;b&gt;&amp;&quot;&#39;</bdi>/</a>"))
        #expect(page.contains("<h1>libs/a/</h1>"))
    }
}
