import GranaryFormat

/// A command that a package brings.
private struct Command {
    let name: String
    /// In the package.
    let path: [Substring]

    /// Nil for what npm takes for none. A name is a path's last segment.
    init?(_ name: String, _ target: String?) {
        guard let target, let last = cleanPath(name).last else { return nil }
        self.name = String(last)
        path = cleanPath(target)
        if path.isEmpty { return nil }
    }
}

extension Tarball {
    /// The commands that the package brings, by name, as npm normalizes `bin`; nil where there are none. `sent` is what the
    /// document says of them: where the package only names a folder, npm lists there the files that are in it.
    func commands(sent: RawJSON?) -> RawJSON? {
        let own = commands(in: packageJSON["bin"])
        guard own.isEmpty, let folder = packageJSON["directories"]?["bin"]?.string.map(cleanPath) else {
            return object(own)
        }
        return object(commands(in: sent).filter { $0.path.starts(with: folder) && $0.path.last == $0.name[...] })
    }

    private func commands(in bin: RawJSON?) -> [Command] {
        guard let bin else { return [] }
        if let target = bin.string { return [Command(packageJSON["name"]?.string ?? "", target)].compactMap(\.self) }
        if let targets = bin.elements { return targets.compactMap(\.string).compactMap { Command($0, $0) } }
        return bin.members?.compactMap { Command($0.name, $0.value.string) } ?? []
    }

    /// Of two with the same name, the later one counts.
    private func object(_ commands: [Command]) -> RawJSON? {
        let byName = Dictionary(commands.map { ($0.name, $0.path) }, uniquingKeysWith: { $1 })
        let members = byName.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        guard !members.isEmpty else { return nil }
        return RawJSON(object: members.map { ($0.key, RawJSON($0.value.joined(separator: "/"))) })
    }
}

/// The segments of a path that cannot lead out of its package.
private func cleanPath(_ text: String) -> [Substring] {
    var segments: [Substring] = []
    let separators = #"/\:"#.utf8
    for bytes in text.utf8.split(whereSeparator: { separators.contains($0) }) {
        let segment = Substring(bytes)
        if segment == "." { continue }
        if segment == ".." { _ = segments.popLast() } else { segments.append(segment) }
    }
    return segments
}
