import GranaryModel

/// Whether npm takes a text for a range of versions, as `1.x`, `^1.2` or `>=1 <3 || 4` (node-semver, "Range Grammar").
func isVersionRange(_ text: String) -> Bool {
    alternatives(in: text).allSatisfy { alternative in
        let words = alternative.split(whereSeparator: \.isWhitespace)
        if words.count == 3, words[1] == "-" { return isPartialVersion(words[0]) && isPartialVersion(words[2]) }
        return joiningOperators(words).allSatisfy { isPartialVersion($0.dropFirst(rangeOperator(of: $0).count)) }
    }
}

/// What stands between `||`.
private func alternatives(in text: String) -> [Substring] {
    var found: [Substring] = []
    var rest = text[...]
    while let bar = rest.indices.first(where: { rest[$0...].hasPrefix("||") }) {
        found.append(rest[..<bar])
        rest = rest[bar...].dropFirst(2)
    }
    return found + [rest]
}

/// An operator may stand apart from its version: `>= 1`.
private func joiningOperators(_ words: [Substring]) -> [Substring] {
    var joined: [Substring] = []
    for word in words {
        if let last = joined.last, !last.isEmpty, rangeOperator(of: last) == last {
            joined[joined.count - 1] = last + word
        } else {
            joined.append(word)
        }
    }
    return joined
}

private func rangeOperator(of word: Substring) -> Substring {
    ["~>", "~", "^", "<=", ">=", "<", ">", "="].first { word.hasPrefix($0) }.map { word.prefix($0.count) } ?? ""
}

/// One to three numbers, each of which may be left open (`1.x`); three may have a pre-release and build metadata.
private func isPartialVersion(_ word: Substring) -> Bool {
    let word = word.drop { $0 == "v" || $0 == "=" }
    let numbers = word.prefix { $0 != "-" && $0 != "+" }
    let rest = word[numbers.endIndex...]
    let parts = numbers.split(separator: ".", omittingEmptySubsequences: false)
    return (1...3).contains(parts.count)
        && parts.allSatisfy { ["x", "X", "*"].contains($0) || SemanticVersion("\($0).0.0") != nil }
        && (rest.isEmpty || parts.count == 3 && SemanticVersion("0.0.0\(rest)") != nil)
}
