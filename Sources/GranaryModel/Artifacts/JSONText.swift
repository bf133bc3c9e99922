import FoundationEssentials

/// JSON as Granary writes it: keys in order, slashes as they are.
///
/// A value that has no JSON, such as one with an infinite number in it, is a programmer's error.
package func jsonText(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
        preconditionFailure("a value without JSON: \(error)")
    }
}
