import Crypto
import GranaryModel

/// An access token as its owner holds it: `grn_<16 hex: id>_<48 hex: secret>`. Only a hash of the secret is stored.
package struct TokenSecret: Sendable {
    package static let prefix = "grn_"

    package let id: String
    package let secret: String

    /// From 32 random bytes.
    init(random bytes: [UInt8]) {
        id = hexadecimal(bytes.prefix(8))
        secret = hexadecimal(bytes.dropFirst(8))
    }

    /// Nil for text that is no access token.
    init?(_ text: String) {
        let parts = text.split(separator: "_")
        guard text.hasPrefix(Self.prefix), parts.count == 3, parts[1].utf8.count == 16, parts[2].utf8.count == 48,
            parts[1...].allSatisfy({ $0.utf8.allSatisfy(\.isLowerHexadecimal) })
        else {
            return nil
        }
        id = String(parts[1])
        secret = String(parts[2])
    }

    package var text: String { "\(Self.prefix)\(id)_\(secret)" }

    /// The secret has 192 random bits, so a plain hash is enough.
    var hash: String { hexadecimal(SHA256.hash(data: Array(secret.utf8))) }
}
