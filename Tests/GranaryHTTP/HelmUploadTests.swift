import FormatHelm
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Charts over HTTP: uploads")
struct HelmUploadTests {
    private static let interface = "/helm/charts/api/charts"

    @Test("A chart comes as it is, in a form, or to its address")
    func ways() async throws {
        try await withCharts { server in
            let form = TestChart(version: "2.0.0")
            let requests: [(String, String, [String: String], [UInt8])] = [
                ("POST", "api/charts", [:], TestChart(version: "1.0.0").bytes),
                ("POST", "api/charts?force", TestChart.contentType, TestChart.form([("chart", form.bytes)])),
                ("PUT", "my-chart-3.0.0.tgz", [:], TestChart(version: "3.0.0").bytes),
                ("PUT", "charts/my-chart-4.0.0.tgz", [:], TestChart(version: "4.0.0").bytes),
                ("POST", "charts/my-chart-5.0.0.tgz", [:], TestChart(version: "5.0.0").bytes)
            ]
            for (method, path, headers, body) in requests {
                let answer = try await server.send(method, "/helm/charts/\(path)", headers, body: body)
                #expect(answer.status == 201 && answer.text == #"{"saved":true}"#, "\(path): \(answer.text)")
            }
            #expect(try await server.chartIndex() == ["my-chart": ["5.0.0", "4.0.0", "3.0.0", "2.0.0", "1.0.0"]])
            #expect(try await server.send("GET", form.url).body == form.bytes)
            #expect(try await server.send("GET", "/helm/charts/charts/x.tgz").status == 404)
        }
    }

    @Test("The same bytes change nothing, others are refused, also by force and after the version was deleted")
    func duplicates() async throws {
        try await withCharts { server in
            let first = TestChart()
            let other = TestChart(values: "x: 2\n")
            try await server.publish(first)
            let tag = try await server.send("GET", "/helm/charts/index.yaml")["ETag"]
            try await server.publish(first)
            #expect(try await server.send("GET", "/helm/charts/index.yaml")["ETag"] == tag)
            for path in [Self.interface, "\(Self.interface)?force"] {
                let refused = try await server.send("POST", path, body: other.bytes)
                #expect(refused.status == 409)
                #expect(try RawJSON(refused.body)["error"]?.string?.contains("my-chart-1.0.0.tgz") == true)
            }
            let deleted = try await server.send("DELETE", "\(Self.interface)/my-chart/1.0.0")
            #expect(deleted.status == 200 && deleted.text == #"{"deleted":true}"#)
            #expect(try await server.send("GET", first.url).status == 404)
            #expect(try await server.send("DELETE", "\(Self.interface)/my-chart/1.0.0").status == 404)
            #expect(try await server.upload(other).status == 409)
            try await server.publish(first)
            #expect(try await server.send("DELETE", first.url).status == 200)
            #expect(try await server.chartIndex() == [:])
        }
    }

    @Test("What does not fit its address or is no chart is refused, and nothing of it stays")
    func misfits() async throws {
        try await withCharts { server in
            let chart = TestChart()
            let cases: [(String, String, [UInt8], String)] = [
                ("PUT", "my-chart-1.0.1.tgz", chart.bytes, "content is of my-chart 1.0.0"),
                ("PUT", "charts/other-1.0.0.tgz", chart.bytes, "content is of"),
                ("PUT", "charts/my-chart.tgz", chart.bytes, "NAME-VERSION.tgz"),
                ("POST", "api/charts", [], "gzip"), ("POST", "api/charts", "nonsense".bytes, "gzip"),
                ("POST", "api/charts", Array(chart.bytes.prefix(100)), "archive"),
                ("POST", "api/charts", TestChart(version: "1.0").bytes, "needs quotes"),
                ("POST", "api/charts", TestChart(name: "../a").bytes, "no path"),
                ("POST", "api/charts", TestChart(more: "x: &a [*a]\n").bytes, "aliases"),
                ("POST", "api/charts", TestChart(more: "keywords: k\n").bytes, "keywords")
            ]
            for (method, path, body, words) in cases {
                let answer = try await server.send(method, "/helm/charts/\(path)", body: body)
                #expect(answer.status == 400, "\(path)")
                #expect(try RawJSON(answer.body)["error"]?.string?.contains(words) == true, "\(answer.text)")
            }
            #expect(try await server.chartIndex() == [:])
        }
    }

    @Test("Two charts cannot share the name of a file")
    func collision() async throws {
        try await withCharts { server in
            try await server.publish(TestChart(name: "a", version: "1.0.0-2.0.0"))
            let other = try await server.upload(TestChart(name: "a-1.0.0", version: "2.0.0"))
            #expect(other.status == 400, "\(other.text)")
        }
    }

    @Test("Provenance comes with its chart or after it, and never with another")
    func provenance() async throws {
        try await withCharts { server in
            let chart = TestChart()
            let other = TestChart(values: "x: 2\n")
            let prov = "/helm/charts/api/prov"
            let early = try await server.send("POST", prov, body: chart.provenance)
            #expect(early.status == 400 && early.text.contains("there is no my-chart-1.0.0.tgz"), "\(early.text)")
            for fields in [
                [("chart", chart.bytes), ("prov", other.provenance)], [("prov", chart.bytes)], [], [("x", [])],
                [("chart", chart.bytes), ("chart", chart.bytes)]
            ] {
                let refused = try await server.send(
                    "POST", Self.interface, TestChart.contentType, body: TestChart.form(fields))
                #expect(refused.status == 400, "\(refused.text)")
            }
            #expect(try await server.chartIndex() == [:])
            let form = TestChart.form([("prov", chart.provenance), ("chart", chart.bytes)])
            #expect(try await server.send("POST", Self.interface, TestChart.contentType, body: form).status == 201)
            let read = try await server.send("GET", "\(chart.url).prov")
            #expect(read.body == chart.provenance && read["Content-Type"] == "application/pgp-signature")
            #expect(try await server.send("POST", prov, body: chart.provenance).status == 201)
            #expect(try await server.send("POST", prov, body: other.provenance).status == 400)
            #expect(try await server.send("POST", prov, body: "nonsense".bytes).status == 400)
            // Signed anew, it is another file of the same name.
            let resigned = String(decoding: chart.provenance, as: UTF8.self).replacing("wsBc", with: "xsBc").bytes
            #expect(try await server.send("POST", prov, body: resigned).status == 409)
            let later = TestChart(version: "1.1.0")
            try await server.publish(later)
            #expect(try await server.send("PUT", "\(chart.url).prov", body: later.provenance).status == 400)
            #expect(try await server.send("PUT", "\(later.url).prov", body: later.provenance).status == 201)
            #expect(try await server.send("GET", "\(later.url).prov").body == later.provenance)
            #expect(try await server.chartIndex() == ["my-chart": ["1.1.0", "1.0.0"]])
            #expect(try await server.send("DELETE", "\(later.url).prov").status == 200)
            #expect(try await server.send("GET", "\(later.url).prov").status == 404)
            #expect(try await server.send("GET", later.url).status == 200)
            #expect(try await server.send("DELETE", chart.url).status == 200)
            #expect(try await server.send("GET", "\(chart.url).prov").status == 404)
        }
    }

    @Test("An archive over the limit is refused")
    func limit() async throws {
        try await withCharts(format: Helm(maximumArchive: ByteCount(100))) { server in
            let refused = try await server.upload(TestChart())
            #expect(refused.status == 413)
            let form = TestChart.form([("chart", TestChart().bytes)])
            let again = try await server.send("POST", Self.interface, TestChart.contentType, body: form)
            #expect(again.status == 413)
        }
    }

    @Test("Uploading and deleting need rights on that chart")
    func rights() async throws {
        try await withCharts { server in
            let chart = TestChart()
            #expect(try await server.upload(chart, authorization: nil).status == 401)
            let reader = try await server.user("reader", ("charts", "**", .read))
            #expect(try await server.upload(chart, authorization: reader).status == 403)
            let writer = try await server.user("writer", ("charts", "my-chart", .write))
            #expect(try await server.upload(chart, authorization: writer).status == 201)
            #expect(try await server.upload(chart, authorization: writer).status == 201)
            #expect(try await server.upload(TestChart(name: "other"), authorization: writer).status == 403)
            let form = TestChart.form([("chart", chart.bytes), ("prov", chart.provenance)])
            let signed = try await server.send(
                "POST", Self.interface, TestChart.contentType, body: form, authorization: writer)
            #expect(signed.status == 201)
            for path in [chart.url, "\(Self.interface)/my-chart/1.0.0"] {
                #expect(try await server.send("DELETE", path, authorization: writer).status == 403)
            }
            #expect(try await server.chartIndex() == ["my-chart": ["1.0.0"]])
        }
    }

    @Test("A repository that allows no change says so")
    func policy() async throws {
        try await withCharts(["charts": RepositorySettings(writePolicy: .once)]) { server in
            try await server.publish(TestChart())
            #expect(try await server.upload(TestChart(values: "x: 2\n")).status == 409)
            #expect(try await server.send("DELETE", TestChart().url).status == 403)
        }
    }

    @Test("Methods that are not offered are named")
    func methods() async throws {
        try await withCharts { server in
            for (path, allowed) in [
                ("index.yaml", "GET, HEAD"), ("api/charts", "GET, HEAD, POST"), ("api/charts/a", "GET, HEAD")
            ] {
                let answer = try await server.send("PATCH", "/helm/charts/\(path)", body: [])
                #expect(answer.status == 405 && answer["Allow"] == allowed)
            }
        }
    }
}
