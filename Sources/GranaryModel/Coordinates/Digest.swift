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
        let text = String(text)
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            let algorithm = Algorithm(rawValue: String(text[..<colon]))
        else { return nil }
        self.init(algorithm, hex: text[text.utf8.index(after: colon)...])
    }

    /// Answers nil when `hex` is not the lower-case hexadecimal form of a hash of this algorithm.
    package init?(_ algorithm: Algorithm, hex: some StringProtocol) {
        var hex = String(hex)
        let isRight = hex.withUTF8 { $0.count == algorithm.hexLength && $0.allSatisfy(\.isLowerHexadecimal) }
        guard isRight else { return nil }
        self.algorithm = algorithm
        self.hex = hex
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
    let bytes = Array(bytes)
    return String(unsafeUninitializedCapacity: bytes.count * 2) { text in
        for (index, byte) in bytes.enumerated() {
            text[index * 2] = hexadecimalDigit(byte >> 4)
            text[index * 2 + 1] = hexadecimalDigit(byte & 15)
        }
        return bytes.count * 2
    }
}

private func hexadecimalDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

extension UInt8 {
    /// True for `0`–`9` and `a`–`f`.
    package var isLowerHexadecimal: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self)
    }
}
