import Crypto
import GranaryModel

/// Several hashes of the same bytes, computed as the bytes come.
struct RunningHashes: Sendable {
    private var sha256 = SHA256()
    private var sha1: Insecure.SHA1?
    private var md5: Insecure.MD5?
    private var sha512: SHA512?

    /// SHA-256 always; of `extra`, those known here: `sha1`, `md5`, `sha512`.
    init(_ extra: Set<String>) {
        sha1 = extra.contains("sha1") ? Insecure.SHA1() : nil
        md5 = extra.contains("md5") ? Insecure.MD5() : nil
        sha512 = extra.contains("sha512") ? SHA512() : nil
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        sha256.update(bufferPointer: bytes)
        sha1?.update(bufferPointer: bytes)
        md5?.update(bufferPointer: bytes)
        sha512?.update(bufferPointer: bytes)
    }

    /// Hexadecimal by name, of the bytes so far.
    var values: [String: String] {
        var values = ["sha256": hexadecimal(sha256.finalize())]
        values["sha1"] = sha1.map { hexadecimal($0.finalize()) }
        values["md5"] = md5.map { hexadecimal($0.finalize()) }
        values["sha512"] = sha512.map { hexadecimal($0.finalize()) }
        return values
    }

    /// Whether every hash of `wanted` is among them.
    func covers(_ wanted: Set<String>) -> Bool {
        var names: Set<String> = ["sha256"]
        if sha1 != nil { names.insert("sha1") }
        if md5 != nil { names.insert("md5") }
        if sha512 != nil { names.insert("sha512") }
        return names.isSuperset(of: wanted)
    }
}
