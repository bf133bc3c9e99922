import Foundation
import GranaryTestKit
import Testing

extension ClientTests {
    @Suite("oras")
    struct Oras {
        @Test("Pushes and pulls files")
        func files() async throws {
            try await withServer { server, sandbox in
                let name = "\(server.host)/team/files:v1"
                try sandbox.write("some data", to: "data.txt")
                try await sandbox.run("oras", "push", "--plain-http", name, "data.txt:text/plain")
                try await sandbox.run("oras", "pull", "--plain-http", "--output", "pulled", name)
                #expect(try sandbox.read("pulled/data.txt") == sandbox.read("data.txt"))
                try await sandbox.run("oras", "tag", "--plain-http", name, "v2", "latest")
                let tags = try await sandbox.run("oras", "repo", "tags", "--plain-http", "\(server.host)/team/files")
                #expect(tags.lines == ["latest", "v1", "v2"])
            }
        }

        @Test("Attaches artifacts, which are then found by their type")
        func attachment() async throws {
            try await withServer { server, sandbox in
                let name = "\(server.host)/team/api:v1"
                try await sandbox.push(try await sandbox.makeImage(), to: name)
                try await sandbox.attach(type: "application/vnd.example.sbom", to: name)
                try await sandbox.attach(type: "application/vnd.example.report", to: name)
                #expect(
                    try await sandbox.artifactTypes(attachedTo: name) == [
                        "application/vnd.example.report", "application/vnd.example.sbom"
                    ])
                #expect(
                    try await sandbox.artifactTypes(attachedTo: name, only: "application/vnd.example.sbom") == [
                        "application/vnd.example.sbom"
                    ])
            }
        }

        @Test("Loses no artifact when many are attached at once")
        func concurrentAttachment() async throws {
            try await withServer { server, sandbox in
                let name = "\(server.host)/team/api:v1"
                try await sandbox.push(try await sandbox.makeImage(), to: name)
                let types = (0..<8).map { "application/vnd.example.n\($0)" }
                try await withThrowingTaskGroup { group in
                    for type in types { group.addTask { try await sandbox.attach(type: type, to: name) } }
                    try await group.waitForAll()
                }
                #expect(try await sandbox.artifactTypes(attachedTo: name) == types)
            }
        }

        @Test("Copies an image with all that is attached to it")
        func recursiveCopy() async throws {
            try await withServer { server, sandbox in
                let source = "\(server.host)/team/api:v1"
                let target = "\(server.host)/team/copy:v1"
                let image = try await sandbox.makeImage("image", "--platforms", "amd64,arm64")
                try await sandbox.push(image, to: source)
                let types = ["application/vnd.example.report", "application/vnd.example.sbom"]
                for type in types { try await sandbox.attach(type: type, to: source) }
                try await sandbox.run("oras", "cp", "-r", "--from-plain-http", "--to-plain-http", source, target)
                #expect(try await sandbox.artifactTypes(attachedTo: target) == types)
                #expect(try await sandbox.skopeoDigest(target) == image.digest())
            }
        }

        @Test("Moves an index of indexes")
        func nestedIndex() async throws {
            try await withServer { server, sandbox in
                let image = try await sandbox.makeImage("image", "--platforms", "amd64,arm64", "--nested")
                let name = "\(server.host)/team/nested:v1"
                try await sandbox.run("oras", "cp", "--from-oci-layout", "image:v1", "--to-plain-http", name)
                try await sandbox.run("oras", "cp", "--from-plain-http", name, "--to-oci-layout", "back:v1")
                #expect(try sandbox.emptyLayout("back").digest() == image.digest())
                #expect(try sandbox.emptyLayout("back").blobs() == image.blobs())
            }
        }

        @Test("The Python SDK pushes, attaches, discovers and pulls")
        func sdk() async throws {
            try await withServer { server, sandbox in
                let script = Sandbox.repository.appending(path: "Tests/Clients/Fixtures/oras-sdk.py").path
                let printed = try await sandbox.run(
                    "venv/bin/python", script, server.host, "admin", server.password)
                let line = try #require(printed.lines.last)
                let report = try JSONDecoder().decode(SDKReport.self, from: Data(line.utf8))
                #expect(report.subject == report.digest)
                #expect(report.referrers == [report.attached])
                #expect(report.tags == ["chunked", "sbom", "v1"])
                #expect(report.pulled == "from the SDK")
            }
        }

        private struct SDKReport: Decodable {
            let digest: String
            let subject: String?
            let attached: String
            let referrers: [String]
            let tags: [String]
            let pulled: String
        }
    }
}

extension Sandbox {
    /// Attaches a file that is named by the last part of its type.
    func attach(type: String, to name: String) async throws {
        let file = "\(type.split(separator: ".").last ?? "file").json"
        try write(#"{"type": "\#(type)"}"#, to: file)
        try await run("oras", "attach", "--plain-http", "--artifact-type", type, name, "\(file):application/json")
    }

    /// What the referrers interface lists, sorted.
    func artifactTypes(attachedTo name: String, only type: String? = nil) async throws -> [String] {
        var arguments = ["discover", "--plain-http", "--distribution-spec", "v1.1-referrers-api", "--format", "json"]
        if let type { arguments += ["--artifact-type", type] }
        let found = try await run("oras", arguments + [name])
        return try JSONDecoder().decode(Discovery.self, from: found.bytes).referrers.map(\.artifactType).sorted()
    }

    private struct Discovery: Decodable {
        struct Referrer: Decodable {
            let artifactType: String
        }

        let referrers: [Referrer]
    }
}
