import Testing

@testable import granary_bench

@Suite("Report")
struct ReportTests {
    private struct Sample: Work {
        let name = "sample"
        let title = "A sample"
        let peers = PeerKind.ofPython
        let figures = [Figure("rate", "rate", "/s", .atLeast(2, of: .pypiserver), .limit(5))]

        func measure(_ station: Station, round: Int) -> Readings { [:] }
    }

    @Test("An item has the columns of the servers it was measured with")
    func columns() throws {
        var outcome = Outcome(Sample(), of: [.granary, .pypiserver])
        outcome.add(["rate": 6], of: .granary)
        outcome.add(["rate": 2], of: .pypiserver)
        var lines: [String] = []
        Report(configuration: [], rounds: 1, noise: Noise(), outcomes: [outcome]).print { lines.append($0) }
        let header = try #require(lines.first { $0.contains("Granary") })
        #expect(header.split(separator: " ") == ["Granary", "pypiserver", "÷", "pypiserver", "spread", "target"])
        let row = try #require(lines.first { $0.hasPrefix("rate") })
        #expect(
            row.split(separator: " ")
                == ["rate", "6.00", "2.00", "/s", "3.00", "≥", "2×", "pypiserver", "pass"])
        // The second target has a line of its own.
        #expect(lines.contains { $0.split(separator: " ") == ["≤", "5", "FAIL"] })
    }

    @Test("A figure may trail another by so much")
    func trails() {
        let figures = ["first": 52.0, "origin": 3]
        func isMet(_ margin: Double) -> Bool? {
            Target.trails(margin, key: "origin").isMet(by: "first") { key, _ in figures[key] }
        }
        #expect(isMet(50) == true)
        #expect(isMet(48) == false)
    }
}

@Suite("Log of requests")
struct AccessLogTests {
    private let log = AccessLog(
        text: """
            127.0.0.1 - - [27/Nov/2026:10:00:00 +0000] "PUT /a/sha256:12 HTTP/1.1" 201 0 "-" "-"
            time="2026-11-27T10:00:00Z" level=info http.request.uri="/a/sha256:12" http.response.written=100
            127.0.0.1 - - [27/Nov/2026:10:00:01 +0000] "GET /a/sha256%3A12 HTTP/1.1" 200 100 "-" "-"
            127.0.0.1 - - [27/Nov/2026:10:00:02 +0000] "GET /a/sha256:12 HTTP/1.1" 206 40 "-" "-"
            127.0.0.1 - - [27/Nov/2026:10:00:03 +0000] "GET /a/sha256:12 HTTP/1.1" 404 7 "-" "-"
            127.0.0.1 - - [27/Nov/2026:10:00:04 +0000] "GET /a/sha256:123 HTTP/1.1" 200 9 "-" "-"
            """)

    @Test("What was sent of a path counts, however its colon is written, and nothing else")
    func sent() {
        #expect(log.bytesSent("/a/sha256:12") == 140)
        #expect(log.bytesSent("/b") == 0)
    }
}
