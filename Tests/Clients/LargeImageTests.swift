import Foundation
import Testing

extension ClientTests {
    @Suite("Large images")
    struct LargeImages {
        @Test("An image of two platforms and more than a gibibyte survives the way there and back")
        func roundTrip() async throws {
            try await withServer { server, sandbox in
                var sandbox = sandbox
                sandbox.limit = .seconds(300)
                let options = ["--platforms", "amd64,arm64", "--layers", "3", "--layer-mib", "180"]
                let image = try await sandbox.makeImage("image", tag: "v1", options)
                let name = "\(server.host)/team/large:v1"
                try await sandbox.push(image, to: name)
                let digest = try image.digest()
                let blobs = try image.blobs()
                try FileManager.default.removeItem(at: image.folder)
                let back = sandbox.emptyLayout("back")
                try await sandbox.pull(name, into: back)
                #expect(try back.digest() == digest)
                #expect(try back.blobs() == blobs)
                let size = try await sandbox.run("du", "--summarize", "--block-size=1M", back.folder.path)
                #expect((Int(size.text.split(separator: "\t").first ?? "") ?? 0) > 1024)
            }
        }
    }
}
