import Crypto
import FormatHelm
import GranaryCore
import GranaryFormat
import GranaryModel
import GranaryTestKit
import Testing

@Suite("Remote and virtual repositories: charts")
struct RemoteHelmTests {
    /// What an upstream has: charts at the addresses that its index says.
    private struct Listed: Sendable {
        var chart: TestChart
        var url: String
        var digest: String?
        var created = "2021-01-02T03:04:05Z"

        init(_ chart: TestChart, at url: String? = nil, digest: String? = "") {
            self.chart = chart
            self.url = url ?? "charts/\(chart.stem).tgz"
            self.digest = digest == "" ? hexadecimal(SHA256.hash(data: chart.bytes)) : digest
        }

        var yaml: String {
            let sum = digest.map { "digest: \($0), " } ?? ""
            return "{name: \(chart.name), version: \(chart.version), \(sum)created: '\(created)', urls: ['\(url)']}"
        }
    }

    private static func index(_ listed: [Listed]) -> [UInt8] {
        var text = "apiVersion: v1\nentries:\n"
        for (name, versions) in Dictionary(grouping: listed, by: \.chart.name).sorted(by: { $0.key < $1.key }) {
            text += "  \(name):\n" + versions.map { "  - \($0.yaml)\n" }.joined()
        }
        return Array(text.utf8)
    }

    /// Serves charts below `/repo/`.
    private static func serving(_ listed: [Listed]) -> @Sendable (FakeUpstream.Request) -> FakeUpstream.Answer {
        { request in
            if request.path == "/repo/index.yaml" { return .respond(200, [:], index(listed)) }
            for one in listed {
                if request.path == "/repo/\(one.url)" { return .respond(200, [:], one.chart.bytes) }
                if request.path == "/repo/\(one.url).prov" { return .respond(200, [:], one.chart.provenance) }
            }
            return .respond(404)
        }
    }

    /// The versions of each chart in an index, as one who asks sees them.
    private static func versions(
        _ server: TestServer, _ repository: String,
        authorization: String? = TestServer.basic(TestServer.administrator.user, TestServer.administrator.password)
    ) async throws -> [String: [String]] {
        let answer = try await server.send("GET", "/helm/\(repository)/index.yaml", authorization: authorization)
        try #require(answer.status == 200, "\(answer.text)")
        let entries = try RawJSON(answer.body)["entries"]?.members ?? []
        return Dictionary(
            uniqueKeysWithValues: entries.map { name, versions in
                (name, versions.elements?.compactMap { $0["version"]?.string } ?? [])
            })
    }

    private static let chart = TestChart(name: "left", version: "1.0.0")

    @Test("The index has our addresses, charts come from where the upstream's says, and both once")
    func pulled() async throws {
        let listed = [Listed(Self.chart), Listed(TestChart(name: "left", version: "v2.0.0"))]
        try await FakeUpstream.run(Self.serving(listed)) { upstream in
            try await withRemote(of: upstream, format: Helm(), path: "repo/") { server async throws in
                let index = try RawJSON(try await server.send("GET", "/helm/far/index.yaml").body)
                let entries = try #require(index["entries"]?["left"]?.elements)
                let urls = entries.compactMap { $0["urls"]?.elements?.first?.string }
                #expect(urls == ["charts/left/left-v2.0.0.tgz", "charts/left-1.0.0.tgz"])
                #expect(entries[1]["created"]?.string == "2021-01-02T03:04:05.000Z")
                #expect(entries[1]["digest"]?.string == listed[0].digest)
                for (url, one) in zip(urls, listed.reversed()) {
                    for _ in 0..<2 {
                        let answer = try await server.send("GET", "/helm/far/\(url)")
                        #expect(answer.body == one.chart.bytes && answer["ETag"] == "\"\(one.digest ?? "")\"")
                        #expect(answer["Content-Type"] == "application/gzip")
                        let provenance = try await server.send("GET", "/helm/far/\(url).prov")
                        #expect(provenance.body == one.chart.provenance)
                    }
                }
                #expect(try await server.send("GET", "/helm/far/charts/left-3.0.0.tgz").status == 404)
                #expect(try await server.send("GET", "/helm/far/charts/none-1.0.0.tgz").status == 404)
                #expect(upstream.requests.count == 5)
            }
        }
    }

    @Test("The lists of charts come from the same index")
    func lists() async throws {
        let listed = [Listed(Self.chart), Listed(TestChart(name: "right", version: "2.0.0"))]
        try await FakeUpstream.run(Self.serving(listed)) { upstream in
            try await withRemote(of: upstream, format: Helm(), path: "repo/") { server async throws in
                let all = try RawJSON(try await server.send("GET", "/helm/far/api/charts").body)
                #expect(all.members?.map(\.name) == ["left", "right"])
                let page = try RawJSON(try await server.send("GET", "/helm/far/api/charts?offset=1&limit=1").body)
                #expect(page.members?.map(\.name) == ["right"])
                for name in ["left", "right"] {
                    let versions = try RawJSON(try await server.send("GET", "/helm/far/api/charts/\(name)").body)
                    #expect(versions.elements?.map { $0["name"]?.string } == [name])
                    let latest = try RawJSON(try await server.send("GET", "/helm/far/api/charts/\(name)/latest").body)
                    #expect(latest["name"]?.string == name)
                }
                for path in ["none", "left/9.0.0"] {
                    #expect(try await server.send("GET", "/helm/far/api/charts/\(path)").status == 404)
                }
                #expect(upstream.requests.count == 1)
            }
        }
    }

    @Test("Bytes that are not what the index says never come whole, and are not kept")
    func wrongBytes() async throws {
        let listed = [Listed(Self.chart, digest: String(repeating: "0", count: 64))]
        try await FakeUpstream.run(Self.serving(listed)) { upstream in
            try await withRemote(of: upstream, format: Helm(), path: "repo/") { server async throws in
                for _ in 0..<2 {
                    await #expect(throws: (any Error).self) {
                        _ = try await server.send("GET", "/helm/far/charts/left-1.0.0.tgz")
                    }
                }
                #expect(upstream.count("/repo/charts/left-1.0.0.tgz") == 2)
            }
        }
    }

    @Test("A chart without a digest stays what it was when it came first")
    func pinned() async throws {
        let clock = ManualClock()
        let listed = [Listed(Self.chart, digest: nil)]
        try await FakeUpstream.run(Self.serving(listed)) { upstream in
            try await withRemote(of: upstream, format: Helm(), path: "repo/", clock: clock) { server async throws in
                let first = try await server.send("GET", "/helm/far/charts/left-1.0.0.tgz")
                #expect(first.body == Self.chart.bytes)
                var other = Self.chart
                other.values = "x: 2\n"
                upstream.answer(Self.serving([Listed(other, digest: nil)]))
                clock.advance(by: .seconds(86400))
                #expect(try await Self.versions(server, "far") == ["left": ["1.0.0"]])
                let again = try await server.send("GET", "/helm/far/charts/left-1.0.0.tgz")
                #expect(again.body == first.body)
                #expect(upstream.count("/repo/charts/left-1.0.0.tgz") == 1)
            }
        }
    }

    @Test("An index may lead to another server, and be somewhere else itself")
    func elsewhere() async throws {
        try await FakeUpstream.run({ _ in .respond(404) }) { other in
            let far = Listed(Self.chart, at: "\(other.url)store/left.tgz?v=1")
            let near = Listed(TestChart(name: "near"), at: "near.tgz")
            other.answer { request in
                switch request.path {
                case "/moved/index.yaml": .respond(200, [:], Self.index([far, near]))
                case "/store/left.tgz?v=1": .respond(200, [:], far.chart.bytes)
                case "/store/left.tgz.prov?v=1": .respond(200, [:], far.chart.provenance)
                case "/moved/near.tgz": .respond(200, [:], near.chart.bytes)
                default: .respond(404)
                }
            }
            let moved = "\(other.url)moved/index.yaml"
            try await FakeUpstream.run({ _ in .respond(302, ["Location": moved]) }) { upstream in
                try await withRemote(of: upstream, format: Helm(), path: "repo/") { server async throws in
                    for (path, bytes) in [
                        ("left-1.0.0.tgz", far.chart.bytes), ("left-1.0.0.tgz.prov", far.chart.provenance),
                        ("near-1.0.0.tgz", near.chart.bytes)
                    ] {
                        #expect(try await server.send("GET", "/helm/far/charts/\(path)").body == bytes)
                    }
                    #expect(upstream.requests.count == 1)
                }
            }
        }
    }

    @Test("What is left out is in no list, and not asked for")
    func patterns() async throws {
        let listed = ["left", "left-more", "right"].map { Listed(TestChart(name: $0)) }
        try await FakeUpstream.run(Self.serving(listed)) { upstream in
            try await withRemote(
                of: upstream, format: Helm(), path: "repo/", { ($0.include, $0.exclude) = (["left*"], ["left-*"]) }
            ) { server async throws in
                #expect(try await Self.versions(server, "far") == ["left": ["1.0.0"]])
                let charts = try RawJSON(try await server.send("GET", "/helm/far/api/charts").body)
                #expect(charts.members?.map(\.name) == ["left"])
                for name in ["left-more", "right"] {
                    #expect(try await server.send("GET", "/helm/far/charts/\(name)-1.0.0.tgz").status == 404)
                    #expect(try await server.send("GET", "/helm/far/api/charts/\(name)").status == 404)
                }
                #expect(upstream.requests.map(\.path) == ["/repo/index.yaml"])
            }
        }
    }

    @Test("Everybody sees the charts that they may read, whoever asked before")
    func rights() async throws {
        let listed = ["left", "right"].map { Listed(TestChart(name: $0)) }
        try await FakeUpstream.run(Self.serving(listed)) { upstream in
            let others = try [NewRepository.local("own", Helm())]
            try await withRemote(of: upstream, format: Helm(), path: "repo/", others: others) { server async throws in
                try await server.makeVirtual(of: ["own", "far"], format: "helm")
                let reader = try await server.user("reader", ("far", "left", .read), ("all", "**", .read))
                for _ in 0..<2 {
                    for repository in ["far", "all"] {
                        #expect(try await Self.versions(server, repository).count == 2)
                        let seen = try await Self.versions(server, repository, authorization: reader)
                        #expect(seen == ["left": ["1.0.0"]])
                        let other = try await server.send(
                            "GET", "/helm/\(repository)/charts/right-1.0.0.tgz", authorization: reader)
                        #expect(other.status == 404)
                    }
                }
                let charts = try await server.send("GET", "/helm/far/api/charts", authorization: reader)
                #expect(try RawJSON(charts.body).members?.map(\.name) == ["left"])
            }
        }
    }

    @Test("What is too young is in no list, and refused with the moment from which it is there")
    func releaseAge() async throws {
        let clock = ManualClock(at: try #require(Timestamp("2021-01-04T00:00:00Z")))
        var old = Listed(TestChart(name: "left", version: "0.9.0"))
        old.created = "2020-01-02T03:04:05Z"
        var unknown = Listed(TestChart(name: "left", version: "0.8.0"))
        unknown.created = "yesterday"
        try await FakeUpstream.run(Self.serving([old, unknown, Listed(Self.chart)])) { upstream in
            try await withRemote(
                of: upstream, format: Helm(), path: "repo/", { $0.minimumAgeSeconds = 3 * 86400 }, clock: clock
            ) { server async throws in
                #expect(try await Self.versions(server, "far") == ["left": ["0.9.0"]])
                let refused = try await server.send("GET", "/helm/far/charts/left-1.0.0.tgz")
                #expect(refused.status == 403 && refused.text.contains("2021-01-05T03:04:05.000Z"), "\(refused.text)")
                for path in ["left-1.0.0.tgz.prov", "left-0.8.0.tgz"] {
                    #expect(try await server.send("GET", "/helm/far/charts/\(path)").status == 403)
                }
                #expect(upstream.requests.count == 1)
                clock.advance(by: .seconds(2 * 86400))
                #expect(try await Self.versions(server, "far") == ["left": ["1.0.0", "0.9.0"]])
                #expect(try await server.send("GET", "/helm/far/charts/left-1.0.0.tgz").body == Self.chart.bytes)
            }
        }
    }

    @Test("Charts of our own are never asked for elsewhere, and nobody else's stand beside them")
    func owned() async throws {
        let listed = [
            Listed(TestChart(name: "mine", version: "9.0.0")), Listed(TestChart(name: "secret-x")), Listed(Self.chart)
        ]
        try await FakeUpstream.run(Self.serving(listed)) { upstream in
            let others = try [NewRepository.local("charts", Helm())]
            try await withRemote(of: upstream, format: Helm(), path: "repo/", others: others) { server async throws in
                try await server.makeVirtual(
                    of: ["far", "charts"], format: "helm", deployment: "charts", reserved: ["secret-*"])
                #expect(try await Self.versions(server, "all") == ["left": ["1.0.0"], "mine": ["9.0.0"]])
                let mine = TestChart(name: "mine", version: "1.0.0")
                let uploaded = try await server.send("POST", "/helm/all/api/charts", body: mine.bytes)
                #expect(uploaded.status == 201, "\(uploaded.text)")
                #expect(try await Self.versions(server, "charts") == ["mine": ["1.0.0"]])
                let expected = ["left": ["1.0.0"], "mine": ["1.0.0"]]
                #expect(try await Self.versions(server, "all") == expected)
                let charts = try RawJSON(try await server.send("GET", "/helm/all/api/charts").body)
                #expect(charts.members?.map(\.name) == ["left", "mine"])
                let before = upstream.requests.count
                #expect(try await server.send("GET", "/helm/all/charts/mine-1.0.0.tgz").body == mine.bytes)
                for path in ["charts/mine-9.0.0.tgz", "charts/secret-x-1.0.0.tgz", "api/charts/secret-x"] {
                    #expect(try await server.send("GET", "/helm/all/\(path)").status == 404)
                }
                let versions = try RawJSON(try await server.send("GET", "/helm/all/api/charts/mine").body)
                #expect(versions.elements?.compactMap { $0["version"]?.string } == ["1.0.0"])
                #expect(upstream.requests.count == before)
                // A name stays the house's own when what had it is gone.
                #expect(try await server.send("DELETE", "/helm/charts/api/charts/mine/1.0.0").status == 200)
                #expect(try await Self.versions(server, "all") == ["left": ["1.0.0"]])
            }
        }
    }

    @Test("Without its upstream, a repository has the charts that it had, and without any index nobody knows")
    func gone() async throws {
        let clock = ManualClock()
        try await FakeUpstream.run(Self.serving([Listed(Self.chart)])) { upstream in
            let others = try [NewRepository.local("own", Helm())]
            try await withRemote(of: upstream, format: Helm(), path: "repo/", others: others, clock: clock) {
                server async throws in
                try await server.makeVirtual(of: ["own", "far"], format: "helm")
                upstream.answer { _ in .respond(500) }
                for repository in ["far", "all"] {
                    #expect(try await server.send("GET", "/helm/\(repository)/index.yaml").status == 503)
                }
                upstream.answer(Self.serving([Listed(Self.chart)]))
                clock.advance(by: .seconds(120))
                #expect(try await Self.versions(server, "all") == ["left": ["1.0.0"]])
                // What is no index does not take the place of one.
                for answer in [
                    FakeUpstream.Answer.respond(200, [:], Array("<html>".utf8)), .respond(500), .respond(404)
                ] {
                    upstream.answer { _ in answer }
                    clock.advance(by: .seconds(600))
                    let stale = try await server.send("GET", "/helm/all/index.yaml")
                    #expect(stale.status == 200 && stale.text.contains("left-1.0.0.tgz"))
                }
            }
        }
    }
}
