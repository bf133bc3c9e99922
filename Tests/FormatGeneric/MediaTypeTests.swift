import GranaryFormat
import GranaryModel
import GranaryTestKit
import HTTPTypes
import Testing

@testable import FormatGeneric

@Suite struct MediaTypeTests {
    struct Case: Sendable {
        let name: String
        var declared: String?
        let type: String
    }

    static let cases: [Case] = [
        Case(name: "a.tar.gz", type: "application/gzip"),
        Case(name: "a.1.2.tar.zst", type: "application/zstd"),
        Case(name: "A.ZIP", type: "application/zip"),
        Case(name: "a.deb", declared: "text/html", type: "application/vnd.debian.binary-package"),
        Case(name: "a.yaml", type: "application/yaml"),
        Case(name: "notes.log", type: "text/plain; charset=utf-8"),
        Case(name: "a", declared: "model/stl", type: "model/stl"),
        Case(name: "a.bin", declared: "application/octet-stream", type: "application/octet-stream"),
        Case(name: "a.bin", declared: "application/x-www-form-urlencoded", type: "application/octet-stream"),
        Case(name: "a.bin", declared: "multipart/form-data; boundary=x", type: "application/octet-stream"),
        Case(name: "zip", type: "application/octet-stream"),
        Case(name: ".zip", type: "application/zip"),
        Case(name: "a.", type: "application/octet-stream")
    ]

    @Test("The longest known extension says the type, then the client", arguments: cases)
    func type(_ test: Case) throws {
        let declared = try declaredMediaType(
            head(.put, "a", test.declared.map { [("Content-Type", $0)] } ?? []).headers)
        #expect(Generic().mediaType(of: test.name, declared: declared).text == test.type)
    }

    struct Disposition: Sendable {
        let name: String
        let type: String
        let value: String
    }

    static let dispositions: [Disposition] = [
        Disposition(name: "a.png", type: "image/png", value: #"inline; filename="a.png""#),
        Disposition(name: "a.txt", type: "text/plain; charset=utf-8", value: #"inline; filename="a.txt""#),
        Disposition(name: "a.pdf", type: "application/pdf", value: #"inline; filename="a.pdf""#),
        Disposition(name: "a.svg", type: "image/svg+xml", value: #"attachment; filename="a.svg""#),
        Disposition(name: "a.svg", type: "IMAGE/SVG+XML", value: #"attachment; filename="a.svg""#),
        Disposition(name: "a.html", type: "text/html", value: #"attachment; filename="a.html""#),
        Disposition(name: "a.js", type: "text/javascript", value: #"attachment; filename="a.js""#),
        Disposition(name: "a.bin", type: "application/octet-stream", value: #"attachment; filename="a.bin""#),
        Disposition(
            name: "naïve.bin", type: "application/octet-stream",
            value: #"attachment; filename="na_ve.bin"; filename*=UTF-8''na%C3%AFve.bin"#),
        Disposition(
            name: #"a"b.bin"#, type: "application/octet-stream",
            value: #"attachment; filename="a\"b.bin"; filename*=UTF-8''a%22b.bin"#),
        Disposition(
            name: "100%.bin", type: "application/octet-stream",
            value: #"attachment; filename="100%.bin"; filename*=UTF-8''100%25.bin"#)
    ]

    @Test("A browser shows only what it does not run, under the file's name", arguments: dispositions)
    func disposition(_ test: Disposition) {
        #expect(Generic().contentDisposition(of: test.name, MediaType(checked: test.type)) == test.value)
    }

    @Test("No name breaks out of the header field")
    func neverCrashes() {
        var generator = Generator(seed: 0xD15)
        for _ in 0..<2000 {
            let name = String(decoding: generator.bytes(lengths: 0...32), as: UTF8.self)
            let value = Generic().contentDisposition(of: name, .octetStream)
            #expect(value.utf8.allSatisfy { (0x20...0x7E).contains($0) })
            _ = Generic().mediaType(of: name, declared: nil)
        }
    }
}
