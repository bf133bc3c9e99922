extension ArchiveEntry {
    /// The path in its segments; a folder's slash at the end counts for nothing. Nil where the path leads out of the folder that
    /// the archive is unpacked in, and where readers disagree about what it leads to: with an empty segment, a `.` that is not
    /// the first one, a backslash, a control character, or what another system takes for the letter of a disk, at the top or
    /// below the folder that readers leave out.
    package var segments: [Substring]? {
        guard !path.utf8.contains(UInt8(ascii: "\\")),
            !path.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else { return nil }
        let slash = UInt8(ascii: "/")
        let bytes = kind == .directory && path.utf8.last == slash ? path.utf8.dropLast() : path.utf8[...]
        // By bytes: a slash and the accent after it are one character.
        let segments = bytes.split(separator: slash, omittingEmptySubsequences: false).map(Substring.init)
        guard !segments.contains(""), !segments.contains(".."), !segments.dropFirst().contains("."),
            !segments.prefix(2).contains(where: hasDrive)
        else { return nil }
        return segments
    }
}

/// `C:`, whatever follows.
private func hasDrive(_ segment: Substring) -> Bool {
    guard let first = segment.unicodeScalars.first, segment.utf8.dropFirst().first == UInt8(ascii: ":") else {
        return false
    }
    return ("a"..."z").contains(first) || ("A"..."Z").contains(first)
}

extension StringProtocol {
    /// Whether a file system may take this for the file that is called `name`: one that does not tell cases apart, or leaves out
    /// dots and blanks at the end.
    package func canStand(for name: String) -> Bool { folded == name.folded }

    /// Some letters have another one in upper case only (`ſ`), some in lower case only (the sign of Kelvin).
    private var folded: String {
        var text = lowercased().uppercased()
        while let last = text.last, last == "." || last == " " { text.removeLast() }
        return text
    }
}
