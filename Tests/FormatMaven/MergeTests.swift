import FormatMaven
import GranaryFormat
import GranaryModel
import Testing

@Suite("What several repositories have")
struct MergeTests {
    private static func names(_ names: String) -> [PackageName] {
        names.split(separator: " ").compactMap { PackageName(String($0)) }
    }

    @Test("A page of names ends where the first member breaks off, so that none is passed over")
    func pages() throws {
        let indexes: [Maven.Index] = [
            .packages(Self.names("a:a a:c a:e"), fetched: [], hasMore: true),
            .packages(Self.names("a:b a:c a:d a:x"), fetched: Set(Self.names("a:b a:c a:d a:x")), hasMore: false),
            .packages(Self.names("a:c a:z"), fetched: [], hasMore: true)
        ]
        guard case .packages(let page, let fetched, let hasMore) = Maven().merge(.packages, indexes) else {
            Issue.record("this is no list of packages")
            return
        }
        #expect(page == Self.names("a:a a:b a:c a:d a:e"))
        #expect(fetched == Set(Self.names("a:b a:d")))
        #expect(hasMore)
    }
}
