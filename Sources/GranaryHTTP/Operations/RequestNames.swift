import GranaryModel
import Synchronization

/// Names of requests, which differ from each other and, as good as certainly, from those of other processes. They can be
/// guessed: nothing is granted to who knows one.
final class RequestNames: Sendable {
    /// Odd, so that 2⁶⁴ steps pass before a name comes again.
    private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

    private let last: Atomic<UInt64>

    /// `seed` is random, so that two processes begin elsewhere.
    init(_ seed: [UInt8]) { last = Atomic(seed.reduce(0) { $0 << 8 | UInt64($1) }) }

    /// 16 lower-case hexadecimal digits.
    func next() -> String {
        let number = last.wrappingAdd(Self.step, ordering: .relaxed).newValue
        return hexadecimal((0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) })
    }
}
