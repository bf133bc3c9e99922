import CoreMetrics
import Foundation
import GranaryCore
import GranaryTestKit
import Testing

@testable import GranaryHTTP

@Suite("Metrics")
struct PrometheusRegistryTests {
    @Test("Counters and timers are written as Prometheus reads them")
    func exposition() {
        let registry = PrometheusRegistry()
        registry.makeCounter(label: "requests_total", dimensions: [("status", "200"), ("operation", "a")]).increment(
            by: 2)
        registry.makeCounter(label: "requests_total", dimensions: [("status", "200"), ("operation", "a")]).increment(
            by: 3)
        registry.makeCounter(label: "requests_total", dimensions: [("status", "404"), ("operation", "a")]).increment(
            by: 1)
        let timer = registry.makeTimer(label: "seconds", dimensions: [])
        for nanoseconds in [500_000, 1_000_000, 20_000_000, 100_000_000_000] as [Int64] {
            timer.recordNanoseconds(nanoseconds)
        }
        registry.makeRecorder(label: "level", dimensions: [], aggregate: false).record(1.5)
        let lines = registry.exposition().split(separator: "\n").map(String.init)
        #expect(lines.prefix(2) == ["# TYPE level gauge", "level 1.5"])
        #expect(
            lines[2...4] == [
                "# TYPE requests_total counter", #"requests_total{status="200",operation="a"} 5"#,
                #"requests_total{status="404",operation="a"} 1"#
            ])
        #expect(lines.contains(#"seconds_bucket{le="0.001"} 2"#))
        #expect(lines.contains(#"seconds_bucket{le="0.025"} 3"#))
        #expect(lines.contains(#"seconds_bucket{le="60"} 3"#))
        #expect(lines.suffix(3) == [#"seconds_bucket{le="+Inf"} 4"#, "seconds_sum 100.0215", "seconds_count 4"])
    }

    @Test("A label cannot break out of its quotes")
    func escaping() {
        let registry = PrometheusRegistry()
        registry.makeCounter(label: "a_total", dimensions: [("x", "\"} 9\nb_total 1\\")]).increment(by: 1)
        #expect(registry.exposition() == "# TYPE a_total counter\na_total{x=\"\\\"} 9\\nb_total 1\\\\\"} 1\n")
    }

    @Test("There are no more series than the limit")
    func limit() {
        let registry = PrometheusRegistry()
        for number in 0..<(PrometheusRegistry.maximumSeries + 50) {
            registry.makeCounter(label: "a_total", dimensions: [("x", String(number))]).increment(by: 1)
        }
        #expect(registry.exposition().split(separator: "\n").count == PrometheusRegistry.maximumSeries + 1)
    }

    @Test("A server tells of its requests by operation, never by path")
    func served() async throws {
        try await withFiles { server in
            try await server.put("files/a")
            for path in ["/generic/files/a", "/generic/files/none", "/unheard/of", "/api/v1/version", "/api/v1/odd"] {
                _ = try await server.send("GET", path)
            }
            let answer = try await server.send("GET", "/metrics", authorization: nil)
            #expect(answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
            for line in [
                #"granary_http_requests_total{operation="generic.file.get",status="200"} 1"#,
                #"granary_http_requests_total{operation="generic.file.get",status="404"} 1"#,
                #"granary_http_requests_total{operation="generic.file.put",status="201"} 1"#,
                #"granary_http_requests_total{operation="getVersion",status="200"} 1"#,
                #"granary_http_request_duration_seconds_count{operation="generic.file.get"} 2"#
            ] { #expect(answer.text.contains(line + "\n"), "\(line)") }
            #expect(!answer.text.contains("unheard"))
        }
    }

    @Test("A server tells what the scrub has looked at, and what it found")
    func scrub() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        try await withFiles(in: folder) { server in
            for text in ["one", "three"] { try await server.put("files/\(text)", text) }
            let hex = Hash.sha256("three")
            try Data("THREE".utf8).write(to: URL(filePath: "\(folder.path)/blobs/sha256/\(hex.prefix(2))/\(hex)"))
            try await Scrub(services: server.services, bytesPerSecond: 100 << 20).round()
            let metrics = try await server.send("GET", "/metrics", authorization: nil).text
            for line in [
                #"granary_verified_blobs_total{by="scrub"} 2"#, #"granary_verified_bytes_total{by="scrub"} 8"#,
                #"granary_damaged_blobs_total{by="scrub"} 1"#, #"granary_damaged_blobs_total{by="check"} 0"#
            ] { #expect(metrics.contains(line + "\n"), "\(line)") }
        }
    }
}
