package import GranaryModel

/// Dates as HTTP writes them, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
package enum HTTPDate {
    private static let days = Array("ThuFriSatSunMonTueWed".utf8)
    private static let months = Array("JanFebMarAprMayJunJulAugSepOctNovDec".utf8)

    /// The preferred form, in whole seconds, of the years up to 9999.
    package static func format(_ timestamp: Timestamp) -> String {
        let seconds = timestamp.seconds
        let clock = Int(seconds % 86400)
        let date = civil(seconds / 86400)
        return String(unsafeUninitializedCapacity: 29) { text in
            _ = text.update(fromContentsOf: template)
            put(days, Int(seconds / 86400 % 7) * 3, at: 0, in: text)
            put(date.day, digits: 2, at: 5, in: text)
            put(months, (date.month - 1) * 3, at: 8, in: text)
            put(Int(date.year), digits: 4, at: 12, in: text)
            put(clock / 3600, digits: 2, at: 17, in: text)
            put(clock / 60 % 60, digits: 2, at: 20, in: text)
            put(clock % 60, digits: 2, at: 23, in: text)
            return 29
        }
    }

    private static let template = Array("ddd, 00 mmm 0000 00:00:00 GMT".utf8)

    private static func put(_ names: [UInt8], _ start: Int, at place: Int, in text: UnsafeMutableBufferPointer<UInt8>) {
        for offset in 0..<3 { text[place + offset] = names[start + offset] }
    }

    private static func put(_ number: Int, digits: Int, at place: Int, in text: UnsafeMutableBufferPointer<UInt8>) {
        var rest = number
        for offset in (0..<digits).reversed() {
            text[place + offset] = UInt8(0x30 + rest % 10)
            rest /= 10
        }
    }

    /// Seconds since 1970 of the preferred form; nil for anything else, which a recipient may ignore.
    package static func parse(_ text: String) -> Int64? {
        let parts = text.split(whereSeparator: { $0 == " " || $0 == ":" || $0 == "," })
        guard parts.count == 8, parts[7] == "GMT", let month = month(named: parts[2]) else {
            return nil
        }
        let numbers = [parts[1], parts[3], parts[4], parts[5], parts[6]].compactMap { Int64($0) }
        guard numbers.count == 5, (1...31).contains(numbers[0]), (1970...9999).contains(numbers[1]),
            (0...23).contains(numbers[2]), (0...59).contains(numbers[3]), (0...60).contains(numbers[4])
        else { return nil }
        let day = days(year: numbers[1], month: Int64(month + 1), day: numbers[0])
        return day * 86400 + numbers[2] * 3600 + numbers[3] * 60 + numbers[4]
    }

    private static func month(named name: Substring) -> Int? {
        guard name.utf8.count == 3 else { return nil }
        return (0..<12).first { months[$0 * 3..<$0 * 3 + 3].elementsEqual(name.utf8) }
    }

    /// The proleptic Gregorian date of a day since 1970, counted in 400-year eras that begin on the first of March.
    private static func civil(_ day: Int64) -> (year: Int64, month: Int, day: Int) {
        let shifted = day + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, Int(month), Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1))
    }

    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
