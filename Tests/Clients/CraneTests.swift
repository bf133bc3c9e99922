import Foundation
import GranaryTestKit
import Testing

extension ClientTests {
    @Suite("crane")
    struct Crane {
        @Test("Pushes, pulls, lists and checks an image")
        func roundTrip() async throws {
            try await withServer { server, sandbox in
                let name = "\(server.host)/team/api"
                let image = try await sandbox.makeImage("image", "--layers", "3")
                try await sandbox.run("crane", "--insecure", "push", "image", "\(name):v1")
                #expect(try await sandbox.run("crane", "--insecure", "digest", "\(name):v1").text == image.digest())
                try await sandbox.run("crane", "--insecure", "validate", "--remote", "\(name):v1")
                try await sandbox.run("crane", "--insecure", "pull", "--format", "oci", "\(name):v1", "back")
                #expect(try sandbox.emptyLayout("back").blobs() == image.blobs())
                try await sandbox.run("crane", "--insecure", "tag", "\(name):v1", "latest")
                #expect(try await sandbox.run("crane", "--insecure", "ls", name).lines == ["latest", "v1"])
                #expect(try await sandbox.run("crane", "--insecure", "catalog", server.host).lines == ["team/api"])
            }
        }

        @Test("Copies all platforms between names without sending a blob again")
        func copy() async throws {
            try await withServer { server, sandbox in
                let image = try await sandbox.makeImage("image", "--platforms", "amd64,arm64")
                try await sandbox.push(image, to: "\(server.host)/team/api:v1")
                let copying = try await sandbox.run(
                    "crane", "--insecure", "copy", "\(server.host)/team/api:v1", "\(server.host)/other/api:v1")
                #expect(copying.stderr.contains("mounted blob"))
                #expect(!copying.stderr.contains("pushed blob"))
                #expect(try await sandbox.skopeoDigest("\(server.host)/other/api:v1") == image.digest())
            }
        }

        @Test("Appends a layer and reads the files back")
        func append() async throws {
            try await withServer { server, sandbox in
                let name = "\(server.host)/team/appended:v1"
                try sandbox.write("from crane", to: "greeting")
                try await sandbox.run("tar", "--create", "--file", "layer.tar", "greeting")
                try await sandbox.run("crane", "--insecure", "append", "--new_layer", "layer.tar", "--new_tag", name)
                try await sandbox.run("crane", "--insecure", "export", name, "files.tar")
                let greeting = try await sandbox.run(
                    "tar", "--extract", "--to-stdout", "--file", "files.tar", "greeting")
                #expect(greeting.text == "from crane")
            }
        }

        @Test("Deletes by digest")
        func deletion() async throws {
            try await withServer { server, sandbox in
                let name = "\(server.host)/team/api"
                let image = try await sandbox.makeImage()
                try await sandbox.push(image, to: "\(name):v1")
                try await sandbox.run("crane", "--insecure", "delete", "\(name)@\(try image.digest())")
                #expect(!(try await sandbox.attempt("crane", "--insecure", "digest", "\(name):v1").hasSucceeded))
            }
        }
    }
}
