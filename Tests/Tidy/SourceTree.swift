import Foundation
import Testing

/// The repository as the rules see it: paths relative to its root, with slashes.
struct SourceTree {
    let root: URL

    /// The tree this file is part of.
    static let repository = SourceTree(
        root: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent())

    /// Names of the folders directly in a folder, sorted; none when it does not exist.
    func folders(in folder: String) -> [String] {
        entries(in: folder).filter { isFolder("\(folder)/\($0)") }
    }

    /// Names of the files directly in a folder, sorted; none when it does not exist.
    func files(in folder: String) -> [String] {
        entries(in: folder).filter { !isFolder("\(folder)/\($0)") }
    }

    /// Paths of all files below a folder, sorted.
    func filesBelow(_ folder: String) -> [String] {
        files(in: folder).map { "\(folder)/\($0)" } + folders(in: folder).flatMap { filesBelow("\(folder)/\($0)") }
    }

    /// The Swift files below the given folders.
    func swiftFiles(below folders: String...) throws -> [SwiftSource] {
        try folders.flatMap(filesBelow).filter { $0.hasSuffix(".swift") }.map { path in
            SwiftSource(path: path, text: try text(of: path))
        }
    }

    func text(of path: String) throws -> String {
        String(decoding: try bytes(of: path), as: UTF8.self)
    }

    func bytes(of path: String) throws -> Data { try Data(contentsOf: root.appending(path: path)) }

    func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    private func entries(in folder: String) -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)
        return (names ?? []).filter { !$0.hasPrefix(".") && $0 != "__pycache__" }.sorted()
    }

    private func isFolder(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        let exists = FileManager.default.fileExists(
            atPath: root.appending(path: path).path, isDirectory: &isDirectory)
        return exists && isDirectory.boolValue
    }
}

/// One breach of a rule.
struct Finding: Equatable, CustomStringConvertible {
    let path: String
    /// From 1; 0 for the file or folder as a whole.
    let line: Int
    let message: String

    init(_ path: String, _ line: Int = 0, _ message: String) {
        self.path = path
        self.line = line
        self.message = message
    }

    var description: String { line == 0 ? "\(path): \(message)" : "\(path):\(line): \(message)" }
}

/// Reports every finding as a failure of the running test.
func expectNone(_ findings: [Finding]) {
    for finding in findings { Issue.record("\(finding)") }
}
