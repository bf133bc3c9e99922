import Crypto
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Charts over HTTP: reading")
struct HelmIndexTests {
    @Test("The index follows what is published and deleted, and has an entity tag of its own each time")
    func index() async throws {
        try await withCharts { server in
            var tags: Set<String> = []
            func expect(_ charts: [String: [String]]) async throws {
                #expect(try await server.chartIndex() == charts)
                let answer = try await server.send("GET", "/helm/charts/index.yaml")
                #expect(answer["Content-Type"] == "application/x-yaml")
                let tag = try #require(answer["ETag"])
                #expect(tags.insert(tag).inserted)
                let again = try await server.send("GET", "/helm/charts/index.yaml", ["If-None-Match": tag])
                #expect(again.status == 304 && again.body.isEmpty)
                let head = try await server.send("HEAD", "/helm/charts/index.yaml")
                #expect(head.status == 200 && head.body.isEmpty && head["ETag"] == tag)
                #expect(head["Content-Length"] == String(answer.body.count))
            }
            try await expect([:])
            try await server.publish(TestChart())
            try await expect(["my-chart": ["1.0.0"]])
            try await server.publish(TestChart(version: "1.10.0"), TestChart(version: "1.9.0"), TestChart(name: "b"))
            try await expect(["my-chart": ["1.10.0", "1.9.0", "1.0.0"], "b": ["1.0.0"]])
            #expect(try await server.send("DELETE", "/helm/charts/api/charts/my-chart/1.10.0").status == 200)
            #expect(try await server.send("DELETE", "/helm/charts/api/charts/b/1.0.0").status == 200)
            try await expect(["my-chart": ["1.9.0", "1.0.0"]])
        }
    }

    @Test("An entry has what the chart says, a relative address and the digest of the archive")
    func entry() async throws {
        try await withCharts { server in
            let chart = TestChart(version: "1.2.3+build.7", more: "appVersion: 5.0\nunknown: 1\nkeywords: [k]\n")
            try await server.publish(chart)
            let index = try RawJSON(try await server.send("GET", "/helm/charts/index.yaml").body)
            #expect(index["apiVersion"]?.string == "v1")
            #expect(index["serverInfo"]?["contextPath"]?.string == "/helm/charts")
            let entry = try #require(index["entries"]?["my-chart"]?.elements?.first)
            #expect(entry["appVersion"]?.string == "5.0")
            #expect(entry["unknown"] == nil)
            #expect(entry["digest"]?.string == hexadecimal(SHA256.hash(data: chart.bytes)))
            let url = try #require(entry["urls"]?.elements?.first?.string)
            #expect(url == "charts/my-chart-1.2.3+build.7.tgz")
            for path in [url, url.replacing("+", with: "%2B"), "my-chart-1.2.3+build.7.tgz"] {
                let answer = try await server.send("GET", "/helm/charts/\(path)")
                #expect(answer.status == 200 && answer.body == chart.bytes)
                #expect(answer["Content-Type"] == "application/gzip")
                #expect(answer["Cache-Control"]?.contains("immutable") == true)
            }
            let tail = try await server.send("GET", "/helm/charts/\(url)", ["Range": "bytes=-10"])
            #expect(tail.status == 206 && tail.body == Array(chart.bytes.suffix(10)))
            #expect(try await server.send("GET", "/helm/charts/\(url).prov").status == 404)
        }
    }

    @Test("The interface tells of charts and versions")
    func interface() async throws {
        try await withCharts { server in
            try await server.publish(
                TestChart(), TestChart(version: "1.1.0"), TestChart(version: "2.0.0-rc.1"), TestChart(name: "b"))
            func get(_ path: String) async throws -> RawJSON {
                let answer = try await server.send("GET", "/helm/charts/api/charts\(path)")
                try #require(answer.status == 200, "\(answer.text)")
                #expect(answer["Content-Type"] == "application/json")
                #expect(try await server.send("HEAD", "/helm/charts/api/charts\(path)").status == 200)
                return try RawJSON(answer.body)
            }
            #expect(try await get("").members?.map(\.name) == ["b", "my-chart"])
            #expect(try await get("?offset=1").members?.map(\.name) == ["my-chart"])
            #expect(try await get("?limit=1").members?.map(\.name) == ["b"])
            #expect(try await get("?offset=2").members?.isEmpty == true)
            let versions = try await get("/my-chart").elements?.compactMap { $0["version"]?.string }
            #expect(versions == ["2.0.0-rc.1", "1.1.0", "1.0.0"])
            #expect(try await get("/my-chart/1.0.0")["version"]?.string == "1.0.0")
            #expect(try await get("/my-chart/latest")["version"]?.string == "1.1.0")
            for path in ["/none", "/none/latest", "/my-chart/9.0.0", "/my-chart/9"] {
                let answer = try await server.send("GET", "/helm/charts/api/charts\(path)")
                #expect(answer.status == 404)
                #expect(try RawJSON(answer.body)["error"]?.string?.isEmpty == false)
                #expect(try await server.send("HEAD", "/helm/charts/api/charts\(path)").status == 404)
            }
            let root = try await server.send("GET", "/helm/charts/")
            #expect(root.status == 301 && root["Location"] == "/helm/charts/index.yaml")
        }
    }

    @Test("Everybody sees the charts they may read, whoever asked before")
    func rights() async throws {
        try await withCharts { server in
            try await server.publish(TestChart(name: "a"), TestChart(name: "b"))
            let reader = try await server.user("reader", ("charts", "b", .read))
            let auditor = try await server.user("auditor", ("*", "**", .read))
            for _ in 0..<3 {
                #expect(try await server.chartIndex(authorization: reader) == ["b": ["1.0.0"]])
                #expect(try await server.chartIndex() == ["a": ["1.0.0"], "b": ["1.0.0"]])
                #expect(try await server.chartIndex(authorization: auditor) == ["a": ["1.0.0"], "b": ["1.0.0"]])
            }
            let all = try await server.send("GET", "/helm/charts/index.yaml")
            #expect(try await server.send("GET", "/helm/charts/index.yaml", authorization: auditor).body == all.body)
            let list = try await server.send("GET", "/helm/charts/api/charts", authorization: reader)
            #expect(try RawJSON(list.body).members?.map(\.name) == ["b"])
            for path in ["charts/a-1.0.0.tgz", "api/charts/a", "api/charts/a/latest"] {
                let answer = try await server.send("GET", "/helm/charts/\(path)", authorization: reader)
                #expect(answer.status == 404, "\(path)")
            }
        }
    }

    @Test("Private repositories ask who it is, and public ones do not")
    func challenge() async throws {
        try await withCharts(["charts": RepositorySettings(), "open": RepositorySettings(anonymousRead: true)]) {
            server in
            try await server.publish(TestChart())
            for path in [
                "charts/index.yaml", "charts/charts/my-chart-1.0.0.tgz", "charts/api/charts", "none/index.yaml"
            ] {
                let answer = try await server.send("GET", "/helm/\(path)", authorization: nil)
                #expect(answer.status == 401)
                #expect(answer["WWW-Authenticate"]?.hasPrefix("Basic realm=\"Granary\"") == true)
                #expect(try RawJSON(answer.body)["error"] != nil)
            }
            #expect(try await server.send("GET", "/helm/open/index.yaml", authorization: nil).status == 200)
        }
    }
}
