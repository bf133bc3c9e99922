/// Writes a zip archive whose files are stored as they are (APPNOTE 6.3, without ZIP64).
struct ZipWriter {
    /// The first day there is: archives of the same files are the same bytes.
    private static let date: UInt16 = 0x21
    private static let version: UInt16 = 20

    private var bytes: [UInt8] = []
    private var directory: [UInt8] = []
    private var count: UInt16 = 0

    mutating func add(_ name: String, _ content: [UInt8]) {
        let offset = UInt32(bytes.count)
        var common: [UInt8] = []
        common.append(littleEndian: Self.version)
        // Flags, method and time.
        for _ in 0..<3 { common.append(littleEndian: UInt16(0)) }
        common.append(littleEndian: Self.date)
        common.append(littleEndian: CRC32.checksum(content))
        for _ in 0..<2 { common.append(littleEndian: UInt32(content.count)) }
        common.append(littleEndian: UInt16(name.utf8.count))
        // Length of the extra field.
        common.append(littleEndian: UInt16(0))
        bytes.append(littleEndian: UInt32(0x0403_4B50))
        bytes += common + Array(name.utf8) + content
        directory.append(littleEndian: UInt32(0x0201_4B50))
        // Made on Unix.
        directory.append(littleEndian: Self.version | 3 << 8)
        directory += common
        // Length of the comment, disk, internal attributes.
        for _ in 0..<3 { directory.append(littleEndian: UInt16(0)) }
        // A file that its owner writes and everybody reads.
        directory.append(littleEndian: UInt32(0o100644) << 16)
        directory.append(littleEndian: offset)
        directory += Array(name.utf8)
        count += 1
    }

    /// The archive of what has been added.
    var archive: [UInt8] {
        var end: [UInt8] = []
        end.append(littleEndian: UInt32(0x0605_4B50))
        for _ in 0..<2 { end.append(littleEndian: UInt16(0)) }
        for _ in 0..<2 { end.append(littleEndian: count) }
        end.append(littleEndian: UInt32(directory.count))
        end.append(littleEndian: UInt32(bytes.count))
        end.append(littleEndian: UInt16(0))
        return bytes + directory + end
    }
}
