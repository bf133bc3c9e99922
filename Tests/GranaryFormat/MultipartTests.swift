import GranaryFormat
import GranaryModel
import GranaryTestKit
import NIOCore
import Testing

@Suite("Forms with files")
struct MultipartTests {
    /// Parts with their content put together, as a body cut into pieces of `size` gives them.
    private static func parts(_ body: String, boundary: String = "b", cutting size: Int) throws -> [String] {
        var parser = MultipartParser(boundary: boundary)
        var parts: [String] = []
        var rest = Array(body.utf8)[...]
        func drain() throws {
            while let event = try parser.next() {
                switch event {
                case .part(let header): parts.append("\(header.name)|\(header.filename ?? "")|")
                case .content(let piece): parts[parts.count - 1] += String(buffer: piece)
                case .endOfPart: parts[parts.count - 1] += "."
                case .end: parts.append("end")
                }
            }
        }
        while !rest.isEmpty {
            parser.feed(ByteBuffer(bytes: rest.prefix(size)))
            rest = rest.dropFirst(size)
            try drain()
        }
        try parser.finish()
        return parts
    }

    private static func part(_ fields: String, _ content: String) -> String {
        "--b\r\nContent-Disposition: form-data; \(fields)\r\n\r\n\(content)\r\n"
    }

    @Test("A form is the same however it is cut", arguments: [1, 2, 3, 5, 7, 64, 4096])
    func cutting(_ size: Int) throws {
        let body =
            Self.part("name=\"a\"", "one\r\n--c\r\n-") + Self.part("name=b", "")
            + Self.part("name=\"content\"; filename=\"a \\\"b\\\".whl\"", "\r\n--bx no, \r\n\r\n--") + "--b--\r\n"
        // What begins like the boundary and goes on is refused: a client has to choose one that does not occur.
        #expect(throws: Problem.self) { try Self.parts(body, cutting: size) }
        let good = body.replacing("--bx", with: "--Bx")
        #expect(
            try Self.parts(good, cutting: size) == [
                "a||one\r\n--c\r\n-.", "b||.", "content|a \"b\".whl|\r\n--Bx no, \r\n\r\n--.", "end"
            ])
    }

    @Test("Content with every byte comes through, whatever the boundary")
    func bytes() throws {
        var generator = Generator(seed: 7)
        for _ in 0..<50 {
            let count = Int.random(in: 0...5000, using: &generator)
            let content: [UInt8] = (0..<count).map { _ in
                Array("\r\n-b\0".utf8).randomElement(using: &generator) ?? 0
            }
            let boundary = "bcb-\(Int.random(in: 0...999, using: &generator))"
            var parser = MultipartParser(boundary: boundary)
            var body = Array("--\(boundary)\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\n".utf8)
            body += content + Array("\r\n--\(boundary)--\r\n".utf8)
            var found: [UInt8] = []
            var rest = body[...]
            while !rest.isEmpty {
                let size = Int.random(in: 1...700, using: &generator)
                parser.feed(ByteBuffer(bytes: rest.prefix(size)))
                rest = rest.dropFirst(size)
                while let event = try parser.next() {
                    if case .content(let piece) = event { found += Array(piece.readableBytesView) }
                }
            }
            try parser.finish()
            #expect(found == content)
        }
    }

    @Test("What stands around the parts is passed over")
    func padding() throws {
        let body = "preamble\r\n--b  \r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b--\r\nepilogue"
        #expect(try Self.parts(body, cutting: 9) == ["a||x.", "end"])
    }

    @Test(
        "A malformed form is refused",
        arguments: [
            "", "--b", "--b\r\n", "no form",
            "--b\r\nContent-Disposition: form-data; name=a\r\n\r\ntruncated",
            "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b",
            "--b\r\n\r\nno header\r\n--b--",
            "--b\r\nContent-Type: text/plain\r\n\r\nno name\r\n--b--",
            "--b\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--b--"
        ])
    func malformed(_ body: String) throws {
        #expect(throws: Problem.self) { try Self.parts(body, cutting: 8) }
    }

    @Test("Parts, headers and what is around them have limits")
    func limits() throws {
        let many = String(repeating: Self.part("name=a", ""), count: MultipartParser.maximumParts + 1) + "--b--"
        #expect(throws: Problem.self) { try Self.parts(many, cutting: 4096) }
        let long = Self.part("name=\(String(repeating: "a", count: MultipartParser.maximumHeaderBytes))", "") + "--b--"
        #expect(throws: Problem.self) { try Self.parts(long, cutting: 4096) }
        let padded = String(repeating: "x", count: MultipartParser.maximumPaddingBytes + 64)
        #expect(throws: Problem.self) { try Self.parts(padded + "\r\n--b--", cutting: 4096) }
        #expect(throws: Problem.self) { try Self.parts("--b--\r\n" + padded, cutting: 4096) }
    }

    struct BoundaryCase: Sendable {
        let type: String?
        let boundary: String?
    }

    @Test(
        "The boundary is the one of the Content-Type",
        arguments: [
            BoundaryCase(type: "multipart/form-data; boundary=abc", boundary: "abc"),
            BoundaryCase(type: "Multipart/Form-Data; charset=utf-8; BOUNDARY=\"a b\"", boundary: "a b"),
            BoundaryCase(type: "multipart/form-data", boundary: nil),
            BoundaryCase(type: "multipart/form-data; boundary=", boundary: nil),
            BoundaryCase(type: "multipart/mixed; boundary=abc", boundary: nil),
            BoundaryCase(type: "application/json", boundary: nil), BoundaryCase(type: nil, boundary: nil),
            BoundaryCase(type: "multipart/form-data; boundary=\(String(repeating: "a", count: 71))", boundary: nil)
        ])
    func boundary(_ expected: BoundaryCase) {
        #expect((try? MultipartParser.boundary(in: expected.type)) == expected.boundary)
    }

    @Test("The content of a part is read while the form is")
    func stream() async throws {
        let body = Self.part("name=content; filename=f", "file") + Self.part("name=a", "text") + "--b--\r\n"
        let stream = MultipartStream(RequestBody(bytes: ByteBuffer(string: body)), boundary: "b")
        #expect(try await stream.next() == .part(PartHeader(name: "content", filename: "f")))
        #expect(String(buffer: try await stream.content.collect(upTo: ByteCount(10))) == "file")
        #expect(try await stream.next() == .part(PartHeader(name: "a", filename: nil)))
        #expect(String(buffer: try await stream.collect("a", upTo: 4)) == "text")
        #expect(try await stream.next() == .end)
        #expect(try await stream.next() == nil)
    }

    @Test("A body that ends early is no form")
    func truncated() async throws {
        let body = RequestBody(bytes: ByteBuffer(string: Self.part("name=content; filename=f", "file")))
        let stream = MultipartStream(body, boundary: "b")
        _ = try await stream.next()
        await #expect(throws: Problem.self) { try await stream.content.collect(upTo: ByteCount(100)) }
    }
}
