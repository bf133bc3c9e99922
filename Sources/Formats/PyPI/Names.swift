package import GranaryFormat
import GranaryModel

/// The name of a project, as it is shown and as it is compared (specification "Names and normalization").
package struct ProjectName: Sendable, Hashable {
    package static let maximumBytes = 128

    /// As somebody wrote it.
    package let display: String
    /// Lower case, every run of `-`, `_` and `.` a single `-`: two names with the same are the same project.
    package let normalized: String

    /// Answers nil for anything but ASCII letters and digits with `-`, `_` and `.` between them.
    package init?(_ text: some StringProtocol) {
        guard (1...Self.maximumBytes).contains(text.utf8.count), let first = text.utf8.first,
            let last = text.utf8.suffix(1).first,
            first.isAlphanumeric, last.isAlphanumeric
        else { return nil }
        guard text.utf8.allSatisfy({ $0.isAlphanumeric || $0.isNameSeparator }) else { return nil }
        display = String(text)
        normalized = Self.normalized(text)
    }

    /// Of a name, and of a pattern over names, whose asterisks stay.
    static func normalized(_ text: some StringProtocol) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if !byte.isNameSeparator {
                bytes.append(byte.lowercase)
            } else if bytes.last != UInt8(ascii: "-") {
                bytes.append(UInt8(ascii: "-"))
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A version by PEP 440. Versions that differ only in spelling are equal, `1.0` and `1.0.0` among them.
package struct PythonVersion: Sendable {
    package static let maximumBytes = 200

    fileprivate enum LocalSegment: Sendable, Hashable {
        case text(String)
        case number(Int)
    }

    fileprivate var epoch = 0
    fileprivate var release: [Int] = []
    /// 0, 1 and 2 are `a`, `b` and `rc`.
    fileprivate var pre: (phase: Int, number: Int)?
    fileprivate var post: Int?
    fileprivate var dev: Int?
    fileprivate var local: [LocalSegment] = []

    /// Answers nil for what is no version, and for numbers of more than 18 digits.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count <= Self.maximumBytes else { return nil }
        var scanner = VersionScanner(text)
        guard let version = scanner.version() else { return nil }
        self = version
    }

    fileprivate init() {}

    /// The normal spelling; zeros at the end of the release stay.
    package var text: String {
        var text = epoch == 0 ? "" : "\(epoch)!"
        text += release.map(String.init).joined(separator: ".")
        if let pre { text += "\(["a", "b", "rc"][pre.phase])\(pre.number)" }
        if let post { text += ".post\(post)" }
        if let dev { text += ".dev\(dev)" }
        guard !local.isEmpty else { return text }
        let segments = local.map { segment in
            switch segment {
            case .text(let text): text
            case .number(let number): String(number)
            }
        }
        return text + "+" + segments.joined(separator: ".")
    }

    /// Its own spelling, and those that differ from it in zeros at the end of a release of up to four numbers.
    package var spellings: [String] {
        let least = max(significantRelease.count, 1)
        let counts = [release.count] + (least...max(least, 4)).filter { $0 != release.count }
        return counts.map { count in
            var copy = self
            copy.release = Array((release + [Int](repeating: 0, count: 4)).prefix(count))
            return copy.text
        }
    }

    /// Whether installers choose it only when they are asked to.
    package var isPrerelease: Bool { pre != nil || dev != nil }
}

extension PythonVersion: Comparable, Hashable {
    package static func == (left: Self, right: Self) -> Bool {
        left.numbers == right.numbers && left.significantRelease == right.significantRelease
            && left.local == right.local
    }

    package static func < (left: Self, right: Self) -> Bool {
        if left.epoch != right.epoch { return left.epoch < right.epoch }
        if left.significantRelease != right.significantRelease {
            return left.significantRelease.lexicographicallyPrecedes(right.significantRelease)
        }
        if left.numbers != right.numbers { return left.numbers.lexicographicallyPrecedes(right.numbers) }
        return left.localKey.lexicographicallyPrecedes(right.localKey) { $0 < $1 }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(numbers)
        hasher.combine(significantRelease)
        hasher.combine(local)
    }

    private var significantRelease: ArraySlice<Int> {
        release[..<((release.lastIndex { $0 != 0 } ?? -1) + 1)]
    }

    /// Everything but the release and the local segment, so that comparing lists of numbers compares versions: a development
    /// release comes before what it leads to, a release candidate before the release, a post release after it.
    private var numbers: [Int] {
        let preKey: [Int] =
            if let pre { [pre.phase, pre.number] } else { [post == nil && dev != nil ? -1 : 3, 0] }
        return [epoch] + preKey + [post ?? -1, dev ?? Int.max]
    }

    private var localKey: [(Int, String)] {
        local.map { segment in
            switch segment {
            case .text(let text): (-1, text)
            case .number(let number): (number, "")
            }
        }
    }
}

/// Reads a version from its front.
private struct VersionScanner {
    private static let maximumDigits = 18

    private var rest: Substring.UTF8View

    init(_ text: some StringProtocol) {
        let isSpace = { (character: Character) in character == " " || character == "\t" || character == "\n" }
        rest = Substring(text).drop(while: isSpace).utf8
        while let last = rest.last, last == 0x20 || last == 0x09 || last == 0x0A { rest.removeLast() }
        rest = Substring(String(Substring(rest)).lowercased()).utf8
    }

    mutating func version() -> PythonVersion? {
        var version = PythonVersion()
        _ = take("v")
        guard let first = number() else { return nil }
        if take("!") {
            version.epoch = first
            guard let number = number() else { return nil }
            version.release = [number]
        } else {
            version.release = [first]
        }
        while let next = attempt({ $0.take(".") ? $0.number() : nil }) { version.release.append(next) }
        version.pre = attempt { $0.pre() }
        version.post = attempt { $0.post() }
        version.dev = attempt { $0.labelled(["dev"])?.number }
        if take("+") {
            guard let local = local() else { return nil }
            version.local = local
        }
        return rest.isEmpty ? version : nil
    }

    private mutating func pre() -> (phase: Int, number: Int)? {
        let phases = ["alpha": 0, "a": 0, "beta": 1, "b": 1, "preview": 2, "pre": 2, "rc": 2, "c": 2]
        return labelled(["alpha", "a", "beta", "b", "preview", "pre", "rc", "c"]).map { label in
            (phases[label.text] ?? 0, label.number)
        }
    }

    private mutating func post() -> Int? {
        if let implicit = attempt({ $0.take("-") ? $0.number() : nil }) { return implicit }
        return labelled(["post", "rev", "r"])?.number
    }

    /// A label with a separator before it and before its number, which is 0 where it is left out.
    private mutating func labelled(_ labels: [String]) -> (text: String, number: Int)? {
        takeSeparator()
        guard let label = labels.first(where: { take($0) }) else { return nil }
        let number = attempt { scanner in
            scanner.takeSeparator()
            return scanner.number()
        }
        return (label, number ?? 0)
    }

    private mutating func local() -> [PythonVersion.LocalSegment]? {
        var segments: [PythonVersion.LocalSegment] = []
        repeat {
            let segment = String(Substring(rest.prefix { $0.isAlphanumeric }))
            guard !segment.isEmpty else { return nil }
            rest = rest.dropFirst(segment.utf8.count)
            guard segment.utf8.allSatisfy(\.isDigit) else {
                segments.append(.text(segment))
                continue
            }
            guard segment.utf8.count <= Self.maximumDigits, let number = Int(segment) else { return nil }
            segments.append(.number(number))
        } while takeSeparator()
        return segments
    }

    private mutating func number() -> Int? {
        let digits = Substring(rest.prefix { $0.isDigit })
        guard (1...Self.maximumDigits).contains(digits.utf8.count) else { return nil }
        rest = rest.dropFirst(digits.utf8.count)
        return Int(digits)
    }

    private mutating func take(_ text: String) -> Bool {
        guard rest.starts(with: text.utf8) else { return false }
        rest = rest.dropFirst(text.utf8.count)
        return true
    }

    @discardableResult
    private mutating func takeSeparator() -> Bool {
        guard let byte = rest.first, byte.isNameSeparator else { return false }
        rest.removeFirst()
        return true
    }

    /// What `read` answers; where that is nil, nothing has been read.
    private mutating func attempt<Value>(_ read: (inout Self) -> Value?) -> Value? {
        var copy = self
        guard let value = read(&copy) else { return nil }
        self = copy
        return value
    }
}

/// A distribution as its file name tells of it: a wheel (PEP 427) or a source distribution (PEP 625).
package struct DistributionName: Sendable, Hashable {
    /// What a file is a distribution by; the raw value is what uploads and the JSON interface call it.
    package enum Kind: String, Sendable { case wheel = "bdist_wheel", source = "sdist" }

    package static let maximumBytes = 255

    package let filename: String
    package let project: ProjectName
    package let version: PythonVersion
    package let kind: Kind
    /// The Python tag of a wheel; `source` for a source distribution.
    package let pythonTag: String

    /// Reads a file name as one of `project`: what stands before the version in the name of an old source distribution may
    /// itself have hyphens, so that only the project tells where the version begins.
    ///
    /// Throws `.invalid(.name, …)` for names of other kinds and of other projects.
    package init(_ filename: String, of project: ProjectName) throws(Problem) {
        guard Self.isAcceptable(filename) else {
            throw .invalid(
                .name,
                "Invalid file name: it is at most \(Self.maximumBytes) letters, digits and any of '._-+!', and begins with "
                    + "a letter or digit.")
        }
        self.filename = filename
        self.project = project
        if filename.hasSuffix(".whl") {
            let parts = filename.dropLast(4).split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 5 || parts.count == 6, parts.allSatisfy({ !$0.isEmpty }),
                parts.count == 5 || parts[2].utf8.first?.isDigit == true
            else {
                throw .invalid(
                    .name, "'\(filename)' is not named like a wheel: name-version[-build]-python-abi-platform.")
            }
            guard ProjectName(parts[0])?.normalized == project.normalized else { throw Self.foreign(filename, project) }
            guard let version = PythonVersion(parts[1].replacing("_", with: "-")) else {
                throw .invalid(.name, "'\(parts[1])' in '\(filename)' is no version by PEP 440.")
            }
            self.version = version
            kind = .wheel
            pythonTag = String(parts[parts.count - 3])
        } else {
            guard let suffix = [".tar.gz", ".zip"].first(where: filename.hasSuffix) else {
                throw .invalid(
                    .name, "'\(filename)' is neither a wheel (.whl) nor a source distribution (.tar.gz, .zip).")
            }
            guard let version = Self.version(in: filename.dropLast(suffix.count), of: project) else {
                throw Self.foreign(filename, project)
            }
            self.version = version
            kind = .source
            pythonTag = "source"
        }
    }

    private static func foreign(_ filename: String, _ project: ProjectName) -> Problem {
        .invalid(.name, "'\(filename)' is not named after the project '\(project.display)' and a version of it.")
    }

    /// The version in `name-version`, where `name` is a spelling of the project's.
    static func version(in stem: Substring, of project: ProjectName) -> PythonVersion? {
        for hyphen in stem.indices where stem[hyphen] == "-" {
            guard ProjectName(stem[..<hyphen])?.normalized == project.normalized,
                let version = PythonVersion(stem[stem.index(after: hyphen)...])
            else { continue }
            return version
        }
        return nil
    }

    private static func isAcceptable(_ filename: String) -> Bool {
        (1...maximumBytes).contains(filename.utf8.count) && filename.utf8.first?.isAlphanumeric == true
            && filename.utf8.allSatisfy { $0.isAlphanumeric || "._-+!".utf8.contains($0) }
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    var isAlphanumeric: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lowercase) }
    var isNameSeparator: Bool { self == UInt8(ascii: "-") || self == UInt8(ascii: "_") || self == UInt8(ascii: ".") }
    /// Of an ASCII letter.
    var lowercase: UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self }
}
