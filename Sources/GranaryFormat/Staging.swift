package import GranaryModel
package import NIOCore

/// Hash functions beside SHA-256, which is always computed.
package enum ExtraHash: String, Sendable, CaseIterable, Codable {
    case sha1, md5, sha512
}

/// What must hold of bytes before they are accepted, and which hashes are wanted of them.
package struct StagingTerms: Sendable {
    package var limit: ByteCount
    package var hashes: Set<ExtraHash>
    /// Digests that must match, by hash name (`sha256` or an `ExtraHash`), in lower-case hexadecimal.
    package var expected: [String: String]
    /// The size that must match.
    package var expectedSize: ByteCount?

    package init(
        limit: ByteCount, hashes: Set<ExtraHash> = [], expected: [String: String] = [:], expectedSize: ByteCount? = nil
    ) {
        self.limit = limit
        self.hashes = hashes
        self.expected = expected
        self.expectedSize = expectedSize
    }
}

/// Stored bytes, for whoever has to look into them. Reading blocks.
package struct StoredBytes {
    package let size: ByteCount
    /// The bytes of a range within 0..<size.
    package let read: (Range<Int64>) throws -> ByteBuffer

    package init(size: ByteCount, read: @escaping (Range<Int64>) throws -> ByteBuffer) {
        self.size = size
        self.read = read
    }
}

/// An unguessable name of an upload session: 128 random bits in lower-case hexadecimal.
package struct UploadID: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// Answers nil for anything but 32 lower-case hexadecimal digits.
    package init?(_ text: String) {
        guard text.utf8.count == 32, text.utf8.allSatisfy(\.isLowerHexadecimal) else { return nil }
        self.text = text
    }

    package init(random bytes: some Sequence<UInt8>) { self.text = hexadecimal(bytes) }

    package var description: String { text }
}

/// What an upload session is opened with.
package struct UploadOpening: Sendable {
    package var hashes: Set<ExtraHash>
    package var limit: ByteCount
    /// The whole length, where the client says it beforehand.
    package var length: ByteCount?
    /// What the format wants to remember; at most 8 KiB.
    package var note: String

    package init(hashes: Set<ExtraHash> = [], limit: ByteCount, length: ByteCount? = nil, note: String = "") {
        self.hashes = hashes
        self.limit = limit
        self.length = length
        self.note = note
    }
}

/// Where an upload session stands.
package struct UploadStatus: Sendable, Equatable {
    package let id: UploadID
    package let package: PackageName
    /// How many bytes are held.
    package let offset: Int64
    package let length: ByteCount?
    package let note: String
    package let expiresAt: Timestamp

    package init(
        id: UploadID, package: PackageName, offset: Int64, length: ByteCount?, note: String, expiresAt: Timestamp
    ) {
        self.id = id
        self.package = package
        self.offset = offset
        self.length = length
        self.note = note
        self.expiresAt = expiresAt
    }
}
