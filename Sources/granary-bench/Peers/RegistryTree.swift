import Glibc

/// docker-registry's folders, to write what would take too long to push. It sees what stands there at once.
struct RegistryTree {
    private let repositories: String
    private let permissions: mode_t = 0o755

    init(data: String) { repositories = "\(data)/docker/registry/v2/repositories" }

    /// A repository that holds nothing.
    func addRepository(_ name: String) throws {
        for part in ["_layers", "_manifests", "_uploads"] { try makeFolder("\(repositories)/\(name)/\(part)") }
    }

    /// A tag of a repository that exists.
    func addTag(_ tag: String, to name: String, digest: String) throws {
        let folder = "\(repositories)/\(name)/_manifests/tags/\(tag)/current"
        try makeFolder(folder)
        let file = open("\(folder)/link", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        guard file >= 0 else { throw BenchFailure.lastError("open \(folder)/link") }
        defer { close(file) }
        let bytes = Array(digest.utf8)
        let count = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        guard count == bytes.count else { throw BenchFailure.lastError("write \(folder)/link") }
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
