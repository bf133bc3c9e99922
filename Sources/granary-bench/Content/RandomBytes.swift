import CLinux
import Glibc
import Synchronization

/// Random bytes that every body is a prefix of: in memory for hashing, and as a file that can be sent without copying.
/// They are made when they are first asked for.
final class RandomBytes: Sendable {
    let count: Int
    /// A memory file of these bytes.
    let file: CInt
    /// Where they are mapped, as a number, since threads may not share pointers.
    private let address: UInt

    private let seed: UInt64
    /// How many of the bytes are made; a multiple of eight.
    private let made = Mutex(0)

    /// `count` is a multiple of eight.
    init(count: Int, seed: UInt64) throws {
        self.count = count
        self.seed = seed
        file = memory_file("granary-bench")
        guard file >= 0, ftruncate(file, off_t(count)) == 0 else { throw BenchFailure.lastError("a file in memory") }
        let mapped = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        guard let mapped, mapped != MAP_FAILED else { throw BenchFailure.lastError("mmap") }
        address = UInt(bitPattern: mapped)
    }

    deinit {
        munmap(UnsafeMutableRawPointer(bitPattern: address), count)
        close(file)
    }

    /// The first bytes, valid while this object is.
    func prefix(_ count: Int) -> UnsafeRawBufferPointer {
        let pointer = UnsafeMutableRawPointer(bitPattern: address)
        made.withLock { made in
            while let pointer, made < count {
                pointer.storeBytes(of: word(made / 8), toByteOffset: made, as: UInt64.self)
                made += 8
            }
        }
        return UnsafeRawBufferPointer(start: pointer, count: min(count, self.count))
    }

    /// SplitMix64 at a position.
    private func word(_ position: Int) -> UInt64 {
        var mixed = seed &+ 0x9E37_79B9_7F4A_7C15 &* UInt64(position + 1)
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
