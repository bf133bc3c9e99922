import GranaryModel
import Testing

@Suite("Moments")
struct TimestampTests {
    private static let moments: [(text: String, milliseconds: Int64)] = [
        ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999Z", -1), ("2026-01-31T12:00:00.000Z", 1_769_860_800_000),
        ("2026-01-31t12:00:00z", 1_769_860_800_000), ("2026-01-31 12:00:00Z", 1_769_860_800_000),
        ("2026-01-31T14:30:00+02:30", 1_769_860_800_000), ("2026-01-31T07:00:00-05:00", 1_769_860_800_000),
        ("2026-01-31T12:00:00.5Z", 1_769_860_800_500), ("2026-01-31T12:00:00.123456789Z", 1_769_860_800_123),
        ("2000-02-29T00:00:00Z", 951_782_400_000), ("2100-03-01T00:00:00Z", 4_107_542_400_000),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000), ("2016-12-31T23:59:60Z", 1_483_228_800_000)
    ]

    @Test("An RFC 3339 moment is read, with its fraction and its distance from UTC")
    func reading() {
        for (text, milliseconds) in Self.moments {
            #expect(Timestamp(text)?.milliseconds == milliseconds, "\(text)")
        }
    }

    private static let nonsense = [
        "", "now", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00:00Zx", "2026-01-31T12:00:00Z ",
        " 2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00ZZ", "2026-01-31T12:00:00+02:00x", "2026-01-31T12:00:00+0200", "2026-01-31T12:00:00+24:00",
        "2026-02-30T12:00:00Z", "2100-02-29T00:00:00Z", "2026-13-01T12:00:00Z", "2026-00-01T12:00:00Z",
        "2026-01-00T12:00:00Z",
        "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T12:00:61Z", "2026-01-31T12:00Z",
        "2026-1-31T12:00:00Z",
        "1582-12-31T00:00:00Z", "0000-01-01T00:00:00Z", "-2026-01-31T12:00:00Z", "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00,5Z",
        "2026-01-31T12:00:00.1234567890Z", "2026-01-31T12:00:00\u{0}Z", "２026-01-31T12:00:00Z"
    ]

    @Test("What is no moment, or has something before or after it, is none")
    func refusing() {
        for text in Self.nonsense { #expect(Timestamp(text) == nil, "\(text)") }
    }

    @Test("A moment is written as it is read")
    func roundTrip() {
        for milliseconds in stride(
            from: Int64(-12_212_553_600_000), to: 253_402_300_800_000, by: 86_400_000 * 3331 + 12_345_677)
        {
            let moment = Timestamp(milliseconds: milliseconds)
            #expect(Timestamp(moment.description) == moment, "\(moment)")
        }
    }
}
