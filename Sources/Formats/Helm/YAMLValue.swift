import GranaryFormat
import GranaryModel
import Yams

/// What a YAML document of a stranger says, once it is known to be harmless.
indirect enum YAMLValue: Sendable, Hashable {
    /// `isPlain` where it stands without quotes, so that it may be a number, a truth value or nothing.
    case scalar(String, isPlain: Bool)
    case list([YAMLValue])
    case map([Member])

    /// A key with its value, in the order of the document.
    struct Member: Sendable, Hashable {
        let key: String
        let value: YAMLValue
    }

    /// Of a document, unless it may be longer.
    static let maximumBytes = 1 << 20
    /// Ends of lines, commas, and what else begins a value: there are no more values than that.
    static let maximumMarks = 4_000_000
    /// How deep lists and maps may nest.
    static let maximumDepth = 32
    /// What can be read back where the value is written on one line (YAML 1.2, section 7.4.2), escapes counted in.
    static let maximumKeyBytes = 256

    /// Reads one document (YAML 1.1, as charts have it). `name` is what refusals call it.
    ///
    /// Throws `.invalid(.content, …)` for what is no YAML or no UTF-8, is over a limit, has more than one document, two equal
    /// keys in one map, keys that are no scalars, tags, merge keys or aliases: a few aliases can stand for any number of values.
    init(_ bytes: some Collection<UInt8>, _ name: String) throws(Problem) {
        try self.init(Self.root(of: bytes, name), name)
    }

    /// The root of a document, whose values are checked once they are made values of ours: so that one that is refused leaves the
    /// others. Throws as `init` does for what is wrong with the document as a whole.
    static func root(
        of bytes: some Collection<UInt8>, _ name: String, limit: Int = maximumBytes
    ) throws(Problem) -> Node {
        guard bytes.count <= limit else { throw .invalid(.content, "\(name) has more than \(limit) bytes") }
        let isMarked = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        guard let text = String(validating: isMarked ? bytes.dropFirst(3) : bytes.dropFirst(0), as: UTF8.self) else {
            throw .invalid(.content, "\(name) is no UTF-8")
        }
        guard !Self.hasTooManyMarks(text.utf8) else {
            throw .invalid(.content, "\(name) may have more than \(Self.maximumMarks) values")
        }
        guard !Self.mayHaveAliases(text) else {
            throw .invalid(.content, "\(name) has anchors and aliases of YAML, which are not taken")
        }
        let root: Node?
        do {
            root = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
        } catch {
            let reason = "\(error)".split(whereSeparator: \.isNewline).first ?? ""
            throw .invalid(.content, "\(name) is no YAML: \(reason.prefix(200))")
        }
        guard let root else { throw .invalid(.content, "\(name) is empty") }
        return root
    }

    /// What a part of a document says. Throws as `init(_:_:)` does.
    init(_ node: Node, _ name: String, depth: Int = 0) throws(Problem) {
        guard depth < Self.maximumDepth || node.scalar != nil else {
            throw .invalid(.content, "\(name) nests more than \(Self.maximumDepth) levels deep")
        }
        switch node {
        case .scalar(let scalar):
            try Self.check(scalar.tag, name)
            self = .scalar(scalar.string, isPlain: scalar.style == .plain && scalar.tag.description.isEmpty)
        case .sequence(let sequence):
            try Self.check(sequence.tag, name)
            var values: [YAMLValue] = []
            for element in sequence { values.append(try YAMLValue(element, name, depth: depth + 1)) }
            self = .list(values)
        case .mapping(let mapping):
            try Self.check(mapping.tag, name)
            var members: [Member] = []
            for (key, value) in mapping {
                guard case .scalar(let scalar) = key, scalar.string != "<<",
                    scalar.string.utf8.count <= Self.maximumKeyBytes,
                    !scalar.string.unicodeScalars.contains(where: \.isForbiddenInYAML)
                else {
                    throw .invalid(
                        .content,
                        "\(name) has a key that is no text of at most \(Self.maximumKeyBytes) bytes, or that merges maps"
                    )
                }
                try Self.check(scalar.tag, name)
                members.append(Member(key: scalar.string, value: try YAMLValue(value, name, depth: depth + 1)))
            }
            // Of two keys that differ by their tags alone, readers take the first or the last.
            guard Set(members.map(\.key)).count == members.count else {
                throw .invalid(.content, "\(name) has a key twice in one map")
            }
            self = .map(members)
        case .alias:
            throw .invalid(.content, "\(name) has aliases of YAML, which are not taken")
        }
    }

    /// Only what quotes say anyway may stand before a value.
    private static func check(_ tag: Tag, _ name: String) throws(Problem) {
        guard ["", "tag:yaml.org,2002:str"].contains(tag.description) else {
            throw .invalid(.content, "\(name) has the YAML tag '\(tag.description.prefix(100))', which is not taken")
        }
    }

    /// The parser makes all values before anybody can count them, and one takes much more room than the text it is written in.
    private static func hasTooManyMarks(_ text: String.UTF8View) -> Bool {
        var count = 0
        var last: UInt8 = 0
        for byte in text {
            switch byte {
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "{"):
                count += 1
            case UInt8(ascii: " "), UInt8(ascii: "\t"):
                if last == UInt8(ascii: "-") || last == UInt8(ascii: ":") || last == UInt8(ascii: "?") { count += 1 }
            default: break
            }
            last = byte
        }
        return count > maximumMarks
    }

    /// Whether some `*name` may refer to some `&name`. The parser would put the values in their places before anybody could
    /// count them, so this looks at the text, and takes a few texts for more than they are.
    private static func mayHaveAliases(_ text: String) -> Bool {
        let bytes = text.utf8
        guard bytes.contains(UInt8(ascii: "&")), bytes.contains(UInt8(ascii: "*")) else { return false }
        var anchors: Set<Substring> = []
        var aliases: Set<Substring> = []
        var isInWord = false
        for index in bytes.indices {
            let byte = bytes[index]
            if !isInWord, byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*") {
                let rest = text[bytes.index(after: index)...]
                let name = Substring(rest.utf8.prefix { isAnchorByte($0) })
                if byte == UInt8(ascii: "&") { anchors.insert(name) } else { aliases.insert(name) }
            }
            isInWord = isAnchorByte(byte) && byte != UInt8(ascii: "-")
        }
        return !anchors.isDisjoint(with: aliases.subtracting([""]))
    }

    private static func isAnchorByte(_ byte: UInt8) -> Bool {
        byte.isAlphanumeric || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }

    // MARK: JSON

    /// What a JSON value says; nil for what is over a limit, and for keys that no map of ours has.
    init?(_ json: RawJSON, depth: Int = 0) {
        if let text = json.string {
            self = .scalar(text, isPlain: false)
        } else if let members = json.members {
            guard depth < Self.maximumDepth else { return nil }
            var map: [Member] = []
            for (key, value) in members {
                guard key.utf8.count <= Self.maximumKeyBytes,
                    !key.unicodeScalars.contains(where: \.isForbiddenInYAML),
                    let value = YAMLValue(value, depth: depth + 1)
                else { return nil }
                map.append(Member(key: key, value: value))
            }
            self = .map(map)
        } else if let elements = json.elements {
            guard depth < Self.maximumDepth else { return nil }
            var list: [YAMLValue] = []
            for element in elements {
                guard let value = YAMLValue(element, depth: depth + 1) else { return nil }
                list.append(value)
            }
            self = .list(list)
        } else {
            self = .scalar(json.text, isPlain: true)
        }
    }

    // MARK: Reading

    /// The text of a scalar; nil for every other value.
    var text: String? {
        if case .scalar(let text, _) = self { text } else { nil }
    }

    var elements: [YAMLValue]? {
        if case .list(let elements) = self { elements } else { nil }
    }

    var members: [Member]? {
        if case .map(let members) = self { members } else { nil }
    }

    /// The value of a key; nil where there is none, and for every other value.
    subscript(key: String) -> YAMLValue? { members?.first { $0.key == key }?.value }

    /// Whether nothing stands there.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = self else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// A truth value; nil for every other value.
    var boolean: Bool? {
        guard case .scalar(let text, isPlain: true) = self else { return nil }
        return switch text.lowercased() {
        case "true", "yes", "on": true
        case "false", "no", "off": false
        default: nil
        }
    }

    /// Whether YAML takes it for a text, not for a number, a date, a truth value or nothing.
    var isText: Bool {
        switch self {
        case .scalar(_, isPlain: false): true
        case .scalar(let text, isPlain: true): Resolver.default.resolveTag(of: Node(text)) == .str
        case .list, .map: false
        }
    }
}

extension Unicode.Scalar {
    /// What no YAML document may have in it as it is (YAML 1.2, section 5.1), or what ends a line in some readers' eyes.
    var isForbiddenInYAML: Bool {
        switch value {
        case 0x09, 0x0A, 0x0D: false
        case ..<0x20, 0x7F...0x9F, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF: true
        default: false
        }
    }
}
