/// Numbers as people read them.
enum Numbers {
    /// Three digits that mean something, without an exponent: `1234`, `12.3`, `0.0123`.
    static func significant(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        let magnitude = abs(value)
        guard magnitude > 0 else { return "0" }
        var places = 0
        var scale = magnitude
        while scale < 100, places < 6 {
            scale *= 10
            places += 1
        }
        return fixed(value, places)
    }

    /// As short as it can be written.
    static func plain(_ value: Double) -> String {
        value == value.rounded() ? String(Int(value)) : String(value)
    }

    /// A share in percent.
    static func percent(_ share: Double) -> String { fixed(share * 100, 1) + " %" }

    static func fixed(_ value: Double, _ places: Int) -> String {
        let factor = (0..<places).reduce(1.0) { scale, _ in scale * 10 }
        let scaled = (abs(value) * factor).rounded()
        guard scaled < 1e15 else { return String(value) }
        let digits = String(Int(scaled))
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        let sign = value < 0 && scaled > 0 ? "-" : ""
        return places == 0 ? sign + padded : sign + padded.dropLast(places) + "." + padded.suffix(places)
    }
}
