import GranaryCore
import GranaryFormat
import GranaryModel
import GranaryTestKit
import HTTPTypes
import Testing

/// What holds for every format, and every kind of repository. The upstream is the server itself: it asks over the network like
/// any other, with a user's password.
@Suite("The contract of repositories")
struct ContractTests {
    /// A server with `home`, in which the specimen is; `far`, whose upstream that is; `own`, which is empty; and `all` over these two.
    private static func serve(
        _ specimen: Specimen, _ clock: ManualClock = ManualClock(),
        _ body: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        let locals = try ["home", "own"].map { try NewRepository.local($0, specimen.format) }
        try await TestServer.run(formats: [specimen.format], repositories: locals, in: folder, clock: clock) { server in
            #expect((200...201).contains(try await specimen.publish(server, "home", "")))
            _ = try await server.user("puller", ("home", "**", .read))
            let upstream = """
                {"url":"\(server.origin)/\(specimen.upstream)","user":"puller","password":"\(TestServer.password)",
                "allowsPrivateAddresses":true}
                """
            let made = try await server.send(
                "POST", "/api/v1/repositories",
                body: Array(
                    #"{"name":"far","format":"\#(specimen)","kind":"remote","settings":{"upstream":\#(upstream)}}"#.utf8
                ))
            try #require(made.status == 201, "\(made.text)")
            try await server.makeVirtual(of: ["own", "far"], format: "\(specimen)", deployment: "own")
            try await body(server)
        }
    }

    private static func path(_ specimen: Specimen, _ repository: String, _ rest: String) -> String {
        let prefix = ["far", "all"].contains(repository.prefix { $0 != "@" }) ? specimen.prefix : ""
        return "/\(specimen.format.mount.component)/\(repository)/\(prefix)\(rest)"
    }

    /// How often upstreams were asked so far.
    private static func fetches(_ server: TestServer) async throws -> Int {
        try await server.send("GET", "/metrics").text.split(separator: "\n")
            .filter { $0.hasPrefix("granary_upstream_fetches_total") }
            .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
    }

    @Test("Reading", arguments: Specimen.all, ["home", "far", "all"])
    func reading(_ specimen: Specimen, _ repository: String) async throws {
        try await Self.serve(specimen) { server in
            let file = Self.path(specimen, repository, specimen.file)
            let index = Self.path(specimen, repository, specimen.index)
            for _ in 0..<2 {
                let answer = try await server.send("GET", file)
                #expect(answer.status == 200 && answer.body == specimen.bytes)
                let list = try await server.send("GET", index)
                #expect(list.status == 200 && list.text.contains(specimen.needle))
            }
            let asked = try await Self.fetches(server)
            let whole = try await server.send("GET", file)
            let tag = try #require(whole["ETag"])
            // As one who does not publish, who might be told what is still to be sent.
            let reader = try await server.user("reader")
            for name in ["home", "far", "all"] { try await server.grant("reader", name, "**", .read) }
            let head = try await server.send("HEAD", file, authorization: reader)
            #expect(head.status == 200 && head.body.isEmpty && head["ETag"] == tag)
            #expect(head["Content-Length"] == "\(specimen.bytes.count)")
            #expect(try await server.send("GET", file, ["If-None-Match": tag]).status == 304)
            let part = try await server.send("GET", file, ["Range": "bytes=1-3"])
            #expect(part.status == 206 && part.body == Array(specimen.bytes[1...3]))
            // What never changes, and what is fresh, is not asked about again.
            #expect(try await Self.fetches(server) == asked)
            let missing = try await server.send("GET", Self.path(specimen, repository, specimen.missing))
            #expect(missing.status == 404)
        }
    }

    @Test("Nobody reads without the right to, in any form", arguments: Specimen.all, ["home", "far", "all"])
    func rights(_ specimen: Specimen, _ repository: String) async throws {
        try await Self.serve(specimen) { server in
            let stranger = try await server.user("stranger", ("other", "**", .read))
            // The right on a virtual repository is not the right on what is in it.
            let outsider = try await server.user("outsider", ("all", "**", .read))
            let wrong = TestServer.basic("admin", "no")
            let file = Self.path(specimen, repository, specimen.file)
            #expect(try await server.send("GET", file, authorization: wrong).status == 401)
            for rest in [specimen.file, specimen.index, specimen.missing] {
                let path = Self.path(specimen, repository, rest)
                _ = try await server.send("GET", path)
                for method in ["GET", "HEAD"] {
                    #expect(try await server.send(method, path, authorization: nil).status == 401)
                }
                for user in [stranger, outsider] {
                    let answer = try await server.send("GET", path, authorization: user)
                    #expect(
                        [401, 403, 404].contains(answer.status) || !answer.text.contains(specimen.needle), "\(path)")
                    #expect(answer.body != specimen.bytes)
                }
            }
        }
    }

    @Test(
        "With the upstream gone, what is there is served, and what is not is not said to be absent",
        arguments: Specimen.all, ["far", "all"])
    func outage(_ specimen: Specimen, _ repository: String) async throws {
        let clock = ManualClock()
        try await Self.serve(specimen, clock) { server in
            let (file, index) = (
                Self.path(specimen, repository, specimen.file), Self.path(specimen, repository, specimen.index)
            )
            let before = try await server.send("GET", index)
            #expect(try await server.send("GET", file).body == specimen.bytes)
            let change = UserChange(password: "another long password", isAdministrator: nil, isDisabled: nil)
            _ = try await server.management.changeUser("puller", change, by: server.admin)
            clock.advance(by: .seconds(7200))
            let stale = try await server.send("GET", index)
            #expect(stale.status == 200 && stale.body == before.body && stale["Age"] == "7200")
            #expect(try await server.send("GET", file).body == specimen.bytes)
            let unknown = try await server.send("GET", Self.path(specimen, repository, specimen.missing))
            // An index that is there says of files that are not in it that there are none.
            #expect([404, 503].contains(unknown.status))
            let never = Self.path(specimen, repository, specimen.index.replacing(Self.package(specimen), with: "never"))
            if never != index {
                let answer = try await server.send("GET", never)
                #expect(answer.status == 503 && answer["Retry-After"] != nil, "\(never)")
            }
        }
    }

    /// The name of the package as it stands in addresses.
    private static func package(_ specimen: Specimen) -> String {
        specimen.index.split(separator: "/").first { ["left", "tool", "my-pkg", "app", "lib"].contains($0) }
            .map(String.init) ?? "none"
    }

    @Test(
        "A cache takes nothing; a virtual repository takes it into its member, and asks nobody about it then",
        arguments: Specimen.all)
    func publishing(_ specimen: Specimen) async throws {
        try await Self.serve(specimen) { server in
            #expect(try await specimen.publish(server, "far", specimen.prefix) == 403)
            #expect(try await server.send("GET", Self.path(specimen, "all", specimen.file)).status == 200)
            #expect((200...201).contains(try await specimen.publish(server, "all", specimen.prefix)))
            let own = "/\(specimen.format.mount.component)/own/\(specimen.prefix)"
            #expect(try await server.send("GET", own + specimen.file).body == specimen.bytes)
            let asked = try await Self.fetches(server)
            #expect(try await server.send("GET", Self.path(specimen, "all", specimen.missing)).status == 404)
            #expect(try await server.send("GET", Self.path(specimen, "all", specimen.file)).body == specimen.bytes)
            #expect(try await Self.fetches(server) == asked)
        }
    }

    @Test("As of a moment", arguments: Specimen.all, ["home", "far", "all"])
    func past(_ specimen: Specimen, _ repository: String) async throws {
        let clock = ManualClock()
        let before = clock.now.adding(.seconds(-3600))
        try await Self.serve(specimen, clock) { server in
            let path = Self.path(specimen, repository, specimen.dated)
            let now = try await server.send("GET", path)
            #expect(now.status == 200)
            _ = try await server.send("GET", Self.path(specimen, repository, specimen.index))
            let moment = clock.now
            clock.advance(by: .seconds(3600))
            let then = try await server.send("GET", Self.path(specimen, "\(repository)@\(moment)", specimen.dated))
            #expect(then.status == 200 && then.body == now.body, "\(then.text)")
            let list = try await server.send("GET", Self.path(specimen, "\(repository)@\(moment)", specimen.index))
            #expect(list.status == 200 && list.text.contains(specimen.needle))
            let earlier = try await server.send("GET", Self.path(specimen, "\(repository)@\(before)", specimen.dated))
            #expect(earlier.status == 404, "\(earlier.text)")
            #expect(try await specimen.publish(server, "\(repository)@\(moment)", "") == 403)
        }
    }
}
