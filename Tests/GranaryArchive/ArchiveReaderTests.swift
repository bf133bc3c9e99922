import Foundation
import GranaryArchive
import GranaryTestKit
import NIOCore
import Testing

@Suite("Archives")
struct ArchiveReaderTests {
    /// Runs Python, which writes archives by its own code, and answers what it prints.
    private func python(_ script: String) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c",
            "import io,sys,tarfile,zipfile\nout=io.BytesIO()\n\(script)\nsys.stdout.buffer.write(out.getvalue())"
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return Array(bytes)
    }

    private func reader(_ kind: ArchiveKind, _ bytes: [UInt8], _ limits: ArchiveLimits = ArchiveLimits())
        -> ArchiveReader
    {
        ArchiveReader(kind, size: Int64(bytes.count), limits: limits) { range in
            ByteBuffer(bytes: bytes[Int(range.lowerBound)..<Int(range.upperBound)])
        }
    }

    private func names(_ reader: ArchiveReader) throws -> [String] {
        var names: [String] = []
        try reader.entries { entry in
            names.append(entry.path)
            return true
        }
        return names
    }

    private static let tar = """
        def add(t, name, data, kind=tarfile.REGTYPE, link=''):
            i = tarfile.TarInfo(name); i.size = len(data); i.type = kind; i.linkname = link; t.addfile(i, io.BytesIO(data))
        with tarfile.open(fileobj=out, mode='w:MODE') as t:
            add(t, 'package/', b'', tarfile.DIRTYPE)
            add(t, 'package/é.txt', b'hello')
            add(t, 'package/big', b'x' * 300000)
            add(t, 'package/link', b'', tarfile.SYMTYPE, '../../etc/passwd')
            add(t, '../out', b'')
        """

    @Test("A tar archive is read that is compressed by gzip, once")
    func tar() throws {
        let archive = reader(.gzippedTar, try python(Self.tar.replacingOccurrences(of: "MODE", with: "gz")))
        var found: [String] = []
        try archive.entries { entry in
            var text = "\(entry.path) \(entry.kind) \(entry.size) \(entry.segments != nil)"
            if let target = entry.linkTarget { text += " \(target)" }
            if entry.path.hasSuffix(".txt") {
                text += " " + String(decoding: try entry.contents(upTo: 5), as: UTF8.self)
                return found.append(text) == ()
            }
            return found.append(text) == ()
        }
        #expect(
            found == [
                "package/ directory 0 true", "package/é.txt file 5 true hello", "package/big file 300000 true",
                "package/link symbolicLink 0 true ../../etc/passwd", "../out file 0 false"
            ])
    }

    @Test("A tar archive that is compressed in any other way is refused", arguments: ["", "bz2", "xz"])
    func otherCompressions(_ compression: String) throws {
        let bytes = try python(Self.tar.replacingOccurrences(of: "MODE", with: compression))
        #expect(throws: ArchiveError("the archive is not compressed by gzip")) {
            try names(reader(.gzippedTar, bytes))
        }
    }

    @Test("A tar archive that is compressed by gzip twice is refused")
    func twice() throws {
        let bytes = try python(Self.tar.replacingOccurrences(of: "MODE", with: "gz"))
        #expect(throws: ArchiveError("the archive is compressed more than once")) {
            try names(reader(.gzippedTar, Archives.gzip(bytes)))
        }
    }

    @Test(
        "What readers agree on is a path",
        arguments: [
            ("a", ["a"]), ("./a", [".", "a"]), ("a/b/", ["a", "b"]), ("./", ["."]), ("a/.b..", ["a", ".b.."]),
            ("a/bc:d", ["a", "bc:d"]), ("a/b/c:d", ["a", "b", "c:d"]), ("a/é", ["a", "é"])
        ])
    func paths(_ path: String, _ segments: [String]) throws {
        #expect(try self.segments(of: path) == segments)
    }

    @Test(
        "What leads out, or elsewhere for some readers, is none",
        arguments: [
            "/a", "../a", "a/../b", "a/..", "a/../\u{301}b", "a/./b", "././a", "a/.", "a//b", "a/b\\c", "a/\u{1}b",
            "a/\u{7F}", "C:/a", "c:a", "a/C:/b", "a/c:b"
        ])
    func noPaths(_ path: String) throws {
        #expect(try segments(of: path) == nil)
    }

    private func segments(of path: String) throws -> [String]? {
        var found: [String]?
        let kind: Character = path.hasSuffix("/") ? "5" : "0"
        try reader(.gzippedTar, Archives.gzip(Archives.tar([Archives.Entry(path, type: kind)]))).entries { entry in
            #expect(entry.path == path)
            found = entry.segments?.map(String.init)
            return true
        }
        return found
    }

    @Test("A file system may take one name for another", arguments: ["PACKAGE.JSON", "pacKage.jſon", "package.json. "])
    func lookalikes(_ name: String) {
        #expect(name.canStand(for: "package.json"))
        #expect(!(name + "5").canStand(for: "package.json"))
    }

    @Test("A zip archive is read, and its entries without what stands between them")
    func zip() throws {
        let bytes = try python(
            """
            with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:
                z.writestr('a-1.dist-info/METADATA', 'Name: a\\n' * 1000)
                z.writestr('b', 'b')
            """)
        var contents: [String: Int] = [:]
        try reader(.zip, bytes).entries { entry in
            contents[entry.path] = try entry.contents(upTo: 1 << 20).count
            return true
        }
        #expect(contents == ["a-1.dist-info/METADATA": 8000, "b": 1])
    }

    @Test("What is damaged, no archive, or cut short is refused")
    func damaged() throws {
        let whole = try python(Self.tar.replacingOccurrences(of: "MODE", with: "gz"))
        for bytes in [[], Array("hello, world".utf8), Array(whole.prefix(whole.count / 2))] {
            #expect(throws: ArchiveError.self) {
                guard try names(reader(.gzippedTar, bytes)).isEmpty else { return }
                throw ArchiveError("it has no entries")
            }
        }
        #expect(throws: ArchiveError.self) { try names(reader(.zip, whole)) }
    }

    @Test("Limits on entries, on all bytes and on the bytes of one entry hold")
    func limits() throws {
        let bytes = try python(Self.tar.replacingOccurrences(of: "MODE", with: "gz"))
        #expect(throws: ArchiveError("the archive has more than 4 entries")) {
            try names(reader(.gzippedTar, bytes, ArchiveLimits(entries: 4)))
        }
        #expect(throws: ArchiveError("the archive unpacks to more than 300004 bytes")) {
            try names(reader(.gzippedTar, bytes, ArchiveLimits(bytes: 300_004)))
        }
        #expect(throws: ArchiveError("'package/big' has more than 1000 bytes")) {
            try reader(.gzippedTar, bytes).entries { entry in
                if entry.path == "package/big" { _ = try entry.contents(upTo: 1000) }
                return true
            }
        }
    }

    @Test("What reading throws is thrown")
    func failing() throws {
        struct Failure: Error {}
        let archive = ArchiveReader(.gzippedTar, size: 100) { _ in throw Failure() }
        #expect(throws: Failure.self) { try archive.entries { _ in true } }
    }
}
