/// Repeatable random input for property tests: the same seed gives the same run (SplitMix64).
package struct Generator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Text over `alphabet`, of a length within `lengths`.
    package mutating func text(of alphabet: String, lengths: ClosedRange<Int>) -> String {
        let characters = Array(alphabet)
        return String(
            (0..<Int.random(in: lengths, using: &self)).map { _ in characters.randomElement(using: &self) ?? "a" })
    }

    /// Any bytes, of a length within `lengths`.
    package mutating func bytes(lengths: ClosedRange<Int>) -> [UInt8] {
        (0..<Int.random(in: lengths, using: &self)).map { _ in UInt8.random(in: .min ... .max, using: &self) }
    }

    /// `seed` with one to eight bytes changed, dropped, doubled or swapped: nearly right input, which finds more than noise.
    package mutating func mutation(of seed: [UInt8]) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...8, using: &self) where !bytes.isEmpty {
            let index = bytes.indices.randomElement(using: &self) ?? 0
            switch Int.random(in: 0..<4, using: &self) {
            case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &self)
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(bytes[index], at: index)
            default: bytes.swapAt(index, bytes.indices.randomElement(using: &self) ?? index)
            }
        }
        return bytes
    }
}
