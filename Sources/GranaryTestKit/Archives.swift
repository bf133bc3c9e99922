/// Archives as tests need them, right ones and such as no tool writes. Nothing in them is compressed.
package enum Archives {
    /// A file of an archive.
    package struct Entry: Sendable {
        package let path: String
        package let content: [UInt8]
        /// A tar archive's type of entry: `0` a file, `1` a hard link, `2` a symbolic one, `3` a device, `5` a folder.
        package let type: Character
        /// Where a link leads to.
        package let link: String

        package init(_ path: String, _ content: String = "", type: Character = "0", link: String = "") {
            self.path = path
            self.content = Array(content.utf8)
            self.type = type
            self.link = link
        }
    }

    /// A zip archive (APPNOTE, section 4.3).
    package static func zip(_ entries: [Entry], comment: String = "") -> [UInt8] {
        var archive: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            let name = Array(entry.path.utf8)
            // Version, flags (UTF-8 names), method, time and date, checksum, both sizes, lengths of name and extra field.
            var common = number(20, 2) + number(1 << 11, 2) + number(0, 2) + number(0x21_0000, 4)
            common += number(Int(crc32(entry.content)), 4)
            common +=
                number(entry.content.count, 4) + number(entry.content.count, 4) + number(name.count, 2) + number(0, 2)
            directory += [0x50, 0x4B, 1, 2] + number(20, 2) + common + number(0, 2) + number(0, 2) + number(0, 2)
            directory += number(0, 4) + number(archive.count, 4) + name
            archive += [0x50, 0x4B, 3, 4] + common + name + entry.content
        }
        let end = number(entries.count, 2) + number(entries.count, 2) + number(directory.count, 4)
        let tail = [0x50, 0x4B, 5, 6] + number(0, 4) + end + number(archive.count, 4)
        return archive + directory + tail + number(comment.utf8.count, 2) + Array(comment.utf8)
    }

    /// A tar archive (POSIX ustar).
    package static func tar(_ entries: [Entry]) -> [UInt8] {
        var archive: [UInt8] = []
        for entry in entries {
            var header = [UInt8](repeating: 0, count: 512)
            func write(_ text: String, at offset: Int) {
                header.replaceSubrange(offset..<(offset + text.utf8.count), with: text.utf8)
            }
            write(entry.path, at: 0)
            write("0000644\u{0}0000000\u{0}0000000\u{0}", at: 100)
            let size = String(entry.content.count, radix: 8)
            write(String(repeating: "0", count: 11 - size.count) + size + "\u{0}00000000000\u{0}        ", at: 124)
            write(String(entry.type) + entry.link, at: 156)
            write("ustar\u{0}00", at: 257)
            let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
            write(String(repeating: "0", count: 6 - sum.count) + sum + "\u{0} ", at: 148)
            archive += header + entry.content
            archive += [UInt8](repeating: 0, count: (512 - entry.content.count % 512) % 512)
        }
        return archive + [UInt8](repeating: 0, count: 1024)
    }

    /// The bytes as gzip has them (RFC 1952), in blocks that are not compressed.
    package static func gzip(_ bytes: [UInt8]) -> [UInt8] {
        var packed: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
        var rest = bytes[...]
        repeat {
            let block = rest.prefix(0xFFFF)
            rest = rest.dropFirst(block.count)
            packed += [rest.isEmpty ? 1 : 0] + number(block.count, 2) + number(~block.count & 0xFFFF, 2) + block
        } while !rest.isEmpty
        return packed + number(Int(crc32(bytes)), 4) + number(bytes.count & 0xFFFF_FFFF, 4)
    }

    /// In little-endian order.
    private static func number(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static let crc32Table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(byte) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        let table = crc32Table
        var sum = ~UInt32(0)
        for byte in bytes { sum = sum >> 8 ^ table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] }
        return ~sum
    }
}
