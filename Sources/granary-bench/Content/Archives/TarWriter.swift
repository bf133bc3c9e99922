/// Writes a tar archive of small files (POSIX.1 ustar), and wraps it as gzip does.
struct TarWriter {
    private static let block = 512
    /// As much as a block that is not compressed holds (RFC 1951, 3.2.4).
    static let maximumStored = 65_535

    private var bytes: [UInt8] = []

    /// A file whose name has at most 100 bytes.
    mutating func add(_ name: String, _ content: [UInt8]) {
        var header = [UInt8](repeating: 0, count: Self.block)
        func set(_ text: String, at offset: Int) {
            header.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
        }
        set(String(name.prefix(100)), at: 0)
        set("0000644", at: 100)
        set("0000000", at: 108)
        set("0000000", at: 116)
        set(Self.octal(content.count, digits: 11), at: 124)
        set(Self.octal(0, digits: 11), at: 136)
        // While the checksum is computed, blanks stand in its place.
        set("        ", at: 148)
        set("0", at: 156)
        set("ustar\u{0}00", at: 257)
        set(Self.octal(header.reduce(0) { $0 + Int($1) }, digits: 6) + "\u{0}", at: 148)
        bytes += header + content
        bytes += [UInt8](repeating: 0, count: (Self.block - content.count % Self.block) % Self.block)
    }

    /// The archive of what has been added.
    var archive: [UInt8] { bytes + [UInt8](repeating: 0, count: 2 * Self.block) }

    /// The same as a gzip file that holds it uncompressed (RFC 1952); of at most `maximumStored` bytes.
    var gzipped: [UInt8] {
        let archive = archive
        precondition(archive.count <= Self.maximumStored, "the archive does not fit a block")
        // Deflate, no flags, no time, no hint, Unix; then the last block, stored.
        var file: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1]
        file.append(littleEndian: UInt16(archive.count))
        file.append(littleEndian: ~UInt16(archive.count))
        file += archive
        file.append(littleEndian: CRC32.checksum(archive))
        file.append(littleEndian: UInt32(archive.count))
        return file
    }

    private static func octal(_ value: Int, digits: Int) -> String {
        let text = String(value, radix: 8)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
