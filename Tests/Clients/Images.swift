import Foundation

/// An OCI image layout in a sandbox.
struct ImageLayout: Sendable {
    let folder: URL
    let tag: String

    /// As skopeo names it.
    var reference: String { "oci:\(folder.path):\(tag)" }

    /// The digest its tag names.
    func digest() throws -> String {
        let index = try Index(reading: folder.appending(path: "index.json"))
        return index.manifests.first?.digest ?? ""
    }

    /// The names of all its blobs: what was pulled whole has the same as what was pushed.
    func blobs() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "blobs/sha256").path))
    }

    /// An image index, as far as the tests look at it.
    struct Index: Decodable {
        struct Descriptor: Decodable {
            let digest: String
            let mediaType: String
            let artifactType: String?
        }

        let manifests: [Descriptor]

        init(reading file: URL) throws {
            self = try JSONDecoder().decode(Index.self, from: try Data(contentsOf: file))
        }

        init(_ data: Data) throws { self = try JSONDecoder().decode(Index.self, from: data) }
    }
}

extension Sandbox {
    /// Makes an image with `Fixtures/make-layout`, whose help says what the options are.
    func makeImage(_ name: String = "image", _ options: String...) async throws -> ImageLayout {
        try await makeImage(name, tag: "v1", options)
    }

    func makeImage(_ name: String, tag: String, _ options: [String]) async throws -> ImageLayout {
        let script = Sandbox.repository.appending(path: "Tests/Clients/Fixtures/make-layout")
        try await run("python3", [script.path, path(name), "--tag", tag] + options)
        return ImageLayout(folder: work.appending(path: name), tag: tag)
    }

    /// A layout that something will be pulled into.
    func emptyLayout(_ name: String, tag: String = "v1") -> ImageLayout {
        ImageLayout(folder: work.appending(path: name), tag: tag)
    }

    /// Makes a file of random bytes.
    func makeFile(_ name: String, bytes: Int) throws {
        let chunk = 1 << 20
        try Data().write(to: work.appending(path: name))
        let file = try FileHandle(forWritingTo: work.appending(path: name))
        let source = try FileHandle(forReadingFrom: URL(filePath: "/dev/urandom"))
        for start in stride(from: 0, to: bytes, by: chunk) {
            try file.write(contentsOf: try source.read(upToCount: min(chunk, bytes - start)) ?? Data())
        }
        try file.close()
    }

    /// The SHA-256 of a file, in hexadecimal.
    func sha256(_ name: String) async throws -> String {
        String(try await run("sha256sum", path(name)).text.prefix(64))
    }

    /// Builds `FROM scratch` an image with one program, and `greeting` in a file.
    func writeContainerfile(greeting: String) throws {
        try FileManager.default.createDirectory(atPath: path("context"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: "/bin/busybox", toPath: path("context/busybox"))
        try write(greeting, to: "context/greeting")
        try write(
            """
            FROM scratch
            COPY busybox /bin/busybox
            COPY greeting /greeting
            RUN ["/bin/busybox", "cp", "/greeting", "/copy"]
            ENTRYPOINT ["/bin/busybox", "cat", "/copy"]
            """, to: "context/Containerfile")
    }
}
