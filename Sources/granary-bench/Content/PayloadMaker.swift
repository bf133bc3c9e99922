import Crypto
import Synchronization

/// Makes bodies that no server has seen, at the price of hashing their last bytes: what comes before is hashed once a size.
final class PayloadMaker: Sendable {
    private static let tailCount = 32

    private struct State {
        var hashed: [Int: SHA256] = [:]
        var made = 0
    }

    private let source: RandomBytes
    private let run: UInt64
    private let state = Mutex(State())

    /// `run` is a number that no earlier run had; bodies have at most `maximumSize` bytes.
    init(maximumSize: Int, run: UInt64) throws {
        source = try RandomBytes(count: maximumSize, seed: 1)
        self.run = run
    }

    /// A new body of `size` bytes, which is at least 32.
    func payload(_ size: Int) throws -> Payload {
        let prefixCount = size - Self.tailCount
        guard prefixCount >= 0, prefixCount <= source.count else {
            throw BenchFailure("a body of \(size) bytes cannot be made")
        }
        let (hashed, number) = state.withLock { state in
            state.made += 1
            if let hashed = state.hashed[prefixCount] { return (hashed, state.made) }
            var hashed = SHA256()
            hashed.update(bufferPointer: source.prefix(prefixCount))
            state.hashed[prefixCount] = hashed
            return (hashed, state.made)
        }
        return Payload(source, prefixCount, hashed: hashed, tail: tail(number))
    }

    /// A number nobody was given before, as text.
    func uniqueName() -> String {
        let number = state.withLock { state in
            state.made += 1
            return state.made
        }
        return "\(String(run, radix: 36))-\(number)"
    }

    private func tail(_ number: Int) -> [UInt8] {
        let text = Array("\(String(run, radix: 36)) \(number)".utf8)
        return text + Array(repeating: UInt8(ascii: "."), count: max(0, Self.tailCount - text.count))
    }
}
