import GranaryFormat
import GranaryModel
import GranaryTestKit
import HTTPTypes
import Testing

@testable import FormatGeneric

/// The hashes of `abc`.
@Suite struct ChecksumTests {
    static let md5 = "900150983cd24fb0d6963f7d28e17f72"
    static let sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d"
    static let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    static let sha512 =
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    static let base64 = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="

    struct Case: Sendable {
        let fields: [(String, String)]
        /// Nil of malformed ones.
        let found: [HashName: String]?
    }

    static let cases: [Case] = [
        Case(fields: [], found: [:]),
        Case(fields: [("X-Checksum-Sha256", sha256.uppercased())], found: [.sha256: sha256]),
        Case(
            fields: [("x-checksum-sha1", sha1), ("X-Checksum-Md5", md5), ("X-Checksum-Sha512", sha512)],
            found: [.sha1: sha1, .md5: md5, .sha512: sha512]),
        Case(fields: [("X-Checksum", md5)], found: [.md5: md5]),
        Case(fields: [("X-Checksum", sha1)], found: [.sha1: sha1]),
        Case(fields: [("X-Checksum", sha256), ("X-Checksum-Sha256", sha256)], found: [.sha256: sha256]),
        Case(fields: [("X-Checksum", sha512)], found: [.sha512: sha512]),
        Case(fields: [("Content-MD5", "kAFQmDzST7DWlj99KOF/cg==")], found: [.md5: md5]),
        Case(fields: [("Digest", "SHA-256=\(base64), unixsum=30637")], found: [.sha256: sha256]),
        Case(fields: [("Digest", "sha=qZk+NkcGgWq6PiVxeFDCbJzQ2J0=")], found: [.sha1: sha1]),
        Case(fields: [("Content-Digest", "sha-256=:\(base64):")], found: [.sha256: sha256]),
        Case(fields: [("Repr-Digest", "crc32c=:AAAA:, sha-256=:\(base64):")], found: [.sha256: sha256]),
        Case(fields: [("X-Checksum-Sha256", md5)], found: nil),
        Case(fields: [("X-Checksum-Sha256", "")], found: nil),
        Case(fields: [("X-Checksum-Md5", "g" + md5.dropFirst())], found: nil),
        Case(fields: [("X-Checksum", "abc")], found: nil),
        Case(fields: [("Content-MD5", "kAFQmDzST7DWlj99KOF/cg")], found: nil),
        Case(fields: [("Content-MD5", base64)], found: nil),
        Case(fields: [("Digest", "sha-256")], found: nil),
        Case(fields: [("Content-Digest", "sha-256=\(base64)")], found: nil),
        Case(fields: [("Content-Digest", "sha-256=:")], found: nil),
        Case(
            fields: [("X-Checksum", sha256), ("X-Checksum-Sha256", String(sha256.reversed()))], found: nil)
    ]

    @Test("Checksums are read from every field that carries one", arguments: cases)
    func announced(_ test: Case) throws {
        let headers = head(.put, "a", test.fields).headers
        guard let found = test.found else {
            #expect(refusal(of: head(.put, "a", test.fields)) == 400)
            return
        }
        #expect(try checksumsAnnounced(in: headers) == found)
    }

    @Test("Whatever the fields hold, what is found is hexadecimal of the right length")
    func neverCrashes() {
        var generator = Generator(seed: 0xC5)
        let seed = Array("sha-256=:\(Self.base64):, sha=qZk+NkcGgWq6PiVxeFDCbJzQ2J0=".utf8)
        for _ in 0..<2000 {
            let text = String(decoding: generator.mutation(of: seed), as: UTF8.self)
            for field in ["Digest", "Repr-Digest", "Content-MD5", "X-Checksum", "X-Checksum-Sha256"] {
                let headers = head(.put, "a", [(field, text)]).headers
                for (hash, hex) in (try? checksumsAnnounced(in: headers)) ?? [:] {
                    #expect(hex.utf8.count == hash.hexLength && hex.utf8.allSatisfy(\.isLowerHexadecimal))
                }
            }
        }
    }

    @Test("Only what is known of a file's hashes is said")
    func served() throws {
        var headers = HTTPFields()
        headers.setChecksums(Checksums(sha256: try #require(BlobDigest(hex: Self.sha256)), md5: Self.md5))
        #expect(headers[named: "X-Checksum-Sha256"] == Self.sha256)
        #expect(headers[named: "X-Checksum-Md5"] == Self.md5)
        #expect(headers[named: "X-Checksum-Sha1"] == nil)
    }
}
