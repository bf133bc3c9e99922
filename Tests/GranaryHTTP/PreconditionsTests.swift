import GranaryModel
import HTTPTypes
import Testing

@testable import GranaryHTTP

@Suite("Conditions of a read")
struct PreconditionsTests {
    /// 1994-11-06T08:49:37.5Z: the dates of headers are of whole seconds.
    private static let modified = Timestamp(milliseconds: 784_111_777_500)
    private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let before = "Sun, 06 Nov 1994 08:49:36 GMT"

    private static let cases: [(headers: HTTPFields, expected: Preconditions.Verdict)] = [
        ([:], .proceed), ([.ifMatch: "\"a\""], .proceed), ([.ifMatch: "\"b\", \"a\""], .proceed),
        ([.ifMatch: "*"], .proceed),
        ([.ifMatch: "\"b\""], .failed), ([.ifMatch: "W/\"a\""], .failed), ([.ifMatch: "a"], .failed),
        ([.ifMatch: ""], .failed),
        ([.ifNoneMatch: "\"a\""], .notModified), ([.ifNoneMatch: "W/\"a\""], .notModified),
        ([.ifNoneMatch: "\"b\" , \"a\""], .notModified), ([.ifNoneMatch: "*"], .notModified),
        ([.ifNoneMatch: "\"b\""], .proceed), ([.ifNoneMatch: "a"], .proceed),
        ([.ifModifiedSince: date], .notModified), ([.ifModifiedSince: before], .proceed),
        ([.ifModifiedSince: "never"], .proceed), ([.ifUnmodifiedSince: date], .proceed),
        ([.ifUnmodifiedSince: before], .failed), ([.ifUnmodifiedSince: "never"], .proceed),
        ([.ifMatch: "\"a\"", .ifUnmodifiedSince: before], .proceed),
        ([.ifNoneMatch: "\"b\"", .ifModifiedSince: date], .proceed),
        ([.ifMatch: "\"b\"", .ifNoneMatch: "\"a\""], .failed),
        ([.ifMatch: "\"a\"", .ifNoneMatch: "\"a\""], .notModified)
    ]

    @Test("Conditions are evaluated in the order of the specification")
    func evaluation() {
        for (headers, expected) in Self.cases {
            #expect(Preconditions.evaluate(headers, entityTag: "a", modified: Self.modified) == expected, "\(headers)")
        }
        #expect(Preconditions.evaluate([.ifUnmodifiedSince: Self.before], entityTag: "a", modified: nil) == .proceed)
    }

    @Test("A range is for exactly the representation it was asked of")
    func ranges() {
        let cases: [(String?, Bool)] = [
            (nil, true), ("\"a\"", true), ("\"b\"", false), ("W/\"a\"", false), (Self.date, true), (Self.before, false),
            ("x", false)
        ]
        for (ifRange, expected) in cases {
            var headers = HTTPFields()
            headers[.ifRange] = ifRange
            let isAllowed = Preconditions.allowsRange(headers, entityTag: "a", modified: Self.modified)
            #expect(isAllowed == expected, "\(ifRange ?? "none")")
        }
    }
}
