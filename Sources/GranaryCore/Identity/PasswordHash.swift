import Crypto
import CryptoExtras
import FoundationEssentials
import GranaryModel

/// Passwords as they are stored: `scrypt$<log2 rounds>$<salt>$<key>`, the last two in base64 (RFC 7914).
struct PasswordHash: Sendable {
    static let saltBytes = 16
    static let keyBytes = 32
    static let blockSize = 8

    /// Hashes a new password with a fresh salt. At the standard 14 rounds it takes tens of milliseconds and 16 MiB.
    static func make(_ password: String, salt: [UInt8], logRounds: Int) throws -> String {
        let key = try derive(password, salt: salt, logRounds: logRounds)
        return "scrypt$\(logRounds)$\(Data(salt).base64EncodedString())$\(key.base64EncodedString())"
    }

    /// Whether a password is the one that was hashed. False for a stored text this server cannot read.
    static func verify(_ password: String, against stored: String) -> Bool {
        let parts = stored.split(separator: "$")
        guard parts.count == 4, parts[0] == "scrypt", let logRounds = Int(parts[1]), (10...20).contains(logRounds),
            let salt = Data(base64Encoded: String(parts[2])), let expected = Data(base64Encoded: String(parts[3])),
            let key = try? derive(password, salt: [UInt8](salt), logRounds: logRounds)
        else { return false }
        return constantTimeEqual(key, expected)
    }

    private static func derive(_ password: String, salt: [UInt8], logRounds: Int) throws -> Data {
        let key = try KDF.Scrypt.deriveKey(
            from: Data(password.utf8), salt: Data(salt), outputByteCount: keyBytes, rounds: 1 << logRounds,
            blockSize: blockSize, parallelism: 1)
        return key.withUnsafeBytes { Data($0) }
    }

    /// Compares without telling by its duration where the difference is.
    static func constantTimeEqual(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
