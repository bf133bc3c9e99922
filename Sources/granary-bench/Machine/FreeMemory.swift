import Glibc

/// Memory that no process uses.
enum FreeMemory {
    /// Takes that much and gives it back, so that whoever uses it next does not wait for it.
    ///
    /// On a virtual machine whose host takes back what is free, memory is some ten times as slow when it is used for the first
    /// time as it is later, which would hide what servers do differently.
    static func warm(_ bytes: Int) {
        guard bytes > 0, let space = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            space != MAP_FAILED
        else { return }
        let pages = UnsafeMutableRawBufferPointer(start: space, count: bytes)
        for offset in stride(from: 0, to: bytes, by: 4096) { pages[offset] = 1 }
        munmap(space, bytes)
    }
}
