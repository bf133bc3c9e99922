import FoundationEssentials

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
package struct Timestamp: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// The moment `duration` later.
    package func adding(_ duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        return Timestamp(milliseconds: milliseconds + seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }

    /// Whole seconds since 1970, as HTTP dates and tokens count.
    package var seconds: Int64 { milliseconds / 1000 }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    /// RFC 3339 in UTC with milliseconds: `2026-01-31T12:00:00.000Z`.
    package var description: String {
        // The style cuts a binary fraction off, which is a millisecond short half of the time.
        let fraction = ((milliseconds % 1000) + 1000) % 1000
        let date = Date(timeIntervalSince1970: Double((milliseconds - fraction) / 1000))
        return "\(date.formatted(.iso8601).dropLast()).\(String(fraction + 1000).dropFirst())Z"
    }

    /// Answers nil for anything but an RFC 3339 moment (section 5.6) of the years 1583 to 9999, in which all agree on the
    /// calendar; what is finer than a millisecond is cut off.
    package init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        guard let year = rest.takeNumber(4), rest.take("-"), let month = rest.takeNumber(2), rest.take("-"),
            let day = rest.takeNumber(2), rest.take("T") || rest.take("t") || rest.take(" "),
            let hour = rest.takeNumber(2), rest.take(":"), let minute = rest.takeNumber(2), rest.take(":"),
            let second = rest.takeNumber(2), let fraction = rest.takeMilliseconds(), let offset = rest.takeOffset(),
            rest.isEmpty, (1583...9999).contains(year), (1...12).contains(month), hour < 24, minute < 60, second <= 60,
            (1...Self.days(inMonth: month, of: year)).contains(day)
        else { return nil }
        let days = Self.days(before: month, day, of: year)
        let seconds = ((days * 24 + hour) * 60 + minute - offset) * 60 + second
        self.init(milliseconds: Int64(seconds * 1000 + fraction))
    }

    /// A moment as it stands in an address: RFC 3339; the same in UTC without separators, `20260131T120000Z`; or a date, which
    /// stands for its beginning in UTC.
    package init?(inAddress text: String) {
        var rest = Array(text.utf8)[...]
        if let year = rest.takeNumber(4), let month = rest.takeNumber(2), let day = rest.takeNumber(2), rest.take("T"),
            let hour = rest.takeNumber(2), let minute = rest.takeNumber(2), let second = rest.takeNumber(2),
            rest.take("Z"), rest.isEmpty
        {
            let padded = { (number: Int) in String(String(number + 100).suffix(2)) }
            let date = "\(String(String(year + 10_000).suffix(4)))-\(padded(month))-\(padded(day))"
            self.init("\(date)T\(padded(hour)):\(padded(minute)):\(padded(second))Z")
        } else {
            self.init(text.utf8.count == 10 ? text + "T00:00:00Z" : text)
        }
    }

    private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        let lengths = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return lengths[month - 1]
    }

    /// From 1970-01-01 to a date of the proleptic Gregorian calendar.
    private static func days(before month: Int, _ day: Int, of year: Int) -> Int {
        let passed = year - 1
        let sinceYearOne = passed * 365 + passed / 4 - passed / 100 + passed / 400
        let inYear = (1..<month).reduce(0) { $0 + days(inMonth: $1, of: year) }
        return sinceYearOne + inYear + day - 1 - 719_162
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let timestamp = Timestamp(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "must be an RFC 3339 moment")
        }
        self = timestamp
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension ArraySlice<UInt8> {
    fileprivate mutating func take(_ character: Character) -> Bool {
        guard let byte = first, byte == character.asciiValue else { return false }
        removeFirst()
        return true
    }

    /// A number of exactly `count` digits.
    fileprivate mutating func takeNumber(_ count: Int) -> Int? {
        let digits = prefix(count)
        guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        removeFirst(count)
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    /// A fraction of a second where there is one; nil where it is malformed.
    fileprivate mutating func takeMilliseconds() -> Int? {
        guard take(".") else { return 0 }
        let digits = prefix { (0x30...0x39).contains($0) }
        guard (1...9).contains(digits.count) else { return nil }
        removeFirst(digits.count)
        return (Array(digits) + [0x30, 0x30]).prefix(3).reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    /// The distance from UTC in minutes; nil where it is malformed.
    fileprivate mutating func takeOffset() -> Int? {
        if take("Z") || take("z") { return 0 }
        guard let sign = take("+") ? 1 : take("-") ? -1 : nil, let hours = takeNumber(2), take(":"),
            let minutes = takeNumber(2), hours < 24, minutes < 60
        else { return nil }
        return sign * (hours * 60 + minutes)
    }
}

/// Where the time comes from: a parameter, so that tests own it.
package typealias Now = @Sendable () -> Timestamp
