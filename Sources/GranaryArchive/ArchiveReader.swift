import CArchive
package import NIOCore

/// What an archive may not exceed; whoever reads one that does is told which it was.
package struct ArchiveLimits: Sendable {
    package var entries: Int
    /// Of all entries together, unpacked.
    package var bytes: Int64

    package init(entries: Int = 100_000, bytes: Int64 = 4 << 30) {
        self.entries = entries
        self.bytes = bytes
    }
}

/// How files were put together.
package enum ArchiveKind: Sendable {
    case zip
    /// A tar archive that was compressed by gzip, once.
    case gzippedTar
    /// One file that was compressed by gzip and is in no archive; it is the only entry.
    case gzip
}

/// Why an archive is not accepted; the text is for the one who sent it.
package struct ArchiveError: Error, Equatable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// Looks through an archive from its first entry to its last, and unpacks nothing that nobody asks for. It blocks.
package struct ArchiveReader {
    private let size: Int64
    private let read: (Range<Int64>) throws -> ByteBuffer
    private let kind: ArchiveKind
    private let limits: ArchiveLimits

    /// Reads an archive of `size` bytes through `read`, which answers the bytes of a range within it.
    package init(
        _ kind: ArchiveKind, size: Int64, limits: ArchiveLimits = ArchiveLimits(),
        read: @escaping (Range<Int64>) throws -> ByteBuffer
    ) {
        self.kind = kind
        self.size = size
        self.limits = limits
        self.read = read
    }

    /// Shows every entry to `visit`, until that answers false. Throws `ArchiveError` for what cannot be read or is over a limit,
    /// and what `read` and `visit` throw.
    package func entries(_ visit: (borrowing ArchiveEntry) throws -> Bool) throws {
        guard let archive = archive_read_new() else { throw ArchiveError("there is no memory to read an archive") }
        let source = ArchiveSource(size: size, read: read)
        defer {
            archive_read_free(archive)
            withExtendedLifetime(source) {}
        }
        try open(archive, on: source)
        var count = 0
        var total: Int64 = 0
        while let entry = try next(archive, source) {
            count += 1
            guard count <= limits.entries else {
                throw ArchiveError("the archive has more than \(limits.entries) entries")
            }
            total += max(archive_entry_size(entry), 0)
            guard total <= limits.bytes else {
                throw ArchiveError("the archive unpacks to more than \(limits.bytes) bytes")
            }
            guard try visit(try ArchiveEntry(entry, archive)) else { return }
            if let error = source.error { throw error }
        }
    }

    private func open(_ archive: OpaquePointer, on source: ArchiveSource) throws {
        switch kind {
        case .zip:
            archive_read_support_format_zip_seekable(archive)
        case .gzippedTar:
            try requireGzip()
            archive_read_support_filter_gzip(archive)
            archive_read_support_format_tar(archive)
        case .gzip:
            try requireGzip()
            archive_read_support_filter_gzip(archive)
            archive_read_support_format_raw(archive)
        }
        archive_read_set_callback_data(archive, Unmanaged.passUnretained(source).toOpaque())
        archive_read_set_read_callback(archive) { _, source, buffer in
            ArchiveSource.of(source).readNext(buffer)
        }
        archive_read_set_skip_callback(archive) { _, source, count in ArchiveSource.of(source).skip(count) }
        archive_read_set_seek_callback(archive) { _, source, offset, whence in
            ArchiveSource.of(source).seek(offset, whence)
        }
        guard archive_read_open1(archive) == ARCHIVE_OK else { throw failure(archive, source) }
        // The library takes the filter as often as it fits. The source counts as one, too.
        guard kind == .zip || archive_filter_count(archive) == 2 else {
            throw ArchiveError("the archive is compressed more than once")
        }
    }

    /// What is not compressed at all is taken by the library, too.
    private func requireGzip() throws {
        guard Array(try read(0..<min(3, size)).readableBytesView) == [0x1F, 0x8B, 8] else {
            throw ArchiveError("the archive is not compressed by gzip")
        }
    }

    private func next(_ archive: OpaquePointer, _ source: ArchiveSource) throws -> OpaquePointer? {
        var entry: OpaquePointer?
        switch archive_read_next_header(archive, &entry) {
        // A warning is about what is lost in names of other character sets and the like.
        case ARCHIVE_OK, ARCHIVE_WARN: return entry
        case ARCHIVE_EOF: return nil
        default: throw failure(archive, source)
        }
    }

    private func failure(_ archive: OpaquePointer, _ source: ArchiveSource) -> any Error {
        source.error ?? ArchiveError(reason(archive))
    }
}

/// One entry, while it is shown.
package struct ArchiveEntry: ~Copyable {
    /// What it stands for.
    package enum Kind: Sendable {
        case file, directory, symbolicLink, hardLink
        /// A device, a pipe.
        case special
    }

    /// As the archive has it.
    package let path: String
    package let kind: Kind
    /// Unpacked; 0 where the archive does not say.
    package let size: Int64
    /// What a link leads to, as the archive has it: from the folder of a symbolic link, from the top of the archive for a hard
    /// one. Nil for everything else.
    package let linkTarget: String?
    private let archive: OpaquePointer

    fileprivate init(_ entry: OpaquePointer, _ archive: OpaquePointer) throws {
        guard let name = archive_entry_pathname_utf8(entry) ?? archive_entry_pathname(entry),
            let path = String(validatingCString: name)
        else { throw ArchiveError("the name of an entry is no UTF-8") }
        self.path = path
        self.archive = archive
        size = max(archive_entry_size(entry), 0)
        let target = archive_entry_hardlink(entry) ?? archive_entry_symlink(entry)
        linkTarget = target.flatMap { String(validatingCString: $0) }
        if archive_entry_hardlink(entry) != nil {
            kind = .hardLink
        } else {
            kind =
                switch UInt32(archive_entry_filetype(entry)) {
                case 0o100000: .file
                case 0o040000: .directory
                case 0o120000: .symbolicLink
                default: .special
                }
        }
    }

    /// The bytes of the entry. Throws `ArchiveError` when there are more than `limit`.
    package func contents(upTo limit: Int) throws -> [UInt8] {
        var contents: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = archive_read_data(archive, &buffer, buffer.count)
            guard count >= 0 else { throw ArchiveError(reason(archive)) }
            guard count > 0 else { return contents }
            guard contents.count + count <= limit else {
                throw ArchiveError("'\(path)' has more than \(limit) bytes")
            }
            contents += buffer[..<count]
        }
    }
}

private func reason(_ archive: OpaquePointer) -> String {
    "the archive cannot be read: " + (archive_error_string(archive).map { String(cString: $0) } ?? "it is damaged")
}

/// What libarchive reads from.
private final class ArchiveSource {
    private static let chunk: Int64 = 128 << 10

    private let size: Int64
    private let read: (Range<Int64>) throws -> ByteBuffer
    private var position: Int64 = 0
    /// What libarchive was handed last, and may still look at.
    private var bytes: [UInt8] = []
    private(set) var error: (any Error)?

    init(size: Int64, read: @escaping (Range<Int64>) throws -> ByteBuffer) {
        self.size = size
        self.read = read
    }

    static func of(_ pointer: UnsafeMutableRawPointer?) -> ArchiveSource {
        guard let pointer else { preconditionFailure("an archive has lost its source") }
        return Unmanaged<ArchiveSource>.fromOpaque(pointer).takeUnretainedValue()
    }

    func readNext(_ buffer: UnsafeMutablePointer<UnsafeRawPointer?>?) -> Int {
        let end = min(position + Self.chunk, size)
        guard position < end else { return 0 }
        do {
            bytes = Array(try read(position..<end).readableBytesView)
        } catch {
            self.error = error
            return Int(ARCHIVE_FATAL)
        }
        position += Int64(bytes.count)
        return bytes.withUnsafeBytes { pointer in
            // The array is not touched before the next call, which is when libarchive lets go of it.
            buffer?.pointee = pointer.baseAddress
            return pointer.count
        }
    }

    func skip(_ count: Int64) -> Int64 {
        let skipped = min(max(count, 0), size - position)
        position += skipped
        return skipped
    }

    func seek(_ offset: Int64, _ whence: CInt) -> Int64 {
        let base: Int64 =
            switch whence {
            case SEEK_CUR: position
            case SEEK_END: size
            default: 0
            }
        let (target, overflows) = base.addingReportingOverflow(offset)
        guard !overflows, (0...size).contains(target) else { return Int64(ARCHIVE_FATAL) }
        position = target
        return target
    }
}
