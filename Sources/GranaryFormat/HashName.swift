package import GranaryModel
package import HTTPTypes

/// The hash functions files are known by; the raw value is the extension of checksum files.
package enum HashName: String, Sendable, CaseIterable {
    case sha256, sha1, md5, sha512

    package var hexLength: Int {
        switch self {
        case .md5: 32
        case .sha1: 40
        case .sha256: 64
        case .sha512: 128
        }
    }

    /// The header field that carries it.
    package var field: String { "X-Checksum-" + rawValue.prefix(1).uppercased() + rawValue.dropFirst() }
}

extension Checksums {
    /// In lower-case hexadecimal; nil where it is not known.
    package subscript(hash: HashName) -> String? {
        switch hash {
        case .sha256: sha256.hex
        case .sha1: sha1
        case .md5: md5
        case .sha512: sha512
        }
    }
}

extension HTTPFields {
    /// Says all that is known of a file's hashes.
    package mutating func setChecksums(_ checksums: Checksums) {
        for hash in HashName.allCases { self[named: hash.field] = checksums[hash] }
    }
}
