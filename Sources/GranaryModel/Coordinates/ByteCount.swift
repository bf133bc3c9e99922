/// An amount of bytes.
package struct ByteCount: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    package let bytes: Int64

    package init(_ bytes: Int64) { self.bytes = bytes }
    package init(_ bytes: Int) { self.bytes = Int64(bytes) }

    package static let zero = ByteCount(Int64(0))
    /// `count` times 1,024 bytes.
    package static func kibibytes(_ count: Int) -> ByteCount { ByteCount(count << 10) }
    /// `count` times 1,024 KiB.
    package static func mebibytes(_ count: Int) -> ByteCount { ByteCount(count << 20) }
    /// `count` times 1,024 MiB.
    package static func gibibytes(_ count: Int) -> ByteCount { ByteCount(count << 30) }

    package static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }

    /// For people: `17 B`, `4.0 KiB`, `1.5 GiB`.
    package var description: String {
        guard bytes >= 1024 else { return "\(bytes) B" }
        var value = Double(bytes)
        var unit = 0
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }

    package init(from decoder: any Decoder) throws {
        self.bytes = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(bytes)
    }
}
