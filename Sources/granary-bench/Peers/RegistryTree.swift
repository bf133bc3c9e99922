import Glibc

/// docker-registry's folders, to write what would take too long to push. It sees what stands there at once.
struct RegistryTree {
    private let repositories: String
    private let blobs: String
    private let permissions: mode_t = 0o755

    init(data: String) {
        repositories = "\(data)/docker/registry/v2/repositories"
        blobs = "\(data)/docker/registry/v2/blobs"
    }

    /// A repository that holds nothing.
    func addRepository(_ name: String) throws {
        for part in ["_layers", "_manifests", "_uploads"] { try makeFolder("\(repositories)/\(name)/\(part)") }
    }

    /// A tag of a repository that exists.
    func addTag(_ tag: String, to name: String, digest: String) throws {
        try link(digest, in: "\(name)/_manifests/tags/\(tag)/current")
    }

    /// An image with its blobs, under a tag, in a repository that is made if need be.
    func add(_ image: Image, to name: String, tag: String) throws {
        try addRepository(name)
        for payload in image.blobs + [image.manifest] {
            let hex = Self.hex(payload.digest)
            try write(payload.bytes, to: "data", in: "\(blobs)/sha256/\(hex.prefix(2))/\(hex)")
        }
        for blob in image.blobs { try link(blob.digest, in: "\(name)/_layers/sha256/\(Self.hex(blob.digest))") }
        let digest = image.manifest.digest
        try link(digest, in: "\(name)/_manifests/revisions/sha256/\(Self.hex(digest))")
        try link(digest, in: "\(name)/_manifests/tags/\(tag)/index/sha256/\(Self.hex(digest))")
        try addTag(tag, to: name, digest: digest)
    }

    private static func hex(_ digest: String) -> Substring { digest.dropFirst("sha256:".count) }

    private func link(_ digest: String, in folder: String) throws {
        try write(Array(digest.utf8), to: "link", in: "\(repositories)/\(folder)")
    }

    private func write(_ bytes: [UInt8], to name: String, in folder: String) throws {
        try makeFolder(folder)
        let file = open("\(folder)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        guard file >= 0 else { throw BenchFailure.lastError("open \(folder)/\(name)") }
        defer { close(file) }
        let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
        guard count == bytes.count else { throw BenchFailure.lastError("write \(folder)/\(name)") }
    }

    /// Makes a folder and those it is in.
    private func makeFolder(_ path: String) throws {
        if mkdir(path, permissions) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw BenchFailure.lastError("mkdir \(path)")
        }
        try makeFolder(String(path[..<slash]))
        guard mkdir(path, permissions) == 0 || errno == EEXIST else { throw BenchFailure.lastError("mkdir \(path)") }
    }
}
