import Foundation
import GranaryCore
import GranaryModel
import GranaryTestKit
import Testing

@testable import GranaryHTTP

@Suite("Reads from memory")
struct HotReadTests {
    /// What must not differ between an answer that was looked up and one that was remembered.
    private static let headers = [
        "ETag", "Content-Type", "Content-Length", "Last-Modified", "Accept-Ranges", "Content-Range", "Server",
        "X-Checksum-Sha256", "Content-Disposition", "Cache-Control", "X-Content-Type-Options", "Location"
    ]

    private static let requests: [(method: String, headers: [String: String])] = [
        ("GET", [:]), ("HEAD", [:]), ("GET", ["Range": "bytes=2-3"]), ("GET", ["Range": "bytes=0-0,2-3"]),
        ("HEAD", ["Range": "bytes=1-"]), ("GET", ["Range": "bytes=99-"]),
        ("GET", ["If-None-Match": "\"\(Hash.sha256("content"))\""]), ("GET", ["If-Match": "\"other\""]),
        ("GET", ["Connection": "close"]), ("GET", ["Connection": "keep-alive"])
    ]

    @Test("The first answer and those after it are the same, whatever is asked for", arguments: requests)
    func same(_ request: (method: String, headers: [String: String])) async throws {
        try await withFiles { server in
            try await server.put("files/a.txt")
            var answers: [String] = []
            for _ in 0..<3 {
                let answer = try await server.send(request.method, "/generic/files/a.txt", request.headers)
                let fields = Self.headers.map { "\($0): \(answer[$0] ?? "-")" }
                // The boundary of several ranges is a new one each time.
                let text = answer["Content-Type"]?.hasPrefix("multipart") == true ? "" : answer.text
                answers.append("\(answer.status) \(fields.filter { !$0.contains("boundary=") }) \(text)")
            }
            #expect(Set(answers).count == 1, "\(answers)")
        }
    }

    @Test("A change is seen by the next read, and so is a removal")
    func changes() async throws {
        try await withFiles { server in
            for number in 0..<20 {
                try await server.put("files/a", "content \(number)")
                for _ in 0..<3 {
                    #expect(try await server.send("GET", "/generic/files/a").text == "content \(number)")
                }
            }
            #expect(try await server.send("DELETE", "/generic/files/a").status == 204)
            #expect(try await server.send("GET", "/generic/files/a").status == 404)
            try await server.put("files/dir/b")
            #expect(try await server.send("GET", "/generic/files/dir/b").status == 200)
            #expect(try await server.send("DELETE", "/generic/files/dir/?recursive=true").status == 204)
            #expect(try await server.send("GET", "/generic/files/dir/b").status == 404)
        }
    }

    @Test("What is remembered is for those who may read it")
    func rights() async throws {
        try await withFiles { server in
            try await server.put("files/secret/a")
            let reader = try await server.user("ann", ("files", "secret", .read))
            let other = try await server.user("bob", ("files", "open", .read))
            for _ in 0..<2 {
                #expect(try await server.send("GET", "/generic/files/secret/a", authorization: reader).status == 200)
                #expect(try await server.send("GET", "/generic/files/secret/a", authorization: other).status == 404)
                #expect(try await server.send("GET", "/generic/files/secret/a", authorization: nil).status == 401)
                let wrong = TestServer.basic("ann", "not the password")
                #expect(try await server.send("GET", "/generic/files/secret/a", authorization: wrong).status == 401)
            }
            _ = try await server.management.changeUser("ann", UserChange(isDisabled: true), by: server.admin)
            #expect(try await server.send("GET", "/generic/files/secret/a", authorization: reader).status == 401)
        }
    }

    @Test("Answers on one connection come in the order of their requests, remembered or not")
    func order() async throws {
        try await withFiles(["files": RepositorySettings(anonymousRead: true)]) { server in
            try await server.put("files/hot", "hot")
            for number in 0..<20 { try await server.put("files/cold\(number)", "cold\(number)") }
            _ = try await server.send("GET", "/generic/files/hot")
            var requests = ""
            var expected: [String] = []
            for number in 0..<20 {
                for name in ["hot", "cold\(number)", "hot", "none\(number)"] {
                    requests += "GET /generic/files/\(name) HTTP/1.1\r\nHost: h\r\n\r\n"
                }
                expected += ["hot", "cold\(number)", "hot", "404"]
            }
            requests += "GET /generic/files/hot HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
            let answer = String(decoding: try await server.raw(requests.bytes), as: UTF8.self)
            let bodies = answer.components(separatedBy: "HTTP/1.1 ").dropFirst().map { part in
                part.hasPrefix("404") ? "404" : part.components(separatedBy: "\r\n\r\n").last ?? ""
            }
            #expect(bodies == expected + ["hot"])
        }
    }

    @Test("Who does not read the answers gets no more of them, and stops being read")
    func deafReader() async throws {
        let log = CapturedLog()
        try await withFiles(["files": RepositorySettings(anonymousRead: true)], log: log) { server in
            try await server.put("files/hot", String(repeating: "x", count: 60_000))
            _ = try await server.send("GET", "/generic/files/hot")
            let request = "GET /generic/files/hot HTTP/1.1\r\nHost: h\r\n\r\n".bytes
            try await server.withDeafConnection(sending: Array(repeating: request, count: 5000).flatMap { $0 }) {
                // Until there were some answers, and no more for a while.
                var counts: [Int] = []
                for _ in 0..<600 where counts.count < 20 || counts.suffix(20).first != counts.last || counts.last == 2 {
                    counts.append(log.lines.count)
                    try await Task.sleep(for: .milliseconds(50))
                }
                let answered = log.lines.count
                // What the system's buffers take is far less than half of the 300 MB that were asked for.
                #expect((3..<2500).contains(answered))
                #expect(try await server.send("GET", "/generic/files/hot").status == 200)
            }
        }
    }

    @Test("Each answer is one line in the log and counted, remembered or not")
    func accounts() async throws {
        let log = CapturedLog()
        try await withFiles(log: log) { server in
            try await server.put("files/a")
            for _ in 0..<3 { _ = try await server.send("GET", "/generic/files/a") }
            let lines = log.lines.filter { $0.contains("operation=generic.file.get") }
            #expect(lines.count == 3)
            let fields = lines.map { line in
                line.split(separator: " ").filter { !$0.hasPrefix("id=") && !$0.hasPrefix("duration_us=") }
            }
            #expect(Set(fields).count == 1 && fields[0].contains("bytes=7") && fields[0].contains("actor=admin"))
            let metrics = try await server.send("GET", "/metrics", authorization: nil)
            #expect(
                metrics.text.contains(#"granary_http_requests_total{operation="generic.file.get",status="200"} 3"#))
        }
    }
}
