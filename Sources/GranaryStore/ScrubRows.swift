package import GranaryModel
package import GranaryPorts

/// Where the scrub stands, inside one transaction: the first 56 bits of the last digest it looked at.
package struct ScrubRows {
    private static let digits = 14

    private let connection: any SQLConnection

    package init(_ connection: any SQLConnection) { self.connection = connection }

    /// What it looked at last, or what comes just before that; nil at the beginning.
    package func position() throws -> BlobDigest? {
        guard let value = try connection.first("select value from counter where name = 'scrub'", [])?.integer(0),
            value > 0
        else { return nil }
        let hex = String(value, radix: 16)
        let prefix = String(repeating: "0", count: Self.digits - hex.utf8.count) + hex
        return BlobDigest(hex: prefix + String(repeating: "0", count: 64 - Self.digits))
    }

    /// Nil starts over.
    package func setPosition(_ digest: BlobDigest?) throws {
        let value = digest.flatMap { Int64($0.hex.prefix(Self.digits), radix: 16) } ?? 0
        try connection.execute(
            """
            insert into counter (name, value) values ('scrub', $1)
            on conflict (name) do update set value = excluded.value
            """, [.integer(value)])
    }
}
