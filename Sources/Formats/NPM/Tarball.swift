import GranaryArchive
import GranaryFormat
import GranaryModel

/// What a package's tarball says of itself.
struct Tarball: Sendable {
    /// What a manifest says of dependencies.
    static let dependencyMembers = [
        "dependencies", "optionalDependencies", "peerDependencies", "peerDependenciesMeta", "bundleDependencies",
        "bundledDependencies"
    ]
    /// What else a manifest says that decides where a package may be installed, and under which terms.
    static let termMembers = ["acceptDependencies", "cpu", "directories", "engines", "libc", "license", "os"]
    /// Of package.json, in bytes.
    fileprivate static let maximumManifest = 2 << 20
    private static let limits = ArchiveLimits(entries: 200_000, bytes: 8 << 30)

    private let found: Findings
    let packageJSON: RawJSON

    /// What is seen on the way through the archive.
    fileprivate struct Findings {
        static let manifestName = "package.json"

        var fileCount = 0
        var unpackedSize: Int64 = 0
        var packageJSON: RawJSON?
        var hasShrinkwrap = false
        var hasGypFile = false
    }

    /// Throws `.invalid(.content, …)` for what npm would not unpack, or would unpack elsewhere.
    init(reading bytes: StoredBytes) throws {
        var found = Findings()
        let archive = ArchiveReader(.gzippedTar, size: bytes.size.bytes, limits: Self.limits, read: bytes.read)
        do {
            try archive.entries { entry in
                try found.take(entry)
                return true
            }
        } catch let error as ArchiveError {
            throw Self.refusal(error.description)
        }
        guard let packageJSON = found.packageJSON, packageJSON.members != nil else {
            throw Self.refusal("it has no file 'package.json'")
        }
        self.found = found
        self.packageJSON = packageJSON
    }

    /// How many files there are.
    var fileCount: Int { found.fileCount }
    /// Of all files, in bytes.
    var unpackedSize: Int64 { found.unpackedSize }

    fileprivate static func refusal(_ text: String) -> Problem { .invalid(.content, "the tarball is refused: \(text)") }

    /// Throws `.invalid(.content, …)` when it is another version's or another package's.
    func check(_ package: NodePackage, _ number: SemanticVersion) throws(Problem) {
        guard packageJSON["name"]?.string == package.name.text,
            packageJSON["version"]?.string.flatMap({ SemanticVersion(String($0.drop { "v= ".contains($0) })) })
                == number
        else {
            throw .invalid(
                .content,
                "the package.json in the tarball is not of \(package.name) \(number.core), as the document says")
        }
    }

    /// The members of the manifest that decide what runs, what else is installed, and where. They are the tarball's own, so that
    /// nobody is shown others than those they get. `sent` is the document's version.
    func manifestMembers(sent: RawJSON) -> [(name: String, value: RawJSON)] {
        var members: [(name: String, value: RawJSON)] = Self.termMembers.compactMap { name in
            packageJSON[name].map { (name, $0) }
        }
        if let commands = commands(sent: sent["bin"]) { members.append(("bin", commands)) }
        let optional = Set(packageJSON["optionalDependencies"]?.members?.map(\.name) ?? [])
        for name in Self.dependencyMembers {
            guard let value = packageJSON[name] else { continue }
            switch name {
            case "dependencies":
                members.append((name, RawJSON(object: value.members?.filter { !optional.contains($0.name) } ?? [])))
            case "bundledDependencies":
                if packageJSON["bundleDependencies"] == nil { members.append(("bundleDependencies", value)) }
            default: members.append((name, value))
            }
        }
        var scripts = packageJSON["scripts"]?.members ?? []
        if found.hasGypFile, !scripts.contains(where: { $0.name == "install" || $0.name == "preinstall" }) {
            scripts.append(("install", RawJSON("node-gyp rebuild")))
        }
        if !scripts.isEmpty { members.append(("scripts", RawJSON(object: scripts))) }
        if scripts.contains(where: { ["preinstall", "install", "postinstall"].contains($0.name) }) {
            members.append(("hasInstallScript", RawJSON(true)))
        }
        members.append(("_hasShrinkwrap", RawJSON(found.hasShrinkwrap)))
        return members
    }
}

extension Tarball.Findings {
    fileprivate mutating func take(_ entry: borrowing ArchiveEntry) throws {
        guard let segments = entry.segments, entry.kind == .file || entry.kind == .directory else {
            throw Tarball.refusal("'\(entry.path)' is no plain file of the package")
        }
        guard entry.kind == .file else { return }
        fileCount += 1
        unpackedSize += entry.size
        // Clients drop the first folder of every path, whatever it is called.
        switch segments.dropFirst().joined(separator: "/") {
        case Self.manifestName:
            guard packageJSON == nil else { throw Tarball.refusal("it has two files 'package.json'") }
            let text = try entry.contents(upTo: Tarball.maximumManifest)[...]
            packageJSON = try RawJSON(text.starts(with: [0xEF, 0xBB, 0xBF]) ? text.dropFirst(3) : text)
        case "npm-shrinkwrap.json": hasShrinkwrap = true
        case "binding.gyp": hasGypFile = true
        case let path where path.canStand(for: Self.manifestName):
            throw Tarball.refusal("'\(entry.path)' could be taken for its 'package.json'")
        default: break
        }
    }
}
