import GranaryFormat
import GranaryModel

/// What a provenance file says: a chart and the digest of its archive, in a clear-signed message (RFC 9580, section 7). Its form is
/// checked; whether the signature is good, only those can tell who know whom they trust.
struct Provenance: Sendable {
    static let maximumBytes = 1 << 20

    let chart: ChartID
    /// Of the archive of the chart.
    let digest: BlobDigest

    /// Throws `.invalid` for what is no clear-signed message of a chart's metadata and the digest of the file it makes.
    init(_ bytes: some Collection<UInt8>) throws(Problem) {
        guard bytes.count <= Self.maximumBytes else { throw .tooLarge(ByteCount(Int64(Self.maximumBytes))) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Self.refusal("is no UTF-8") }
        let parts = try Self.message(in: text).split(separator: "...", omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw Self.refusal("does not have two parts with a line '...' between them") }
        chart = try ChartMetadata(parts[0].joined(separator: "\n").utf8).chart
        let sums = try YAMLValue(parts[1].joined(separator: "\n").utf8, "the list of files in the provenance")
        guard let sum = sums["files"]?[chart.archive.text]?.text, sum.hasPrefix("sha256:"),
            let digest = BlobDigest(hex: sum.dropFirst("sha256:".count))
        else { throw Self.refusal("does not tell the SHA-256 of '\(chart.archive.text)'") }
        self.digest = digest
    }

    /// Throws `.mismatch` when it is of an archive with another digest.
    func check(_ archive: BlobDigest) throws(Problem) {
        guard digest == archive else { throw .mismatch(expected: digest.description, actual: archive.description) }
    }

    private static func refusal(_ text: String) -> Problem { .invalid(.content, "the provenance \(text)") }

    /// The lines that are signed, without what they were escaped by.
    private static func message(in text: String) throws(Problem) -> [String] {
        var lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
            String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
        }[...]
        guard lines.first == "-----BEGIN PGP SIGNED MESSAGE-----",
            let blank = lines.firstIndex(of: ""), lines[1..<blank].allSatisfy({ $0.hasPrefix("Hash: ") }),
            let start = lines.firstIndex(of: "-----BEGIN PGP SIGNATURE-----"), start > blank,
            let end = lines.lastIndex(of: "-----END PGP SIGNATURE-----"), end > start,
            lines[(end + 1)...].allSatisfy(\.isEmpty)
        else { throw refusal("is no clear-signed message") }
        lines = lines[(blank + 1)..<start]
        var message: [String] = []
        for line in lines {
            guard line.hasPrefix("- ") || !line.hasPrefix("-") else {
                throw refusal("has a line that begins with a hyphen and is not escaped")
            }
            message.append(line.hasPrefix("- ") ? String(line.dropFirst(2)) : line)
        }
        return message
    }
}
