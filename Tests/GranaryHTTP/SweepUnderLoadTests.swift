import FormatOCI
import Foundation
import GranaryCore
import GranaryModel
import GranaryTestKit
import Synchronization
import Testing

/// What clients did while the sweep ran.
private final class Tally: Sendable {
    struct Counts {
        var pushes = 0
        var mounts = 0
        var deletions = 0
        var pulls = 0
        var sweeps = 0
        var removed = 0
        var ended = 0
    }

    private let counts = Mutex(Counts())
    /// Digests of manifests that somebody may pull or delete.
    private let images = Mutex<[String]>([])

    var all: Counts { counts.withLock { $0 } }

    func count(_ change: (inout Counts) -> Void) { counts.withLock { change(&$0) } }

    func add(_ digest: String) { images.withLock { $0.append(digest) } }

    /// The oldest image, where there are enough; nobody else gets it.
    func takeOldest() -> String? { images.withLock { $0.count > 8 ? $0.removeFirst() : nil } }

    func random() -> String? { images.withLock { $0.randomElement() } }
}

/// Clients of one server, each going on until its time is over.
private struct Crowd: Sendable {
    let server: TestServer
    let tally = Tally()
    let until: ContinuousClock.Instant

    var isOver: Bool { ContinuousClock.now >= until }

    /// Images that share layers with others, so that what one deletion frees another push takes up again.
    func push(_ client: Int) async throws {
        var number = 0
        while !isOver {
            number += 1
            let image = server.image("docker/app\(client)")
            let config = try await image.push(Array("config \(client) \(number)".utf8), mediaType: OCIDescriptor.config)
            let own = try await image.push(Array("layer \(client) \(number)".utf8))
            let shared = try await image.push(Array("shared \(number % 5)".utf8))
            let mounted = try await mount("mounted \(number % 3)", into: image)
            let manifest = OCIDocument.image(config: config, layers: [own, shared, mounted])
            let answer = try await image.put(manifest, at: "v\(number % 4)")
            try #require(answer.status == 201, "push \(client)/\(number): \(answer.status) \(answer.text)")
            tally.add("\(image.name) \(manifest.digest)")
            tally.count { $0.pushes += 1 }
        }
    }

    /// From the package of another; a miss is an upload, as clients do it.
    private func mount(_ text: String, into image: OCIImage) async throws -> OCIDescriptor {
        let bytes = Array(text.utf8)
        let descriptor = OCIDescriptor(bytes, mediaType: OCIDescriptor.layer)
        let answer = try await image.send(
            "POST", "blobs/uploads/?mount=\(descriptor.digest)&from=docker/source")
        try #require([201, 202].contains(answer.status), "mount: \(answer.status) \(answer.text)")
        if answer.status == 201 { tally.count { $0.mounts += 1 } } else { try await image.push(bytes) }
        return descriptor
    }

    /// Puts the source of the mounts there, and takes it away again.
    func churnSource() async throws {
        let image = server.image("docker/source")
        while !isOver {
            let config = try await image.push(Array("source".utf8), mediaType: OCIDescriptor.config)
            var layers: [OCIDescriptor] = []
            for number in 0..<3 { layers.append(try await image.push(Array("mounted \(number)".utf8))) }
            let manifest = OCIDocument.image(config: config, layers: layers)
            let put = try await image.put(manifest, at: "v1")
            try #require(put.status == 201, "source: \(put.status) \(put.text)")
            try await Task.sleep(for: .milliseconds(300))
            let deleted = try await image.send("DELETE", "manifests/\(manifest.digest)")
            try #require(deleted.status == 202, "source: \(deleted.status) \(deleted.text)")
        }
    }

    func delete() async throws {
        while !isOver {
            guard let taken = tally.takeOldest() else {
                try await Task.sleep(for: .milliseconds(5))
                continue
            }
            let parts = taken.split(separator: " ").map(String.init)
            let answer = try await server.image(parts[0]).send("DELETE", "manifests/\(parts[1])")
            try #require(answer.status == 202, "delete: \(answer.status) \(answer.text)")
            tally.count { $0.deletions += 1 }
        }
    }

    /// A manifest that is there has all its layers; one that is not was deleted.
    func pull() async throws {
        while !isOver {
            guard let chosen = tally.random() else {
                try await Task.sleep(for: .milliseconds(5))
                continue
            }
            let parts = chosen.split(separator: " ").map(String.init)
            let image = server.image(parts[0])
            let answer = try await image.send("GET", "manifests/\(parts[1])")
            try #require([200, 404].contains(answer.status), "pull: \(answer.status) \(answer.text)")
            guard answer.status == 200 else { continue }
            let manifest = try answer.json(Manifest.self)
            for descriptor in manifest.layers + [manifest.config] {
                let blob = try await image.send("GET", "blobs/\(descriptor.digest)")
                if blob.status == 404 {
                    let again = try await image.send("HEAD", "manifests/\(parts[1])")
                    try #require(again.status == 404, "\(descriptor.digest) is missing of an image that is there")
                } else {
                    try #require(blob.status == 200 && sha256(blob.body) == descriptor.digest, "\(blob.status)")
                }
            }
            tally.count { $0.pulls += 1 }
        }
    }

    private struct Manifest: Decodable {
        let config: OCIDescriptor
        let layers: [OCIDescriptor]
    }

    func sweep() async throws {
        while !isOver {
            let report = try await Sweep(services: server.services, grace: .milliseconds(200)).run()
            tally.count { counts in
                counts.sweeps += 1
                counts.removed += report.removedBlobs
                counts.ended += report.endedFiles
            }
        }
    }
}

@Suite("The sweep under load")
struct SweepUnderLoadTests {
    /// Eight seconds by default; `GRANARY_LOAD_SECONDS` asks for more.
    private static let seconds = Int(ProcessInfo.processInfo.environment["GRANARY_LOAD_SECONDS"] ?? "") ?? 8

    @Test(
        "Pushes, mounts, deletions and pulls go on during sweeps; none fails, and every manifest that is there is whole"
    )
    func together() async throws {
        let folder = try TemporaryDirectory()
        defer { folder.remove() }
        try await TestServer.run(
            formats: [OCI()], repositories: [.oci("docker", isDefault: true)], in: folder, askedPeriod: .seconds(3)
        ) { server in
            let crowd = Crowd(server: server, until: .now + .seconds(Self.seconds))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<3 { group.addTask { try await crowd.push(client) } }
                group.addTask { try await crowd.churnSource() }
                group.addTask { try await crowd.delete() }
                for _ in 0..<2 { group.addTask { try await crowd.pull() } }
                group.addTask { try await crowd.sweep() }
                try await group.waitForAll()
            }
            let report = try await Check(services: server.services).run()
            #expect(report.findings == [])
            let counts = crowd.tally.all
            print(
                "\(counts.pushes) pushes, \(counts.mounts) mounts, \(counts.deletions) deletions, \(counts.pulls) pulls,",
                "\(counts.sweeps) sweeps that took \(counts.ended) files and \(counts.removed) blobs away")
            #expect(counts.pushes > 0 && counts.mounts > 0 && counts.deletions > 0 && counts.pulls > 0)
            #expect(counts.removed > 0 && counts.ended > 0)
        }
    }
}
