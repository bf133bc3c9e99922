/// A Swift file, read just well enough for the rules: comments and the contents of strings are told from code.
struct SwiftSource {
    /// An identifier, a number, or one other character that is no blank.
    struct Token: Equatable {
        let text: String
        /// From 1.
        let line: Int
    }

    let path: String
    /// As written.
    let lines: [String]
    /// Outside comments and strings.
    let tokens: [Token]
    /// The contents of the string literals, pieces between interpolations apart.
    let literals: [Token]

    init(path: String, text: String) {
        var reader = SwiftReader(text)
        reader.readCode(insideInterpolation: false)
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        tokens = reader.tokens
        literals = reader.literals
    }

    /// The tokens of each line that has any.
    var tokensByLine: [(line: Int, tokens: [String])] {
        var grouped: [(line: Int, tokens: [String])] = []
        for token in tokens {
            if let last = grouped.last, last.line == token.line {
                grouped[grouped.count - 1].tokens.append(token.text)
            } else {
                grouped.append((token.line, [token.text]))
            }
        }
        return grouped
    }
}

/// Splits Swift into tokens and string contents. Knows nested comments, raw and multi-line strings and interpolations,
/// and no regular-expression literals.
private struct SwiftReader {
    private let characters: [Character]
    private var index = 0
    private var line = 1
    private(set) var tokens: [SwiftSource.Token] = []
    private(set) var literals: [SwiftSource.Token] = []

    init(_ text: String) { characters = Array(text) }

    /// Reads to the end, or to the parenthesis that closes an interpolation.
    mutating func readCode(insideInterpolation: Bool) {
        var depth = 0
        while let character = peek() {
            if starts("//") {
                skipLineComment()
            } else if starts("/*") {
                skipBlockComment()
            } else if let pounds = poundsBeforeQuote() {
                readString(pounds: pounds)
            } else if insideInterpolation, depth == 0, character == ")" {
                advance()
                return
            } else {
                if character == "(" { depth += 1 }
                if character == ")" { depth -= 1 }
                readToken(character)
            }
        }
    }

    private mutating func readToken(_ character: Character) {
        guard isWord(character) else {
            if !character.isWhitespace { tokens.append(.init(text: String(character), line: line)) }
            advance()
            return
        }
        var word = ""
        while let next = peek(), isWord(next) {
            word.append(next)
            advance()
        }
        tokens.append(.init(text: word, line: line))
    }

    private func isWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }

    private mutating func skipLineComment() {
        while let character = peek(), character != "\n" { advance() }
    }

    private mutating func skipBlockComment() {
        advance(2)
        var depth = 1
        while depth > 0, peek() != nil {
            if starts("/*") {
                depth += 1
                advance(2)
            } else if starts("*/") {
                depth -= 1
                advance(2)
            } else {
                advance()
            }
        }
    }

    /// How many `#` stand before the quote that starts a string here; nil when none starts.
    private func poundsBeforeQuote() -> Int? {
        var ahead = index
        while ahead < characters.count, characters[ahead] == "#" { ahead += 1 }
        return ahead < characters.count && characters[ahead] == "\"" ? ahead - index : nil
    }

    private mutating func readString(pounds: Int) {
        let fence = String(repeating: "#", count: pounds)
        advance(pounds)
        let quotes = starts("\"\"\"") ? "\"\"\"" : "\""
        advance(quotes.count)
        var piece = ""
        let start = line
        while let character = peek(), !starts(quotes + fence), quotes.count > 1 || character != "\n" {
            if starts("\\" + fence + "(") {
                literals.append(.init(text: piece, line: start))
                piece = ""
                advance(2 + pounds)
                readCode(insideInterpolation: true)
            } else {
                let length = starts("\\" + fence) ? 2 + pounds : 1
                for offset in 0..<length where index + offset < characters.count {
                    piece.append(characters[index + offset])
                }
                advance(length)
            }
        }
        literals.append(.init(text: piece, line: start))
        advance(quotes.count + pounds)
    }

    private func peek() -> Character? { index < characters.count ? characters[index] : nil }

    private func starts(_ text: String) -> Bool {
        var ahead = index
        for character in text {
            guard ahead < characters.count, characters[ahead] == character else { return false }
            ahead += 1
        }
        return true
    }

    private mutating func advance(_ count: Int = 1) {
        for _ in 0..<count where index < characters.count {
            if characters[index] == "\n" { line += 1 }
            index += 1
        }
    }
}
