import Testing

@testable import granary_bench

private func head(_ text: String) throws -> AnswerHead? {
    try Array(text.utf8).withUnsafeBytes { try AnswerHead($0) }
}

@Suite("The head of an answer")
struct AnswerHeadTests {
    @Test("Status, size and length are read")
    func plain() throws {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 42\r\nX: y\r\n\r\n"
        let read = try #require(try head(text + "body"))
        #expect(read.status == 200)
        #expect(read.size == text.utf8.count)
        #expect(read.contentLength == 42)
        #expect(!read.isChunked && !read.closes)
    }

    @Test("Names and words are read in any case, blanks do not matter")
    func anyCase() throws {
        let read = try #require(
            try head("HTTP/1.1 201 \r\ncONTENT-lENGTH:7  \r\nTransfer-Encoding:  Chunked\r\nconnection: CLOSE\r\n\r\n"))
        #expect(read.contentLength == 7)
        #expect(read.isChunked && read.closes)
    }

    @Test("What is not complete is no head yet")
    func incomplete() throws {
        let text = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        for count in 0..<text.count { #expect(try head(String(text.unicodeScalars.prefix(count))) == nil) }
    }

    @Test(
        "What is no HTTP/1.1 is refused",
        arguments: ["HTTP/1.0 200 OK\r\n\r\n", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "\r\n"])
    func refused(_ text: String) {
        #expect(throws: BenchFailure.self) { try head(text) }
    }

    @Test("A length that is no number is no length", arguments: ["", "-1", "1a", "9999999999999999999"])
    func badLength(_ value: String) throws {
        #expect(try head("HTTP/1.1 200 OK\r\nContent-Length: \(value)\r\n\r\n")?.contentLength == nil)
    }

    @Test("Other fields are found by name")
    func fields() {
        let text = "HTTP/1.1 202 Accepted\r\nLocation: /v2/a\r\nLocations: no\r\n\r\nRange: in the body\r\n"
        let bytes = Array(text.utf8)
        #expect(bytes.withUnsafeBytes { AnswerHead.field("location", in: $0) } == "/v2/a")
        #expect(bytes.withUnsafeBytes { AnswerHead.field("range", in: $0) } == nil)
    }
}
