import Crypto
import FoundationEssentials
import Testing

@testable import granary_bench

@Suite("Archives")
struct ArchiveTests {
    @Test("The checksum is the one that zip and gzip have", arguments: [("", 0), ("123456789", 0xCBF4_3926 as UInt32)])
    func checksum(_ text: String, _ expected: UInt32) { #expect(CRC32.checksum(Array(text.utf8)) == expected) }

    @Test("A zip archive is records, directory and end, and says where each begins")
    func zip() throws {
        var writer = ZipWriter()
        writer.add("a.txt", Array("one".utf8))
        writer.add("b.txt", Array("two!".utf8))
        let archive = writer.archive
        let end = archive.count - 22
        #expect(number(archive, end, 4) == 0x0605_4B50)
        #expect(number(archive, end + 10, 2) == 2)
        let (size, start) = (number(archive, end + 12, 4), number(archive, end + 16, 4))
        #expect(start + size == end)
        #expect(number(archive, start, 4) == 0x0201_4B50)
        // The second entry of the directory leads to the second record, and that to its content.
        let second = start + 46 + 5
        let record = number(archive, second + 42, 4)
        #expect(number(archive, record, 4) == 0x0403_4B50)
        #expect(number(archive, record + 18, 4) == 4)
        #expect(String(decoding: archive[(record + 30)..<(record + 39)], as: UTF8.self) == "b.txttwo!")
    }

    @Test("A tar archive has whole blocks, sizes in octal and checksums")
    func tar() {
        var writer = TarWriter()
        writer.add("package/package.json", Array(repeating: UInt8(ascii: "x"), count: 600))
        let archive = writer.archive
        #expect(archive.count == 512 + 1024 + 1024)
        #expect(String(decoding: archive[124..<135], as: UTF8.self) == "00000001130")
        let header = archive[..<148] + Array(repeating: UInt8(ascii: " "), count: 8) + archive[156..<512]
        let sum = header.reduce(0) { $0 + Int($1) }
        #expect(Int(String(decoding: archive[148..<154], as: UTF8.self), radix: 8) == sum)
    }

    @Test("A gzip file holds the archive, its checksum and its size")
    func gzip() {
        var writer = TarWriter()
        writer.add("a", [1, 2, 3])
        let (archive, file) = (writer.archive, writer.gzipped)
        #expect(Array(file[15..<(15 + archive.count)]) == archive)
        #expect(number(file, 11, 2) == archive.count)
        #expect(number(file, file.count - 8, 4) == Int(CRC32.checksum(archive)))
        #expect(number(file, file.count - 4, 4) == archive.count)
    }

    private func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
        bytes[offset..<(offset + count)].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}

@Suite("Packages")
struct PackageTests {
    @Test("A wheel is named as its project and version are, with underscores")
    func wheelName() {
        let wheel = Wheel("my-bench-project", "1.0.7", mark: "a")
        #expect(wheel.name == "my_bench_project-1.0.7-py3-none-any.whl")
        #expect(Wheel("bench", "1.0", build: 3, mark: "a").name == "bench-1.0-3-py3-none-any.whl")
        #expect(wheel.content != Wheel("my-bench-project", "1.0.7", mark: "b").content)
    }

    @Test("A form has every field, the file last, and its digest")
    func form() {
        let wheel = Wheel("bench", "1.0", mark: "a")
        let text = String(decoding: wheel.form(boundary: "XX").bytes, as: UTF8.self)
        let digest = Payload.text(of: SHA256.hash(data: wheel.content)).dropFirst("sha256:".count)
        #expect(text.hasPrefix("--XX\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nbench\r\n--XX\r\n"))
        #expect(text.contains("name=\"sha256_digest\"\r\n\r\n\(digest)\r\n"))
        #expect(
            text.contains(
                "name=\"content\"; filename=\"bench-1.0-py3-none-any.whl\"\r\n"
                    + "Content-Type: application/octet-stream\r\n\r\nPK"))
        #expect(text.hasSuffix("\r\n--XX--\r\n"))
    }

    @Test("A publication is a document with one version and its tarball")
    func publication() throws {
        struct Document: Decodable {
            struct Version: Decodable { let name: String }
            struct Attachment: Decodable {
                let data: String
                let length: Int
            }
            let versions: [String: Version]
            let _attachments: [String: Attachment]
        }
        let bytes = NodePackage("left", "1.2.3").publication.bytes
        let document = try JSONDecoder().decode(Document.self, from: Data(bytes))
        #expect(document.versions["1.2.3"]?.name == "left")
        let attachment = try #require(document._attachments["left-1.2.3.tgz"])
        #expect(Data(base64Encoded: attachment.data)?.count == attachment.length)
    }
}
