import Foundation
import Testing

extension ClientTests {
    @Suite("curl downloads")
    struct CurlDownloads {
        private let size = 2_000_000

        /// A range, and which bytes of the file it stands for.
        struct Case: CustomTestStringConvertible {
            let range: String
            let expected: Range<Int>
            var testDescription: String { range }
        }

        static let cases = [
            Case(range: "0-0", expected: 0..<1),
            Case(range: "1000-1999", expected: 1000..<2000),
            Case(range: "1999990-", expected: 1_999_990..<2_000_000),
            Case(range: "-5", expected: 1_999_995..<2_000_000),
            Case(range: "1999999-9999999", expected: 1_999_999..<2_000_000)
        ]

        @Test("Takes a part of a blob", arguments: cases)
        func range(_ testCase: Case) async throws {
            try await withStoredBlob { url, authorization, sandbox in
                let answer = try await sandbox.curl("-H", authorization, "-r", testCase.range, url)
                #expect(answer.status == 206)
                #expect(try answer.body == sandbox.read("blob")[testCase.expected])
                let last = testCase.expected.upperBound - 1
                #expect(answer.headers["content-range"] == "bytes \(testCase.expected.lowerBound)-\(last)/\(size)")
            }
        }

        @Test("A range beyond the end is refused")
        func beyondTheEnd() async throws {
            try await withStoredBlob { url, authorization, sandbox in
                let answer = try await sandbox.curl("-H", authorization, "-r", "2000000-", url)
                #expect(answer.status == 416)
                #expect(answer.headers["content-range"] == "bytes */\(size)")
            }
        }

        @Test("A download that broke off goes on")
        func resumption() async throws {
            try await withStoredBlob { url, authorization, sandbox in
                try (try sandbox.read("blob")).prefix(1_234_567).write(to: sandbox.work.appending(path: "part"))
                let rest = try await sandbox.curl("-H", authorization, "-C", "-", "-o", "part", url)
                #expect(rest.status == 206)
                #expect(try await sandbox.sha256("part") == sandbox.sha256("blob"))
            }
        }

        @Test("An unchanged blob is not sent again")
        func notModified() async throws {
            try await withStoredBlob { url, authorization, sandbox in
                let first = try await sandbox.curl("-I", "-H", authorization, url)
                let tag = try #require(first.headers["etag"])
                let again = try await sandbox.curl("-H", authorization, "-H", "If-None-Match: \(tag)", url)
                #expect(again.status == 304)
                #expect(again.body.isEmpty)
            }
        }

        private func withStoredBlob(_ body: (String, String, Sandbox) async throws -> Void) async throws {
            try await withServer { server, sandbox in
                try sandbox.makeFile("blob", bytes: size)
                let digest = try await sandbox.sha256("blob")
                try await sandbox.run(
                    "oras", "blob", "push", "--plain-http", "\(server.host)/team/raw@sha256:\(digest)", "blob")
                let authorization = try await sandbox.authorization(for: "team/raw", on: server)
                try await body("\(server.url)/v2/team/raw/blobs/sha256:\(digest)", authorization, sandbox)
            }
        }
    }

    @Suite("The plain port")
    struct PlainPort {
        /// Most clients try TLS first, and some give up when what comes back does not look like HTTP.
        @Test("A TLS greeting is answered with HTTP")
        func greeting() async throws {
            try await withServer { server, sandbox in
                try sandbox.write(
                    """
                    import socket, ssl, sys
                    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
                    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
                    try:
                        client.do_handshake()
                    except ssl.SSLWantReadError:
                        pass
                    connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
                    connection.sendall(outgoing.read())
                    print(connection.recv(64).decode("latin-1"))
                    """, to: "greet.py")
                let answer = try await sandbox.run("python3", "greet.py", String(server.port))
                #expect(answer.text.hasPrefix("HTTP/1."))
            }
        }
    }
}
