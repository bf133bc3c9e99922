import Crypto
import Foundation
import GranaryTestKit
import Synchronization
import Testing

/// What clients were told by a server that may be killed at any moment.
private final class Ledger: Sendable {
    struct Entries {
        /// Tags of images whose manifest was acknowledged, and the digest of each.
        var images: [String: String] = [:]
        /// Paths of files that were acknowledged, and the SHA-256 of each.
        var files: [String: String] = [:]
        /// Everything that was begun.
        var begun: Set<String> = []
        /// Upload sessions: their addresses, and how many bytes were answered for.
        var sessions: [String: Int] = [:]
        /// How many sessions became blobs after a kill.
        var resumed = 0
    }

    private let entries = Mutex(Entries())

    var all: Entries { entries.withLock { $0 } }

    func note(_ change: (inout Entries) -> Void) { entries.withLock { change(&$0) } }
}

extension Server {
    fileprivate var authorization: String { TestServer.basic("admin", password) }

    fileprivate func send(
        _ method: String, _ path: String, _ headers: [String: String] = [:], body: [UInt8]? = nil
    ) async throws -> TestAnswer {
        try await TestServer.send(
            method, url: path.hasPrefix("http") ? path : url + path, headers, body: body,
            authorization: authorization)
    }
}

extension Server {
    private struct Token: Decodable { let secret: String }

    fileprivate func makeToken() async throws -> String {
        try await send("POST", "/api/v1/tokens", body: Array(#"{"name":"tests"}"#.utf8)).json(Token.self).secret
    }
}

private func sha256(_ bytes: [UInt8]) -> String { SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined() }

/// Pushes until the server is gone; each client in its own way.
private struct Pusher {
    static let layerBytes = 40_000
    static let sessionText = [UInt8](repeating: 7, count: 100_000)

    let server: Server
    let ledger: Ledger
    let name: String
    var generator: Generator

    /// An image of two layers and a configuration, in the steps of a client.
    mutating func pushImage(_ number: Int) async throws {
        let tag = "\(name)-\(number)"
        ledger.note { $0.begun.insert(tag) }
        var descriptors: [String] = []
        for _ in 0..<3 {
            let bytes = generator.bytes(lengths: 1...Self.layerBytes)
            try await pushBlob(bytes)
            descriptors.append(
                #"{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:\#(sha256(bytes))","size":\#(bytes.count)}"#
            )
        }
        let manifest = Array(
            """
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",\
            "config":\(descriptors[0]),"layers":[\(descriptors[1]),\(descriptors[2])]}
            """.utf8)
        let answer = try await server.send(
            "PUT", "/v2/killed/manifests/\(tag)", ["Content-Type": "application/vnd.oci.image.manifest.v1+json"],
            body: manifest)
        guard answer.status == 201 else { throw ServerFailure(description: "\(answer.status): \(answer.text)") }
        ledger.note { $0.images[tag] = "sha256:\(sha256(manifest))" }
    }

    private mutating func pushBlob(_ bytes: [UInt8]) async throws {
        let digest = "sha256:\(sha256(bytes))"
        if Bool.random(using: &generator) {
            let whole = try await server.send(
                "POST", "/v2/killed/blobs/uploads/?digest=\(digest)", ["Content-Type": "application/octet-stream"],
                body: bytes)
            guard whole.status == 201 else { throw ServerFailure(description: "\(whole.status): \(whole.text)") }
            return
        }
        let opened = try await server.send("POST", "/v2/killed/blobs/uploads/")
        let location = opened["Location"] ?? ""
        _ = try await server.send("PATCH", location, body: bytes)
        let closed = try await server.send("PUT", "\(location)?digest=\(digest)")
        guard closed.status == 201 else { throw ServerFailure(description: "\(closed.status): \(closed.text)") }
    }

    mutating func putFile(_ number: Int) async throws {
        let bytes = generator.bytes(lengths: 1...Self.layerBytes)
        let path = "\(name)/\(number)"
        ledger.note { $0.begun.insert(path) }
        let answer = try await server.send("PUT", "/generic/files/\(path)", body: bytes)
        guard answer.status == 201 else { throw ServerFailure(description: "\(answer.status): \(answer.text)") }
        ledger.note { $0.files[path] = sha256(bytes) }
    }

    /// Sends a session in pieces and never ends it.
    mutating func uploadInPieces() async throws {
        let location = try await server.send("POST", "/v2/killed/blobs/uploads/")["Location"] ?? ""
        ledger.note { $0.sessions[location] = 0 }
        for start in stride(from: 0, to: Self.sessionText.count - 1000, by: 1000) {
            let piece = Array(Self.sessionText[start..<start + 1000])
            let answer = try await server.send("PATCH", location, body: piece)
            guard answer.status == 202 else { throw ServerFailure(description: "\(answer.status)") }
            ledger.note { $0.sessions[location] = start + 1000 }
        }
    }
}

/// Kills a server in the middle of pushes, again and again, and looks at what is left.
private struct Killing {
    let sandbox: Sandbox
    let ledger = Ledger()

    /// Pushes with several clients until the server has been killed after `delay`; answers how many were acknowledged.
    func round(_ number: Int, _ server: Server, image: ImageLayout, delay: Duration) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<4 {
                group.addTask { [ledger] in
                    var pusher = Pusher(
                        server: server, ledger: ledger, name: "r\(number)c\(client)",
                        generator: Generator(seed: UInt64(number * 10 + client)))
                    if client == 0 { try? await pusher.uploadInPieces() }
                    // Each push ends with the first request nobody answers.
                    for push in 0..<1000 {
                        do {
                            if client % 2 == 0 {
                                try await pusher.pushImage(push)
                            } else {
                                try await pusher.putFile(push)
                            }
                        } catch is ServerFailure {
                            throw ServerFailure(description: "a push was refused before the server was killed")
                        } catch {
                            return
                        }
                    }
                }
            }
            group.addTask { [sandbox, ledger] in
                for push in 0..<100 where server.isRunning {
                    let tag = "skopeo-\(number)-\(push)"
                    ledger.note { $0.begun.insert(tag) }
                    let pushed = try await sandbox.attempt(
                        "skopeo", "copy", "--quiet", "--retry-times", "0", "--dest-tls-verify=false", image.reference,
                        "docker://\(server.host)/killed:\(tag)")
                    if pushed.hasSucceeded { ledger.note { $0.images[tag] = (try? image.digest()) ?? "" } }
                }
            }
            try await Task.sleep(for: delay)
            server.kill()
            try await group.waitForAll()
        }
    }

    /// Everything that was acknowledged is whole, and what was not is whole or not there.
    func expectWhole(_ server: Server) async throws {
        let entries = ledger.all
        for (tag, digest) in entries.images {
            let answer = try await server.send("GET", "/v2/killed/manifests/\(tag)")
            #expect(answer.status == 200 && answer["Docker-Content-Digest"] == digest, "\(tag) was acknowledged")
        }
        for (path, digest) in entries.files {
            let answer = try await server.send("GET", "/generic/files/\(path)")
            #expect(answer.status == 200 && sha256(answer.body) == digest, "\(path) was acknowledged")
        }
        for tag in entries.begun where entries.images[tag] == nil && !tag.contains("/") {
            let answer = try await server.send("GET", "/v2/killed/manifests/\(tag)")
            #expect(answer.status == 404 || answer.status == 200, "\(tag) was not acknowledged")
        }
    }

    /// Sessions hold what was answered for, and go on to a blob.
    func expectSessionsGoOn(_ server: Server) async throws {
        let digest = "sha256:\(sha256(Pusher.sessionText))"
        for (location, bytes) in ledger.all.sessions where bytes > 0 {
            let status = try await server.send("GET", location)
            let end = Int(status["Range"]?.split(separator: "-").last ?? "") ?? -1
            #expect(status.status == 204 && end + 1 >= bytes, "\(location) held \(bytes)")
            guard status.status == 204 else { continue }
            let rest = Array(Pusher.sessionText.dropFirst(end + 1))
            let closed = try await server.send("PUT", "\(location)?digest=\(digest)", body: rest)
            #expect(closed.status == 201, "\(closed.text)")
            ledger.note { $0.resumed += 1 }
        }
        ledger.note { $0.sessions = [:] }
    }
}

extension ClientTests {
    @Suite("A server that is killed in the middle of pushes")
    struct Kill {
        /// Twenty by default; `GRANARY_KILL_ROUNDS` asks for more.
        private static let rounds = Int(ProcessInfo.processInfo.environment["GRANARY_KILL_ROUNDS"] ?? "") ?? 20

        @Test("Nothing that was acknowledged is lost, nothing is half there, and uploads go on")
        func rounds() async throws {
            let sandbox = try Sandbox()
            defer { sandbox.remove() }
            let killing = Killing(sandbox: sandbox)
            let image = try await sandbox.makeImage("image", "--layers", "3")
            var generator = Generator(seed: 9)
            // A token, because hashing the password would take longer than most servers here live.
            var token: String?
            for number in 0..<Self.rounds {
                var server = try await startServer(in: sandbox)
                if token == nil { token = try await server.makeToken() }
                server.password = token ?? server.password
                try sandbox.configure(for: server)
                try sandbox.logIn(to: server)
                try await killing.expectSessionsGoOn(server)
                let delay = Duration.milliseconds(Int.random(in: 50...700, using: &generator))
                try await killing.round(number, server, image: image, delay: delay)
                let check = try await sandbox.granary("check", "--data", sandbox.folder.appending(path: "data").path)
                #expect(check.stdout.contains(" 0 problems"), "round \(number): \(check)")
            }
            var server = try await startServer(in: sandbox)
            server.password = token ?? server.password
            try await killing.expectWhole(server)
            await stop(server)
            let entries = killing.ledger.all
            print(
                "\(Self.rounds) kills: \(entries.images.count) images and \(entries.files.count) files acknowledged,",
                "\(entries.begun.count - entries.images.count - entries.files.count) pushes cut short,",
                "\(entries.resumed) sessions went on")
            #expect(entries.images.count + entries.files.count > Self.rounds)
        }
    }
}
