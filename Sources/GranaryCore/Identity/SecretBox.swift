import Crypto
import FoundationEssentials

/// Encrypts secrets that the server has to show to others, such as the passwords of upstreams, for the database: AES-GCM with a
/// key of this installation.
package struct SecretBox: Sendable {
    private let key: SymmetricKey

    /// From the installation's secret, of which this is another use.
    package init(secret: [UInt8]) {
        key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: secret), info: Data("upstream credentials".utf8), outputByteCount: 32)
    }

    func seal(_ text: String) throws -> String {
        let sealed = try AES.GCM.seal(Data(text.utf8), using: key)
        // With the standard nonce there is always a combined form.
        return (sealed.combined ?? Data()).base64EncodedString()
    }

    /// Nil for what another installation has sealed, and for what was changed.
    func open(_ sealed: String) -> String? {
        guard let data = Data(base64Encoded: sealed), let box = try? AES.GCM.SealedBox(combined: data),
            let text = try? AES.GCM.open(box, using: key)
        else { return nil }
        return String(decoding: text, as: UTF8.self)
    }
}
