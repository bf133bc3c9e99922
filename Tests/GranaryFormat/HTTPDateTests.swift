import GranaryFormat
import GranaryModel
import Testing

@Suite("Dates of HTTP")
struct HTTPDateTests {
    private static let known: [(seconds: Int64, text: String)] = [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT")
    ]

    @Test("Known dates are written and read")
    func known() {
        for (seconds, text) in Self.known {
            #expect(HTTPDate.format(Timestamp(milliseconds: seconds * 1000 + 999)) == text)
            #expect(HTTPDate.parse(text) == seconds)
        }
    }

    @Test("Every hour of some leap and other years makes the round trip")
    func roundTrip() {
        for seconds in stride(from: Int64(1_577_836_800), to: 1_672_531_200, by: 3601) {
            #expect(HTTPDate.parse(HTTPDate.format(Timestamp(milliseconds: seconds * 1000))) == seconds)
        }
    }

    @Test("What is no date of the preferred form is none")
    func malformed() {
        let texts = [
            "", "GMT", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 Nov 99999 08:49:37 GMT", "Sun, 06 Nov -1 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT x",
            "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"
        ]
        for text in texts { #expect(HTTPDate.parse(text) == nil, "\(text)") }
    }
}
