#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Standard output and standard error, without buffers in between.
enum StandardStream {
    case output, error

    /// Writes a text in as few calls as it takes, so that lines of several threads do not mix. What cannot be written is
    /// lost: there is nobody left to tell.
    func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Self.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private var descriptor: CInt { self == .output ? STDOUT_FILENO : STDERR_FILENO }

    #if canImport(Glibc)
        private static let write = Glibc.write
    #elseif canImport(Musl)
        private static let write = Musl.write
    #else
        private static let write = Darwin.write
    #endif
}
