import GranaryArchive
import GranaryFormat
import GranaryModel
import NIOCore

/// The inside of a distribution, looked through once. It blocks.
struct DistributionArchive {
    static let maximumEntries = 100_000
    static let maximumRecordBytes = 32 << 20
    /// What a small archive may unpack to; a larger one may unpack to `maximumRatio` times its size.
    static let maximumUnpackedBytes: Int64 = 64 << 20
    static let maximumRatio: Int64 = 50

    private let distribution: DistributionName
    private let bytes: StoredBytes
    /// Files, as the archive has them.
    private var paths: Set<String> = []
    private var folders: Set<String> = []
    /// Contents of the files that are read, by path.
    private var contents: [String: [UInt8]] = [:]
    private var entries = 0

    /// The bytes of METADATA or PKG-INFO. Throws `Problem.invalid(.content, …)` for whatever is wrong with the archive.
    static func metadata(of distribution: DistributionName, in bytes: StoredBytes) throws -> [UInt8] {
        var archive = DistributionArchive(distribution: distribution, bytes: bytes)
        do {
            return switch distribution.kind {
            case .wheel: try archive.readWheel()
            case .source: try archive.readSources()
            }
        } catch let error as ArchiveError {
            throw Self.invalid(distribution, error.description)
        }
    }

    private init(distribution: DistributionName, bytes: StoredBytes) {
        self.distribution = distribution
        self.bytes = bytes
    }

    private static func invalid(_ distribution: DistributionName, _ text: String) -> Problem {
        .invalid(.content, "Invalid distribution file '\(distribution.filename)': \(text).")
    }

    private func invalid(_ text: String) -> Problem { Self.invalid(distribution, text) }

    // MARK: Wheels

    private mutating func readWheel() throws -> [UInt8] {
        let limits = ["METADATA": CoreMetadata.maximumBytes, "RECORD": Self.maximumRecordBytes, "WHEEL": 1 << 20]
        try walk(.zip, limits) { $0.hasSuffix(".dist-info") }
        try checkEndOfZip()
        let found = folders.filter { $0.hasSuffix(".dist-info") }
        guard found.count == 1, let folder = found.first,
            DistributionName.version(in: folder.dropLast(".dist-info".count), of: distribution.project)
                == distribution.version
        else { throw invalid("it has not exactly one .dist-info folder, of its own name and version") }
        guard let metadata = contents["\(folder)/METADATA"], contents["\(folder)/WHEEL"] != nil,
            let record = contents["\(folder)/RECORD"]
        else { throw invalid("there is no METADATA, WHEEL or RECORD in \(folder)") }
        try check(record, of: folder)
        return metadata
    }

    /// RECORD names every file but its own signatures, and no other (specification "Recording installed projects").
    private func check(_ record: [UInt8], of folder: String) throws {
        let exempt = Set(["RECORD", "RECORD.jws", "RECORD.p7s"].map { "\(folder)/\($0)" })
        var recorded: Set<String> = []
        for line in record.split(separator: 0x0A) {
            guard let path = Self.firstField(line), !path.isEmpty else { continue }
            recorded.insert(path)
        }
        if let path = paths.subtracting(exempt).subtracting(recorded).min() {
            throw invalid("'\(path.prefix(200))' is not in RECORD")
        }
        if let path = recorded.subtracting(exempt).subtracting(paths).min() {
            throw invalid("RECORD has '\(path.prefix(200))', which is not there")
        }
    }

    /// Of a line of comma-separated values (RFC 4180); nil where it is no UTF-8.
    private static func firstField(_ line: ArraySlice<UInt8>) -> String? {
        guard line.first == UInt8(ascii: "\"") else {
            let field = line.prefix { $0 != UInt8(ascii: ",") && $0 != 0x0D }
            return String(validating: field, as: UTF8.self)
        }
        var field: [UInt8] = []
        var rest = line.dropFirst()
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") {
                guard rest.first == byte else { break }
                rest.removeFirst()
            }
            field.append(byte)
        }
        return String(validating: field, as: UTF8.self)
    }

    /// What another reader could take for a second archive: bytes before the first entry and after the last record, a comment,
    /// other disks, and entries that only one of both lists has.
    private func checkEndOfZip() throws {
        let end: Int64 = 22
        guard bytes.size.bytes >= end else { throw invalid("it is no zip archive") }
        let start = Array(try bytes.read(0..<4).readableBytesView)
        let tail = Array(try bytes.read((bytes.size.bytes - end)..<bytes.size.bytes).readableBytesView)
        func number(_ offset: Int, _ count: Int) -> Int64 {
            tail[offset..<(offset + count)].reversed().reduce(0) { $0 << 8 | Int64($1) }
        }
        guard start == [0x50, 0x4B, 3, 4], tail[..<4] == [0x50, 0x4B, 5, 6], number(20, 2) == 0 else {
            throw invalid("there is something before, after or in between the records of its zip archive")
        }
        let isLarge = number(10, 2) == 0xFFFF || number(12, 4) == 0xFFFF_FFFF || number(16, 4) == 0xFFFF_FFFF
        if isLarge { return }
        guard number(4, 2) == 0, number(6, 2) == 0, number(8, 2) == Int64(entries), number(10, 2) == Int64(entries),
            number(12, 4) + number(16, 4) == bytes.size.bytes - end
        else { throw invalid("the central directory of its zip archive does not fit") }
    }

    // MARK: Source distributions

    private mutating func readSources() throws -> [UInt8] {
        let isZip = distribution.filename.hasSuffix(".zip")
        try walk(isZip ? .zip : .gzippedTar, ["PKG-INFO": CoreMetadata.maximumBytes]) { _ in true }
        guard folders.count == 1, let folder = folders.first, paths.allSatisfy({ $0.utf8.contains(UInt8(ascii: "/")) })
        else { throw invalid("it has not exactly one folder at its top") }
        guard let metadata = contents["\(folder)/PKG-INFO"] else { throw invalid("there is no PKG-INFO in \(folder)") }
        return metadata
    }

    // MARK: Entries

    /// Goes through all entries, and keeps the files that have a limit if they are in a folder at the top that is wanted.
    private mutating func walk(
        _ kind: ArchiveKind, _ limitsByName: [String: Int], in isWanted: (Substring) -> Bool
    ) throws {
        let limits = ArchiveLimits(
            entries: Self.maximumEntries,
            bytes: max(Self.maximumUnpackedBytes, bytes.size.bytes * Self.maximumRatio))
        let reader = ArchiveReader(kind, size: bytes.size.bytes, limits: limits, read: bytes.read)
        try reader.entries { entry in
            entries += 1
            guard let all = entry.segments else {
                throw invalid("the entry '\(entry.path.prefix(200))' leads out of it, or elsewhere for some readers")
            }
            let segments = all.first == "." ? all.dropFirst() : all[...]
            guard let top = segments.first else { return true }
            let path = segments.joined(separator: "/")
            try check(entry, path)
            if segments.count > 1 || entry.kind == .directory { folders.insert(String(top)) }
            guard entry.kind != .directory else { return true }
            guard paths.insert(path).inserted else { throw invalid("it has '\(path.prefix(200))' twice") }
            guard segments.count == 2, let name = segments.last, isWanted(top) else { return true }
            if let other = limitsByName.keys.first(where: { $0 != name && name.canStand(for: $0) }) {
                throw invalid("'\(path.prefix(200))' could be taken for its \(other)")
            }
            if entry.kind == .file, let limit = limitsByName[String(name)] {
                contents[path] = try entry.contents(upTo: limit)
            }
            return true
        }
    }

    private func check(_ entry: borrowing ArchiveEntry, _ path: String) throws {
        switch entry.kind {
        case .file, .directory: return
        case .special: throw invalid("the entry '\(path.prefix(200))' is neither a file nor a folder")
        case .symbolicLink, .hardLink:
            guard distribution.kind == .source else { throw invalid("the entry '\(path.prefix(200))' is a link") }
            let base = entry.kind == .hardLink ? [] : path.split(separator: "/").dropLast().map(String.init)
            guard let target = entry.linkTarget, Self.staysInside(target, from: base) else {
                throw invalid("the link '\(path.prefix(200))' leads out of it")
            }
        }
    }

    /// Whether a link in the folder `base` leads to something below the top folder.
    private static func staysInside(_ target: String, from base: [String]) -> Bool {
        guard !target.isEmpty, !target.hasPrefix("/"), !target.utf8.contains(UInt8(ascii: "\\")) else { return false }
        var depth = base.count
        for segment in target.split(separator: "/") where segment != "." {
            depth += segment == ".." ? -1 : 1
            guard depth >= 0 else { return false }
        }
        return depth >= 1
    }
}
