/// A content digest, `algorithm:hex` (image specification, "Descriptor", section "Digests").
package struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The registered algorithms Granary computes.
    package enum Algorithm: String, Sendable, CaseIterable {
        case sha256, sha512

        /// Length of the lower-case hexadecimal form.
        package var hexLength: Int { self == .sha256 ? 64 : 128 }
    }

    package let algorithm: Algorithm
    /// Lower-case hexadecimal.
    package let hex: String

    /// Answers nil for an unknown algorithm, a wrong length or anything but lower-case hexadecimal.
    package init?(_ text: some StringProtocol) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let hex = text[text.utf8.index(after: colon)...]
        guard let algorithm = Algorithm(rawValue: String(text[..<colon])) else { return nil }
        self.init(algorithm, hex: hex)
    }

    /// Answers nil when `hex` is not the lower-case hexadecimal form of a hash of this algorithm.
    package init?(_ algorithm: Algorithm, hex: some StringProtocol) {
        guard hex.utf8.count == algorithm.hexLength, hex.utf8.allSatisfy(\.isLowerHexadecimal) else { return nil }
        self.algorithm = algorithm
        self.hex = String(hex)
    }

    /// For hexadecimal that a blob digest has checked already.
    fileprivate init(sha256 hex: String) {
        self.algorithm = .sha256
        self.hex = hex
    }

    package var description: String { "\(algorithm.rawValue):\(hex)" }

    package static func < (left: Digest, right: Digest) -> Bool { left.description < right.description }
}

/// The SHA-256 of stored bytes: the one address a blob has inside Granary.
package struct BlobDigest: Hashable, Sendable, CustomStringConvertible {
    /// 64 lower-case hexadecimal digits.
    package let hex: String

    /// Answers nil when `hex` is not 64 lower-case hexadecimal digits.
    package init?(hex: some StringProtocol) {
        guard let digest = Digest(.sha256, hex: hex) else { return nil }
        self.hex = digest.hex
    }

    /// Answers nil for a digest of another algorithm.
    package init?(_ digest: Digest) {
        guard digest.algorithm == .sha256 else { return nil }
        self.hex = digest.hex
    }

    /// From the 32 bytes a hash function answers.
    package init(bytes: some Sequence<UInt8>) {
        self.hex = hexadecimal(bytes)
    }

    /// The same digest in `algorithm:hex` form.
    package var digest: Digest { Digest(sha256: hex) }

    package var description: String { "sha256:\(hex)" }
}

/// Lower-case hexadecimal of `bytes`.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(128)
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

extension UInt8 {
    /// True for `0`–`9` and `a`–`f`.
    package var isLowerHexadecimal: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self)
    }
}
